// Must not compile: an order that names one element twice and another never.
#include <qgrain/layout/interleaved.hpp>

qgrain::interleaved<0, 2, 1, 3> good;
#ifdef QGRAIN_MISTAKE
qgrain::interleaved<0, 2, 2, 3> bad;
#endif
