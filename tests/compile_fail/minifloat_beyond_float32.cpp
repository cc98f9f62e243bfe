// Must not compile: values that no float32 has.
#include <qgrain/format/minifloat.hpp>

qgrain::minifloat<5, 2, 16, qgrain::special_values::ieee> good;
#ifdef QGRAIN_MISTAKE
qgrain::minifloat<5, 2, 140, qgrain::special_values::ieee> bad;
#endif
