// Writes the blocks that ggml reads, and reads them back.
#include <qgrain/interop/ggml.hpp>

#include <cmath>
#include <cstdio>
#include <vector>

using block = qgrain::interop::ggml_q8_0;
static_assert(sizeof(block) == 34 && qgrain::interop::ggml_bits_per_element<block> == 8.5);

int main() {
  const qgrain::shape2d shape{4, 64};
  std::vector<float> weights(static_cast<std::size_t>(shape.elements()));
  for (std::size_t i = 0; i < weights.size(); ++i) weights[i] = std::sin(static_cast<float>(i));

  const auto per_row = static_cast<std::size_t>(qgrain::interop::ggml_blocks_per_row<block>(shape.cols));
  std::vector<block> blocks(4 * per_row);
  qgrain::interop::ggml_quantize<block>({weights.data(), shape}, blocks.data());

  std::vector<float> back(weights.size());
  qgrain::interop::ggml_dequantize<block>(blocks.data(), {back.data(), shape});
  float worst = 0.0F;
  for (std::size_t i = 0; i < back.size(); ++i) worst = std::fmax(worst, std::fabs(back[i] - weights[i]));
  std::printf("%zu blocks of %zu bytes, worst error %g\n", blocks.size(), sizeof(block), static_cast<double>(worst));
  return worst > 0.0F && worst <= 0.6F / 127.0F ? 0 : 1;  // half a step of absmax / 127, kept as a float16
}
