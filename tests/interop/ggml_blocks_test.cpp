// ggml's blocks beyond the golden vectors: what NaN, infinity and zeros do, sizes, bad shapes.
#include <qgrain/interop/ggml.hpp>

#include <boost/test/unit_test.hpp>

#include <array>
#include <cmath>
#include <limits>
#include <vector>

using namespace qgrain;
using namespace qgrain::interop;

namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();

template <class Block>
std::array<float, 32> through(const std::array<float, 32>& x) {
  const Block block = Block::encode(x.data());
  std::array<float, 32> y{};
  for (int i = 0; i < 32; ++i) y[static_cast<std::size_t>(i)] = block.value(i);
  return y;
}

template <class Block>
bool nowhere_finite(const std::array<float, 32>& y) {
  for (const float v : y) {
    if (std::isfinite(v)) return false;
  }
  return true;
}

template <class Block>
void check_block() {
  std::array<float, 32> x{};
  for (const float v : through<Block>(x)) BOOST_TEST(v == 0.0F);
  for (int i = 0; i < 32; ++i) x[static_cast<std::size_t>(i)] = std::sin(static_cast<float>(i));
  const auto y = through<Block>(x);
  const float step = 2.0F / 15.0F;  // no format here is coarser over [-1, 1]
  for (std::size_t i = 0; i < 32; ++i) BOOST_TEST(std::fabs(x[i] - y[i]) < step);
  x[7] = not_a_number;
  BOOST_TEST(nowhere_finite<Block>(through<Block>(x)), Block::name() << " lost a NaN");
  x[7] = infinity;
  BOOST_TEST(!std::isfinite(through<Block>(x)[7]), Block::name() << " lost an infinity");
}

}  // namespace

BOOST_AUTO_TEST_CASE(zeros_numbers_nan_and_infinity) {
  check_block<ggml_q8_0>();
  check_block<ggml_q4_0>();
  check_block<ggml_q4_1>();
  check_block<ggml_q5_0>();
  check_block<ggml_q5_1>();
}

BOOST_AUTO_TEST_CASE(mxfp4_has_no_nan) {
  std::array<float, 32> x{};
  for (const float v : through<ggml_mxfp4>(x)) BOOST_TEST(v == 0.0F);
  x[3] = not_a_number;
  BOOST_TEST(ggml_mxfp4::encode(x.data()).e == 255);
  x[3] = infinity;
  BOOST_TEST(ggml_mxfp4::encode(x.data()).e == 253);
  BOOST_TEST(std::isinf(through<ggml_mxfp4>(x)[3]));  // 6 * 2^126
}

BOOST_AUTO_TEST_CASE(bits_per_element) {
  BOOST_TEST(ggml_bits_per_element<ggml_q8_0> == 8.5);
  BOOST_TEST(ggml_bits_per_element<ggml_q4_0> == 4.5);
  BOOST_TEST(ggml_bits_per_element<ggml_mxfp4> == 4.25);
  BOOST_TEST(ggml_bits_per_element<ggml_q6_k> == 6.5625);
}

BOOST_AUTO_TEST_CASE(rows_are_whole_blocks) {
  std::vector<float> x(2 * 40);
  std::vector<ggml_q8_0> blocks(4);
  BOOST_CHECK_THROW((ggml_quantize<ggml_q8_0>({x.data(), {2, 40}}, blocks.data())), error);
  BOOST_CHECK_THROW((ggml_dequantize<ggml_q8_0>(blocks.data(), {x.data(), {2, 40}})), error);
  // A view of the first 32 columns is fine.
  BOOST_CHECK_NO_THROW((ggml_quantize<ggml_q8_0>({x.data(), {2, 32}, 40}, blocks.data())));
}
