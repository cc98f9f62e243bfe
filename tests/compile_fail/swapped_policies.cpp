// Must not compile: granularity where the format belongs.
#include <qgrain/quantizer/quantizer.hpp>

qgrain::quantizer<qgrain::float8_e4m3fn, qgrain::per_group<32>> good;
#ifdef QGRAIN_MISTAKE
qgrain::quantizer<qgrain::per_group<32>, qgrain::float8_e4m3fn> bad;
#endif
