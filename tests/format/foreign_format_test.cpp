// Formats defined outside of the library take part in everything: composition, bulk operations, description.
#include <support/inputs.hpp>

#include <qgrain/format/catalog.hpp>
#include <qgrain/host/quantize.hpp>
#include <qgrain/quantizer/describe.hpp>
#include <qgrain/quantizer/quantizer.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <string_view>
#include <vector>

namespace foreign {

/// Sign and a power of two from 2^-6 to 1, and zero: a whole format written by hand.
struct log4 {
  using code_type = std::uint8_t;
  static constexpr int bits = 4;
  static constexpr float max_finite = 1.0F;
  static constexpr std::string_view name() noexcept { return "log4"; }

  /// The nearest in ratio: exponents are rounded, 2^-6.5 and less are zero.
  static constexpr code_type encode(float x) noexcept {
    const auto pattern = std::bit_cast<std::uint32_t>(x);
    constexpr std::uint32_t root_half = 0x3F35'04F3U;  // sqrt(1/2), the middle of an octave in ratio
    const auto field = static_cast<std::int32_t>(((pattern & 0x7FFF'FFFFU) + (0x3F80'0000U - root_half)) >> 23U);
    const auto level = static_cast<std::uint32_t>(std::clamp(field - 127 + 7, 0, 7));
    return static_cast<code_type>(level | (level == 0 ? 0U : pattern >> 28U & 8U));
  }
  static constexpr float decode(code_type code) noexcept {
    const std::uint32_t level = code & 7U;
    const std::uint32_t magnitude = level == 0 ? 0U : (level + 120U) << 23U;
    return std::bit_cast<float>(magnitude | static_cast<std::uint32_t>(code & 8U) << 28U);
  }
};

/// A small float that nobody has, as template data.
struct float5_e3m1 : qgrain::minifloat<3, 1, 2, qgrain::special_values::nan_at_negative_zero> {
  static constexpr std::string_view name() noexcept { return "float5_e3m1"; }
};

/// A table.
struct squares_table {
  static constexpr int size = 7;
  static constexpr std::string_view name() noexcept { return "squares"; }
  QGRAIN_ELEMENTWISE static constexpr float value(int i) noexcept {
    const int root = i - 3;
    return static_cast<float>(root < 0 ? -root * root : root * root);
  }
};
using squares = qgrain::codebook<squares_table>;

}  // namespace foreign

using namespace qgrain;

static_assert(element_format<foreign::log4> && element_format<foreign::float5_e3m1> &&
              element_format<foreign::squares>);

namespace {

/// Bulk operations against an element by element definition: divide by absmax / max, encode, decode, multiply.
template <class Format>
void compare_through_a_quantizer() {
  using q = quantizer<Format, per_group<16>>;
  constexpr shape2d shape{5, 48};
  const std::vector<float> x = qgrain_test::bell_values(8, static_cast<std::size_t>(shape.elements()));
  const matrix_view<const float> in{x.data(), shape};
  const on_host where{};
  quantized_matrix<q> coded = quantize<q>(where, in);
  std::vector<float> y(x.size());
  dequantize(where, coded.view(), matrix_view<float>{y.data(), shape});
  std::vector<float> faked(x.size());
  fake_quantize<q>(where, in, matrix_view<float>{faked.data(), shape});

  std::size_t right = 0;
  for (std::size_t first = 0; first < x.size(); first += 16) {
    float absmax = 0.0F;
    for (std::size_t i = first; i < first + 16; ++i) absmax = std::max(absmax, std::fabs(x[i]));
    const float scale = absmax / Format::max_finite;
    for (std::size_t i = first; i < first + 16; ++i) {
      const float value = Format::decode(Format::encode(x[i] / scale)) * scale;
      right += y[i] == value && faked[i] == value ? 1U : 0U;
    }
  }
  BOOST_TEST_MESSAGE(describe<q>().name << ": " << right << " of " << x.size());
  BOOST_TEST(right == x.size());
  BOOST_TEST(q::bits_per_element == Format::bits + 2.0);
}

}  // namespace

BOOST_AUTO_TEST_CASE(foreign_formats_quantize) {
  compare_through_a_quantizer<foreign::log4>();
  compare_through_a_quantizer<foreign::float5_e3m1>();
  compare_through_a_quantizer<foreign::squares>();
}

BOOST_AUTO_TEST_CASE(foreign_formats_describe_themselves) {
  constexpr format_description log4 = describe_format<foreign::log4>();
  BOOST_TEST(log4.lowest == -1.0F);
  BOOST_TEST(log4.least_positive == 0x1p-6F);
  BOOST_TEST(!log4.takes_rounding);
  BOOST_TEST(!log4.has_nan);
  constexpr format_description small = describe_format<foreign::float5_e3m1>();
  BOOST_TEST(small.bits == 5);
  BOOST_TEST(small.max_finite == 48.0F);  // 1.5 * 2^(7 - 2)
  BOOST_TEST(small.least_positive == 0.25F);
  BOOST_TEST(small.has_nan);
  BOOST_TEST(!small.has_negative_zero);
  BOOST_TEST(small.takes_rounding);
  constexpr format_description table = describe_format<foreign::squares>();
  BOOST_TEST(table.bits == 3);
  BOOST_TEST(table.lowest == -9.0F);
  BOOST_TEST(table.least_positive == 1.0F);
}

BOOST_AUTO_TEST_CASE(every_code_of_a_foreign_format_survives) {
  std::size_t right = 0;
  for_each_format(format_list<foreign::log4, foreign::float5_e3m1>{}, [&]<class Format>(std::type_identity<Format>) {
    for (int code = 0; code < 1 << Format::bits; ++code) {
      const float value = Format::decode(static_cast<std::uint8_t>(code));
      right += std::isnan(value) || Format::decode(Format::encode(value)) == value ? 1U : 0U;
    }
  });
  BOOST_TEST(right == 48U);
}
