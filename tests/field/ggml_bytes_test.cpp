// Rows 1 and 22 of tests/data/field: ggml's bytes where quotients fall on halves, and at the ends of the ranges.
#include <support/conformance.hpp>

#include <qgrain/interop/ggml.hpp>

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

using namespace qgrain::interop;
using qgrain_test::tensor;
using qgrain_test::vector_file;

namespace {

template <class Block>
std::string encoded(const tensor& input) {
  const std::vector<float> x = input.floats();
  std::vector<Block> blocks(x.size() / static_cast<std::size_t>(Block::elements));
  ggml_quantize<Block>({x.data(), {static_cast<qgrain::index_t>(blocks.size()), Block::elements}}, blocks.data());
  return qgrain_test::bytes_of(blocks);
}

template <class Block>
void check_halves(const vector_file& file) {
  const std::string name(Block::name());
  const tensor input = file.get(name + ".input");
  BOOST_TEST(input.count() == 64 * 32);
  BOOST_TEST((encoded<Block>(input) == file.get(name + ".packed").bytes), name);
}

}  // namespace

BOOST_AUTO_TEST_CASE(row_1_trained_weights_on_halves) {
  const tensor input = vector_file("ggml_q4_0_halves", "field").get("w");
  const tensor expected = vector_file("ggml_q4_0_halves.expected", "field").get("w.packed");
  BOOST_TEST(expected.bytes.size() == 432U);
  BOOST_TEST((encoded<ggml_q4_0>(input) == expected.bytes));
}

BOOST_AUTO_TEST_CASE(row_1_every_block_of_32_on_halves) {
  const vector_file file("ggml_halves", "field");
  check_halves<ggml_q4_0>(file);
  check_halves<ggml_q5_0>(file);
  check_halves<ggml_q4_1>(file);
  check_halves<ggml_q5_1>(file);
  check_halves<ggml_q8_0>(file);
}

BOOST_AUTO_TEST_CASE(row_22_nvfp4_scale_bytes) {
  // Bit 7 is not looked at; 0x7F alone is zero.
  ggml_nvfp4 block{};
  block.qs[0] = 1;  // half a scale
  for (int byte = 0; byte < 256; ++byte) {
    block.d[0] = static_cast<std::uint8_t>(byte);
    const int exponent = (byte >> 3) & 15;
    const double fraction = (byte & 7) / 8.0;
    const double scale = exponent == 0 ? std::ldexp(fraction, -6) : std::ldexp(1 + fraction, exponent - 7);
    const double wanted = byte == 0x7F ? 0 : scale / 2;
    BOOST_TEST(static_cast<double>(block.value(0)) == wanted, "byte " << byte);
  }
  const tensor file = vector_file("ggml_edges/nvfp4_scale_255", "field").get("w.packed");
  std::memcpy(&block, file.bytes.data(), sizeof block);
  BOOST_TEST(block.d[0] == 255);
  BOOST_TEST(block.value(0) == 240.0F);
}

BOOST_AUTO_TEST_CASE(row_22_mxfp4_of_the_largest_floats) {
  const tensor input = vector_file("ggml_edges/near_max", "field").get("w");
  const std::vector<float> x = input.floats();
  const ggml_mxfp4 block = ggml_mxfp4::encode(x.data());
  for (int i = 0; i < 32; ++i) BOOST_TEST(std::isfinite(block.value(i)), "element " << i);
  // 4 * 2^126 is no float32, so 3 * 2^126 is the nearest value there is.
  std::vector<float> largest(32, std::numeric_limits<float>::max());
  largest[1] = -largest[0];
  const ggml_mxfp4 edge = ggml_mxfp4::encode(largest.data());
  BOOST_TEST(edge.e == 253);
  BOOST_TEST((edge.qs[0] & 15) == 5);
  BOOST_TEST((edge.qs[1] & 15) == 13);
}
