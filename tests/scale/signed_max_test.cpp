// Scales from the signed largest element: the definition, its order, and ggml's q4_0 as an independent witness.
#include <support/inputs.hpp>

#include <qgrain/core/concepts.hpp>
#include <qgrain/format/integer.hpp>
#include <qgrain/granularity/per_channel.hpp>
#include <qgrain/granularity/per_group.hpp>
#include <qgrain/host/parallel.hpp>
#include <qgrain/host/quantize.hpp>
#include <qgrain/interop/ggml.hpp>
#include <qgrain/quantizer/quantizer.hpp>
#include <qgrain/scale/signed_max.hpp>

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <limits>
#include <vector>

using namespace qgrain;

using q4 = quantizer<int4, per_group<32>, signed_max<>>;
static_assert(scale_policy<signed_max<>> && scale_policy<signed_max<float16>>);
static_assert(q4::bits_per_element == 5.0 &&
              quantizer<int4, per_group<32>, signed_max<float16>>::bits_per_element == 4.5);

BOOST_AUTO_TEST_CASE(the_first_of_the_largest_magnitudes_keeps_its_sign) {
  signed_largest range;
  for (const float x : {1.0F, -3.0F, 3.0F, 2.0F}) range = widened(range, x);
  BOOST_TEST(range.value == -3.0F);
  BOOST_TEST(widened(signed_largest{2.0F}, signed_largest{-2.0F}).value == 2.0F);
  BOOST_TEST(is_nan(widened(widened(range, std::numeric_limits<float>::quiet_NaN()), 1e30F)));
}

BOOST_AUTO_TEST_CASE(scales_are_those_of_q4_0_and_the_largest_element_has_the_lowest_code) {
  const shape2d shape{50, 64};
  const std::vector<float> x = qgrain_test::bell_values(8, 3200);
  const auto codes = quantize<q4>(thread_pool(2), {x.data(), shape});
  for (std::size_t g = 0; g < codes.scales.size(); ++g) {
    const float* group = x.data() + g * 32;
    const auto block = interop::ggml_q4_0::encode(group);
    BOOST_TEST_REQUIRE((from_float<float16>(codes.scales[g]) == block.d));
    std::size_t largest = 0;
    for (std::size_t i = 1; i < 32; ++i) {
      if (std::fabs(group[i]) > std::fabs(group[largest])) largest = i;
    }
    BOOST_TEST_REQUIRE((codes.codes[g * 32 + largest] == int4::encode(-8.0F)));
    for (std::size_t i = 0; i < 32; ++i) {
      const double quotient = static_cast<double>(group[i]) / static_cast<double>(codes.scales[g]);
      const auto code = static_cast<double>(int4::decode(codes.codes[g * 32 + i]));
      BOOST_TEST_REQUIRE(std::fabs(quotient - code) <= (quotient > 7.0 ? 1.0 : 0.5) + 1e-5);
    }
  }
}

BOOST_AUTO_TEST_CASE(columns_and_threads_keep_the_order_of_rows) {
  const std::vector<float> x = {1.0F, -2.0F, -1.0F, 2.0F, 1.0F, -2.0F};  // 3 rows of 2; ties in both columns
  using by_column = quantizer<int4, per_channel<1>, signed_max<>>;
  for (const int threads : {1, 2, 3}) {
    const auto codes = quantize<by_column>(thread_pool(threads), {x.data(), {3, 2}});
    BOOST_TEST(codes.scales[0] == -0.125F);
    BOOST_TEST(codes.scales[1] == 0.25F);
  }
}

BOOST_AUTO_TEST_CASE(groups_of_nothing_nan_and_infinity) {
  using element = q4::element_type;
  BOOST_TEST(element::scale(signed_largest{}) == 1.0F);
  BOOST_TEST(element::scale(signed_largest{-0.0F}) == 1.0F);
  BOOST_TEST(std::isnan(element::scale(signed_largest{std::numeric_limits<float>::quiet_NaN()})));
  const float infinite = element::scale(signed_largest{std::numeric_limits<float>::infinity()});
  BOOST_TEST(infinite == -std::numeric_limits<float>::infinity());
  BOOST_TEST(std::isnan(element::fake(1.0F, element::factors(infinite))));
}
