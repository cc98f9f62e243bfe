// Must not compile: elements of a format without sign and zero.
#include <qgrain/quantizer/quantizer.hpp>

qgrain::quantizer<qgrain::float8_e4m3fn, qgrain::per_group<32>> good;
#ifdef QGRAIN_MISTAKE
qgrain::quantizer<qgrain::float8_e8m0fnu, qgrain::per_group<32>> bad;
#endif
