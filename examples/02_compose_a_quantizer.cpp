// Composes quantizers from a format, a granularity and a scale. Sizes and costs are known at compile time.
#include <qgrain/qgrain.hpp>

#include <cstdio>
#include <vector>

using int4_g128 = qgrain::quantizer<qgrain::int4, qgrain::per_group<128>>;
static_assert(int4_g128::bits_per_element == 4.25);  // 4 bits and one f32 scale per 128

using mxfp4 = qgrain::mxfp4_ocp;  // 4 bits and one power of two per 32
static_assert(mxfp4::bits_per_element == 4.25);
static_assert(int4_g128::scale_count({64, 256}) == 128 && mxfp4::scale_bytes({64, 256}) == 512);
static_assert(!int4_g128::check({64, 100}));  // a group of 128 is longer than the row

int main() {
  const qgrain::shape2d shape{64, 256};
  std::vector<float> weights(static_cast<std::size_t>(shape.elements()), 0.25F);
  std::vector<float> back(weights.size());

  // Two codes per byte and one scale per group, from one pass. quantize<...> gives a byte per code.
  const auto packed = qgrain::quantize_packed<int4_g128>(qgrain::on_host{}, {weights.data(), shape});
  qgrain::dequantize_packed(qgrain::on_host{}, packed.view(), qgrain::matrix_view(back.data(), shape));

  std::printf("%zu codes in %zu bytes, %zu scales, 0.25 became %g\n", weights.size(), packed.codes.size(),
              packed.scales.size(), static_cast<double>(back[0]));
  return back[0] == 0.25F ? 0 : 1;
}
