// Must not compile: a block scale without a range.
#include <qgrain/format/integer.hpp>
#include <qgrain/scale/two_level.hpp>

qgrain::absmax_two_level<qgrain::float8_e4m3fn> good;
#ifdef QGRAIN_MISTAKE
qgrain::absmax_two_level<qgrain::int8> bad;
#endif
