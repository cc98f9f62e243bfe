// Must not compile: elements of a type that does not widen to float32.
#include <qgrain/format/integer.hpp>
#include <qgrain/host/quantize.hpp>
#include <qgrain/quantizer/quantizer.hpp>

using recipe = qgrain::quantizer<qgrain::int8, qgrain::per_group<32>>;

void good(qgrain::matrix_view<const qgrain::bfloat16> in, qgrain::quantized_view<recipe> out) {
  qgrain::quantize<recipe>(qgrain::on_host{}, in, out);
}
#ifdef QGRAIN_MISTAKE
void bad(qgrain::matrix_view<const double> in, qgrain::quantized_view<recipe> out) {
  qgrain::quantize<recipe>(qgrain::on_host{}, in, out);
}
#endif
