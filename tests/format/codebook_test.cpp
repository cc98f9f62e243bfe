// Codebooks: nearest entry against a search through the table, ties, ends, and the published tables as numbers.
#include <support/inputs.hpp>
#include <support/reference_codebook.hpp>

#include <qgrain/format/catalog.hpp>

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <limits>
#include <string_view>
#include <vector>

using namespace qgrain;

namespace {

/// Entries whose middles are no float32: one ulp apart, of very different size, around zero, subnormal.
struct awkward_table {
  static constexpr int size = 9;
  static constexpr std::string_view name() noexcept { return "awkward"; }
  static constexpr float value(int i) noexcept {
    constexpr float values[size] = {-3e38F, -1.0F,  -0x1.fffffep-1F, -1e-30F,      -1e-45F,
                                    0.0F,   1e-45F, 0x1.000002p0F,   0x1.000004p0F};
    return values[i];
  }
};

/// The tie between 0 and the next entry is broken by a part that a double sum loses.
struct lopsided_table {
  static constexpr int size = 2;
  static constexpr std::string_view name() noexcept { return "lopsided"; }
  static constexpr float value(int i) noexcept { return i == 0 ? -1e-30F : 1.0F; }
};

template <class Format>
void compare_with_search(const std::vector<float>& table, bool ties_to_zero) {
  std::vector<float> inputs{0.0F, -0.0F, std::numeric_limits<float>::infinity(),
                            -std::numeric_limits<float>::infinity()};
  for (std::size_t i = 0; i + 1 < table.size(); ++i) {
    const double middle = (static_cast<double>(table[i]) + static_cast<double>(table[i + 1])) / 2;
    for (float x : {static_cast<float>(middle), table[i], table[i + 1]}) {
      inputs.push_back(x);
      inputs.push_back(std::nextafter(x, 3e38F));
      inputs.push_back(std::nextafter(x, -3e38F));
    }
  }
  qgrain_test::random_source random(5);
  for (int i = 0; i < 20000; ++i) {
    inputs.push_back(qgrain_test::any_finite(random));
    inputs.push_back(random.bell() * std::fmin(table.back(), 1e30F) / 2);
  }
  std::size_t right = 0;
  for (const float x : inputs) {
    right += Format::encode(x) == qgrain_test::reference_entry(table, x, ties_to_zero) ? 1U : 0U;
  }
  BOOST_TEST_MESSAGE(Format::name() << ": " << right << " of " << inputs.size());
  BOOST_TEST(right == inputs.size());
}

template <class Format>
std::vector<float> entries() {
  std::vector<float> list;
  for (int i = 0; i < Format::size; ++i) list.push_back(Format::decode(static_cast<std::uint8_t>(i)));
  return list;
}

}  // namespace

BOOST_AUTO_TEST_CASE(the_nearest_entry_is_taken) {
  compare_with_search<nf4>(entries<nf4>(), false);
  compare_with_search<nf4_modelopt>(entries<nf4_modelopt>(), false);
  compare_with_search<iq4_nl>(entries<iq4_nl>(), false);
  compare_with_search<ternary>({-1.0F, 0.0F, 1.0F}, true);
  compare_with_search<codebook<awkward_table>>(entries<codebook<awkward_table>>(), false);
  compare_with_search<codebook<awkward_table, codebook_ties::toward_zero>>(entries<codebook<awkward_table>>(), true);
}

BOOST_AUTO_TEST_CASE(ties_go_where_the_type_says) {
  BOOST_TEST(iq4_nl::encode(7.0F) == 8);    // between 1 and 13
  BOOST_TEST(iq4_nl::encode(-4.5F) == 7);   // between -10 and 1
  BOOST_TEST(iq4_nl::encode(-28.5F) == 5);  // between -35 and -22
  BOOST_TEST(ternary::encode(0.5F) == 1);
  BOOST_TEST(ternary::encode(-0.5F) == 1);
  BOOST_TEST(ternary::encode(std::nextafter(-0.5F, -1.0F)) == 0);
  BOOST_TEST((codebook<ternary_table>::encode(-0.5F) == 0));
  // The middle of -1e-30 and 1 is just below 0.5, by less than a double shows.
  BOOST_TEST((codebook<lopsided_table>::encode(0.5F) == 1));
  BOOST_TEST((codebook<lopsided_table>::encode(std::nextafter(0.5F, 0.0F)) == 0));
}

BOOST_AUTO_TEST_CASE(nan_is_the_lowest_entry_and_unused_codes_the_last) {
  BOOST_TEST(nf4::encode(std::numeric_limits<float>::quiet_NaN()) == 0);
  BOOST_TEST(ternary::bits == 2);
  BOOST_TEST(ternary::decode(3) == 1.0F);
}

BOOST_AUTO_TEST_CASE(tables_are_the_published_ones) {
  // QLoRA, appendix: probabilities between 1 - offset and a half, quantiles of the normal distribution, the last one 1.
  const double offset = 0.9677083;
  const auto quantile = [](double p) {  // by bisection of the distribution function
    double low = -8.0;
    double high = 8.0;
    for (int i = 0; i < 100; ++i) {
      const double middle = (low + high) / 2;
      (0.5 * std::erfc(-middle / std::sqrt(2.0)) < p ? low : high) = middle;
    }
    return low;
  };
  const double largest = quantile(offset);
  for (int i = 0; i <= 7; ++i) {
    const double positive = quantile(0.5 + (offset - 0.5) * (i + 1) / 8) / largest;
    const double negative = -quantile(0.5 + (offset - 0.5) * i / 7) / largest;
    BOOST_TEST(std::fabs(static_cast<double>(nf4::decode(static_cast<std::uint8_t>(8 + i))) - positive) < 2e-6);
    BOOST_TEST(std::fabs(static_cast<double>(nf4::decode(static_cast<std::uint8_t>(7 - i))) - negative) < 2e-6);
  }
  // ggml's, and the three of the ternary formats.
  const float ggml[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};
  for (std::uint8_t code = 0; code < 16; ++code) BOOST_TEST(iq4_nl::decode(code) == ggml[code]);
  for (std::uint8_t code = 0; code < 3; ++code) BOOST_TEST(ternary::decode(code) == static_cast<float>(code) - 1.0F);
  // ModelOpt's: the same to four digits, cut to bfloat16.
  for (std::uint8_t code = 0; code < 16; ++code) {
    const float level = nf4_modelopt::decode(code);
    BOOST_TEST(std::fabs(level - nf4::decode(code)) < 0.002F);
    BOOST_TEST((bits_of(level) & 0xFFFFU) == 0U);
  }
}
