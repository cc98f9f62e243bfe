// Must not compile: a group of no elements.
#include <qgrain/granularity/per_group.hpp>

qgrain::per_group<4> good;
#ifdef QGRAIN_MISTAKE
qgrain::per_group<0> bad;
#endif
