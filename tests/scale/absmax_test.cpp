// Symmetric float32 scales: the three arithmetics by their definitions, and the ranges that need a rule of their own.
#include <support/inputs.hpp>

#include <qgrain/core/concepts.hpp>
#include <qgrain/format/float4.hpp>
#include <qgrain/format/float8.hpp>
#include <qgrain/format/integer.hpp>
#include <qgrain/scale/absmax.hpp>
#include <qgrain/scale/power_of_two.hpp>
#include <qgrain/scale/two_level.hpp>

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <limits>

using namespace qgrain;

static_assert(scale_policy<absmax_f32> && scale_policy<absmax_e8m0> && scale_policy<absmax_two_level<float8_e4m3fn>>);
static_assert(!scale_policy<nearest_even>);

namespace {
const float infinity = std::numeric_limits<float>::infinity();
const float not_a_number = std::numeric_limits<float>::quiet_NaN();
}  // namespace

BOOST_AUTO_TEST_CASE(each_arithmetic_as_defined) {
  qgrain_test::random_source random(13);
  int two_roundings = 0;
  for (int i = 0; i < 20000; ++i) {
    const float absmax =
        std::ldexp(static_cast<float>(1.0 + random.uniform()), static_cast<int>(random.next() % 40) - 20);
    const float x = random.bell() * absmax;
    // volatile: each intermediate is rounded to float32 whatever the compiler's flags.
    volatile float ratio = 127.0F / absmax;
    volatile float product = x * ratio;
    auto factors =
        absmax_f32_by<multiply_by_ratio>::factors(absmax_f32_by<multiply_by_ratio>::stored<int8>(absmax, 1.0F), 1.0F);
    BOOST_TEST_REQUIRE((absmax_f32_by<multiply_by_ratio>::scaled(x, factors) == product));
    volatile float back = 93.0F / ratio;
    BOOST_TEST_REQUIRE((absmax_f32_by<multiply_by_ratio>::restored(93.0F, factors) == back));

    volatile float inverse = 1.0F / absmax;
    volatile float twice = inverse * 448.0F;
    two_roundings += twice != 448.0F / absmax ? 1 : 0;
    const float multiplier = absmax_f32_by<multiply_by_reciprocal>::stored<float8_e4m3fn>(absmax, 1.0F);
    BOOST_TEST_REQUIRE((multiplier == twice));
    factors = absmax_f32_by<multiply_by_reciprocal>::factors(multiplier, 1.0F);
    volatile float reciprocal = 1.0F / twice;
    volatile float restored = 96.0F * reciprocal;
    BOOST_TEST_REQUIRE((absmax_f32_by<multiply_by_reciprocal>::restored(96.0F, factors) == restored));

    volatile float scale = absmax / 7.0F;
    volatile float quotient = x / scale;
    volatile float again = -5.0F * scale;
    factors = absmax_f32::factors(absmax_f32::stored<int4>(absmax, 1.0F), 1.0F);
    BOOST_TEST_REQUIRE((absmax_f32::scaled(x, factors) == quotient));
    BOOST_TEST_REQUIRE((absmax_f32::restored(-5.0F, factors) == again));
  }
  BOOST_TEST(two_roundings > 1000);  // the two forms really differ
}

BOOST_AUTO_TEST_CASE(ranges_of_nothing) {
  using ratio = absmax_f32_by<multiply_by_ratio>;
  for (const float absmax : {0.0F, 1e-40F, std::ldexp(1.0F, -24)}) {
    const auto f = ratio::factors(ratio::stored<int8>(absmax, 1.0F), 1.0F);
    BOOST_TEST(ratio::restored(ratio::scaled(absmax, f), f) == 0.0F);
  }
  BOOST_TEST(ratio::stored<int8>(std::nextafter(std::ldexp(1.0F, -24), 1.0F), 1.0F) > 0.0F);
  BOOST_TEST((absmax_f32_by<multiply_by_reciprocal>::stored<float8_e4m3fn>(0.0F, 1.0F)) == 448.0F);
  BOOST_TEST(absmax_f32::stored<int8>(0.0F, 1.0F) == 1.0F);
  BOOST_TEST(absmax_f32::stored<int8>(std::numeric_limits<float>::denorm_min(), 1.0F) == 1.0F);
  using two_level = absmax_two_level<float8_e4m3fn>;
  BOOST_TEST(two_level::tensor_scale<float4_e2m1fn>(0.0F) == 1.0F);
  BOOST_TEST(two_level::stored<float4_e2m1fn>(0.0F, 1.0F) == 0x38);  // 1.0
}

BOOST_AUTO_TEST_CASE(nan_and_infinity_are_not_hidden) {
  const auto everything_is_nan = []<class Scale, class Format>(std::type_identity<Scale>, std::type_identity<Format>,
                                                               float absmax) {
    const float tensor = Scale::template tensor_scale<Format>(1.0F);
    const auto f = Scale::factors(Scale::template stored<Format>(absmax, tensor), tensor);
    return std::isnan(Scale::restored(Format::round(Scale::scaled(1.0F, f)), f));
  };
  BOOST_TEST(everything_is_nan(std::type_identity<absmax_f32>{}, std::type_identity<int8>{}, not_a_number));
  BOOST_TEST(everything_is_nan(std::type_identity<absmax_f32_by<multiply_by_ratio>>{}, std::type_identity<int8>{},
                               not_a_number));
  BOOST_TEST(
      everything_is_nan(std::type_identity<absmax_f32_by<multiply_by_ratio>>{}, std::type_identity<int8>{}, infinity));
  BOOST_TEST(everything_is_nan(std::type_identity<absmax_f32_by<multiply_by_reciprocal>>{},
                               std::type_identity<float8_e4m3fn>{}, not_a_number));
  BOOST_TEST(everything_is_nan(std::type_identity<absmax_f32_by<multiply_by_reciprocal>>{},
                               std::type_identity<float8_e4m3fn>{}, infinity));
  BOOST_TEST(everything_is_nan(std::type_identity<absmax_e8m0>{}, std::type_identity<float4_e2m1fn>{}, not_a_number));
  BOOST_TEST(everything_is_nan(std::type_identity<absmax_two_level<float8_e4m3fn>>{},
                               std::type_identity<float4_e2m1fn>{}, not_a_number));
  using kernel = absmax_two_level<float8_e4m3fn, kernel_block_scale>;
  BOOST_TEST(everything_is_nan(std::type_identity<kernel>{}, std::type_identity<float4_e2m1fn>{}, not_a_number));
}
