// Must not compile: a scale where the rounding belongs.
#include <qgrain/quantizer/recipes.hpp>

qgrain::quantizer<qgrain::int8, qgrain::per_group<32>, qgrain::absmax_f32, qgrain::toward_zero> good;
#ifdef QGRAIN_MISTAKE
qgrain::quantizer<qgrain::int8, qgrain::per_group<32>, qgrain::absmax_f32, qgrain::absmax_f32> bad;
#endif
