// Must not compile: a rounding for a table, whose ties are part of its type.
#include <qgrain/format/codebook.hpp>
#include <qgrain/quantizer/quantizer.hpp>

qgrain::quantizer<qgrain::nf4, qgrain::per_group<64>> good;
#ifdef QGRAIN_MISTAKE
qgrain::quantizer<qgrain::nf4, qgrain::per_group<64>, qgrain::absmax_f32, qgrain::nearest_away> bad;
#endif
