// Must not compile: the last axis as Python counts it.
#include <qgrain/granularity/per_channel.hpp>

qgrain::per_channel<1> good;
#ifdef QGRAIN_MISTAKE
qgrain::per_channel<-1> bad;
#endif
