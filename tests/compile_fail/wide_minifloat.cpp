// Must not compile: a small float of 17 bits.
#include <qgrain/format/minifloat.hpp>

qgrain::minifloat<4, 3, 7, qgrain::special_values::ieee> good;
#ifdef QGRAIN_MISTAKE
qgrain::minifloat<5, 11, 15, qgrain::special_values::ieee> bad;
#endif
