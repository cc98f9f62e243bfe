// Must not compile: a rounding with a seed in a call that takes none.
#include <qgrain/format/integer.hpp>
#include <qgrain/host/quantize.hpp>
#include <qgrain/quantizer/quantizer.hpp>

using nearest = qgrain::quantizer<qgrain::int8, qgrain::per_group<32>>;
using drawn = qgrain::quantizer<qgrain::int8, qgrain::per_group<32>, qgrain::absmax_f32, qgrain::stochastic>;

void good(qgrain::matrix_view<const float> in, qgrain::quantized_view<nearest> out) {
  qgrain::quantize<nearest>(qgrain::on_host{}, in, out);
}
#ifdef QGRAIN_MISTAKE
void bad(qgrain::matrix_view<const float> in, qgrain::quantized_view<drawn> out) {
  qgrain::quantize<drawn>(qgrain::on_host{}, in, out);
}
#endif
