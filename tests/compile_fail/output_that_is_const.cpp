// Must not compile: results into memory that may only be read.
#include <qgrain/format/integer.hpp>
#include <qgrain/host/quantize.hpp>
#include <qgrain/quantizer/quantizer.hpp>

using recipe = qgrain::quantizer<qgrain::int8, qgrain::per_group<32>>;

void good(qgrain::quantized_view<recipe> in, qgrain::matrix_view<float> out) {
  qgrain::dequantize<recipe>(qgrain::on_host{}, in, out);
}
#ifdef QGRAIN_MISTAKE
void bad(qgrain::quantized_view<recipe> in, qgrain::matrix_view<const float> out) {
  qgrain::dequantize<recipe>(qgrain::on_host{}, in, out);
}
#endif
