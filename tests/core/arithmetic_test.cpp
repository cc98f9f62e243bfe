// Each operation rounds once: against double, in which products and (here) sums of floats are exact or correctly
// rounded twice.
#include <support/inputs.hpp>

#include <qgrain/core/arithmetic.hpp>
#include <qgrain/core/half.hpp>

#include <boost/test/unit_test.hpp>

#include <bit>
#include <cmath>
#include <limits>

using namespace qgrain;

static_assert(mul_rn(3.0F, 4.0F) == 12.0F && add_rn(1.0F, 2.0F) == 3.0F && sub_rn(1.0F, 2.0F) == -1.0F &&
              div_rn(1.0F, 4.0F) == 0.25F);
static_assert(power_of_two(-126) == std::numeric_limits<float>::min() && is_nan(quiet_nan()) && !is_nan(1.0F));

BOOST_AUTO_TEST_CASE(a_product_is_rounded_before_it_is_added) {
  qgrain_test::random_source random(1);
  int would_differ = 0;
  for (int i = 0; i < 100000; ++i) {
    const float a = random.bell();
    const float b = random.bell();
    const float c = random.bell();
    const auto product =
        static_cast<float>(static_cast<double>(a) * static_cast<double>(b));  // exact, then rounded once
    const auto sum = static_cast<float>(static_cast<double>(product) + static_cast<double>(c));
    BOOST_TEST_REQUIRE(std::bit_cast<std::uint32_t>(add_rn(mul_rn(a, b), c)) == std::bit_cast<std::uint32_t>(sum));
    would_differ += std::fma(a, b, c) != sum ? 1 : 0;
    BOOST_TEST_REQUIRE(fma_rn(a, b, c) == std::fma(a, b, c));
  }
  BOOST_TEST(would_differ > 1000);
}

BOOST_AUTO_TEST_CASE(products_keep_specials) {
  const float infinity = std::numeric_limits<float>::infinity();
  BOOST_TEST(mul_rn(infinity, -2.0F) == -infinity);
  BOOST_TEST(std::isnan(mul_rn(infinity, 0.0F)));
  BOOST_TEST(std::isnan(mul_rn(std::bit_cast<float>(0xFFFFFFFFU), 1.0F)));
  BOOST_TEST(std::signbit(mul_rn(-0.0F, 3.0F)));
  BOOST_TEST(mul_rn(std::numeric_limits<float>::denorm_min(), 1.0F) == std::numeric_limits<float>::denorm_min());
}

BOOST_AUTO_TEST_CASE(every_16_bit_pattern_survives_widening) {
  for (int pattern = 0; pattern < 65536; ++pattern) {
    const bfloat16 brain{static_cast<std::uint16_t>(pattern)};
    const float16 half{static_cast<std::uint16_t>(pattern)};
    if (!std::isnan(to_float(brain))) BOOST_TEST_REQUIRE((from_float<bfloat16>(to_float(brain)) == brain));
    if (!std::isnan(to_float(half))) BOOST_TEST_REQUIRE((from_float<float16>(to_float(half)) == half));
    // binary16 by its definition.
    const int exponent = (pattern >> 10) & 31;
    const double digits = pattern & 1023;
    const double value = exponent == 0 ? std::ldexp(digits, -24) : std::ldexp(1024 + digits, exponent - 25);
    if (exponent < 31) BOOST_TEST_REQUIRE(std::fabs(static_cast<double>(to_float(half))) == value);
  }
}
