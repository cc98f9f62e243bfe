// Must not compile: a tile without columns.
#include <qgrain/granularity/per_tile.hpp>

qgrain::per_tile<4, 4> good;
#ifdef QGRAIN_MISTAKE
qgrain::per_tile<4, 0> bad;
#endif
