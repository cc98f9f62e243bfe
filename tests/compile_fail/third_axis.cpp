// Must not compile: an axis that a matrix does not have.
#include <qgrain/granularity/per_channel.hpp>

qgrain::per_channel<1> good;
#ifdef QGRAIN_MISTAKE
qgrain::per_channel<2> bad;
#endif
