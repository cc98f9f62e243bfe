// Must not compile: infinity and NaN in one code.
#include <qgrain/format/minifloat.hpp>

qgrain::minifloat<4, 3, 7, qgrain::special_values::ieee> good;
#ifdef QGRAIN_MISTAKE
qgrain::minifloat<7, 0, 63, qgrain::special_values::ieee> bad;
#endif
