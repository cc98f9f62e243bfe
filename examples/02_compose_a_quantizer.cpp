// Composes quantizers from a format, a granularity and a scale. Sizes and costs are known at compile time.
#include <qgrain/qgrain.hpp>

#include <cstdint>
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

  // One byte per code and one scale per group; packing them into 4 bits each is a step of its own.
  auto quantized = qgrain::quantize<int4_g128>(qgrain::on_host{.threads = 2}, {weights.data(), shape});
  std::vector<std::uint8_t> packed(quantized.codes.size() / 2);
  qgrain::pack_codes<std::int8_t>(quantized.codes, 4, qgrain::bit_order::low_first, packed);
  qgrain::dequantize<int4_g128>(qgrain::on_host{}, quantized.view(), qgrain::matrix_view<float>(back.data(), shape));

  std::printf("%zu codes in %zu bytes, %zu scales, 0.25 became %g\n", quantized.codes.size(), packed.size(),
              quantized.scales.size(), static_cast<double>(back[0]));
  return back[0] == 0.25F ? 0 : 1;
}
