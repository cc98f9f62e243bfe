// Must not compile: a small float of nine bits.
#include <qgrain/format/minifloat.hpp>

qgrain::minifloat<4, 3, 7, qgrain::special_values::ieee> good;
#ifdef QGRAIN_MISTAKE
qgrain::minifloat<4, 4, 7, qgrain::special_values::ieee> bad;
#endif
