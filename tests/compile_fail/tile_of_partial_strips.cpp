// Must not compile: a tile of scales that no whole number of strips fills.
#include <qgrain/layout/scale_tiles.hpp>

qgrain::scale_tiles<128, 32> good;
#ifdef QGRAIN_MISTAKE
qgrain::scale_tiles<128, 48> bad;
#endif
