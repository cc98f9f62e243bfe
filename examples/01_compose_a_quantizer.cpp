// Composes a quantizer from a format, a granularity and a scale, and uses it on host memory.
#include <qgrain/qgrain.hpp>

#include <cstdio>
#include <vector>

using int4_g128 = qgrain::quantizer<qgrain::int4, qgrain::per_group<128>>;
static_assert(int4_g128::bits_per_element == 4.25);  // 4 bits and one f32 scale per 128

int main() {
  const qgrain::shape2d shape{64, 256};
  std::vector<float> weights(static_cast<std::size_t>(shape.elements()), 0.25F);
  if (const qgrain::status verdict = int4_g128::check(shape); !verdict) return std::puts(verdict.message());

  auto packed = qgrain::quantize<int4_g128>(qgrain::on_host{.threads = 2}, {weights.data(), shape});
  std::vector<float> back(weights.size());
  qgrain::dequantize<int4_g128>(qgrain::on_host{}, packed.view(), qgrain::matrix_view<float>(back.data(), shape));
  std::printf("%zu codes, %zu scales, 0.25 became %g\n", packed.codes.size(), packed.scales.size(),
              static_cast<double>(back[0]));
  return back[0] == 0.25F ? 0 : 1;
}
