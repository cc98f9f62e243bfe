// Must not compile: a block scale without digits under a tensor scale.
#include <qgrain/scale/power_of_two.hpp>
#include <qgrain/scale/two_level.hpp>

qgrain::absmax_two_level<qgrain::float8_e5m2> good;
#ifdef QGRAIN_MISTAKE
qgrain::absmax_two_level<qgrain::float8_e8m0fnu> bad;
#endif
