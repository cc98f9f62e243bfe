// Must not compile: a scale of two levels as a step of several.
#include <qgrain/granularity/per_tensor.hpp>
#include <qgrain/host/sequential.hpp>
#include <qgrain/quantizer/recipes.hpp>

using int4_steps = qgrain::modelopt_integer<qgrain::int4, qgrain::per_group<128>>;
using fp8_step = qgrain::modelopt_fp8<qgrain::per_tensor>;

void good(qgrain::matrix_view<const float> in, qgrain::matrix_view<float> out) {
  qgrain::fake_quantize_in_turn<int4_steps, fp8_step>(qgrain::on_host{}, in, out);
}
#ifdef QGRAIN_MISTAKE
void bad(qgrain::matrix_view<const float> in, qgrain::matrix_view<float> out) {
  qgrain::fake_quantize_in_turn<qgrain::nvfp4_modelopt, fp8_step>(qgrain::on_host{}, in, out);
}
#endif
