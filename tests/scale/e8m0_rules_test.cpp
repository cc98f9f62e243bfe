// The exponent rules of MX scales: bytes against what the tools store, and the exact rule against its definition.
#include <support/inputs.hpp>
#include <support/vector_file.hpp>

#include <qgrain/format/float4.hpp>
#include <qgrain/format/float6.hpp>
#include <qgrain/format/float8.hpp>
#include <qgrain/format/integer.hpp>
#include <qgrain/scale/power_of_two.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>

using namespace qgrain;

namespace {

template <class Rule, class Format>
void compare(const qgrain_test::vector_file& file, const std::string& name) {
  const auto amax = file.get(name + ".amax").floats();
  const auto expected = file.get(name + ".scales").as<std::uint8_t>();
  BOOST_REQUIRE_EQUAL(amax.size(), expected.size());
  std::size_t right = 0;
  for (std::size_t i = 0; i < amax.size(); ++i) {
    right += absmax_e8m0_by<Rule>::template stored<Format>(amax[i], 1.0F) == expected[i] ? 1U : 0U;
  }
  BOOST_TEST_MESSAGE(name << ": " << right << " of " << expected.size());
  BOOST_TEST(right == expected.size());
}

/// A format whose largest value is 1 makes the ratio the range itself.
struct unit {
  static constexpr float max_finite = 1.0F;
};

/// ceil(log2(absmax / max)) by search: the least E with max * 2^E >= absmax, in exact arithmetic.
int exact_exponent(double absmax, double max) {
  int exponent = -127;
  while (exponent < 127 && std::ldexp(max, exponent) < absmax) ++exponent;
  return exponent;
}

template <class Format>
void compare_exact_rule() {
  qgrain_test::random_source random(5);
  int wrong = 0;
  for (int i = 0; i < 40000; ++i) {
    float absmax = std::fabs(qgrain_test::any_finite(random));
    // Half of the cases lie on or beside a step.
    if (i % 2 == 0) absmax = std::ldexp(Format::max_finite, static_cast<int>(random.next() % 240) - 140);
    if (i % 4 == 0) absmax = std::nextafter(absmax, i % 8 == 0 ? 0.0F : 1e38F);
    if (!(absmax > 0.0F) || std::isinf(absmax)) continue;
    const int code = absmax_e8m0_by<e8m0_rceil>::stored<Format>(absmax, 1.0F);
    wrong += code == exact_exponent(static_cast<double>(absmax), static_cast<double>(Format::max_finite)) + 127 ? 0 : 1;
  }
  BOOST_TEST(wrong == 0);
}

}  // namespace

BOOST_AUTO_TEST_CASE(bytes_of_the_tools) {
  const qgrain_test::vector_file file("e8m0_scale_rules");
  const auto all_modes = [&]<class Format>(std::type_identity<Format>, const std::string& name) {
    compare<e8m0_floor, Format>(file, "torchao_floor." + name);
    compare<e8m0_ceil, Format>(file, "torchao_ceil." + name);
    compare<e8m0_even, Format>(file, "torchao_even." + name);
    compare<e8m0_rceil_log2f<>, Format>(file, "torchao_rceil." + name);
  };
  all_modes(std::type_identity<float4_e2m1fn>{}, "mxfp4");
  all_modes(std::type_identity<float6_e2m3fn>{}, "mxfp6_e2m3");
  all_modes(std::type_identity<float6_e3m2fn>{}, "mxfp6_e3m2");
  all_modes(std::type_identity<float8_e4m3fn>{}, "mxfp8_e4m3");
  all_modes(std::type_identity<float8_e5m2>{}, "mxfp8_e5m2");
  compare<e8m0_rceil_log2f<127>, float4_e2m1fn>(file, "modelopt.mxfp4");
  compare<e8m0_rceil_log2f<127>, float8_e4m3fn>(file, "modelopt.mxfp8_e4m3");
  compare<e8m0_floor_log2f, float4_e2m1fn>(file, "gguf.mxfp4");
  const std::size_t compared = 5 * 4 + 3;
  BOOST_TEST_MESSAGE(compared << " of " << file.cases().size() << " cases");
  BOOST_TEST(file.cases().size() == compared);
}

BOOST_AUTO_TEST_CASE(the_exact_rule_never_clips_and_never_wastes_a_step) {
  compare_exact_rule<float4_e2m1fn>();
  compare_exact_rule<float6_e2m3fn>();
  compare_exact_rule<float6_e3m2fn>();
  compare_exact_rule<float8_e4m3fn>();
  compare_exact_rule<float8_e5m2>();
  compare_exact_rule<int8>();
}

BOOST_AUTO_TEST_CASE(the_rounded_logarithm_steps_late_by_its_definition) {
  // Around every power of two: ceil(float(log2(ratio))) with the logarithm taken in double.
  int wrong = 0;
  int late = 0;
  int cases = 0;
  for (int power = -127; power <= 124; ++power) {
    const std::int32_t centre = std::bit_cast<std::int32_t>(std::ldexp(1.0F, power));
    for (std::int32_t step = -3; step <= 40; ++step) {
      const auto ratio = std::bit_cast<float>(centre + step);
      const auto logarithm = static_cast<float>(std::log2(static_cast<double>(ratio)));
      const int expected = std::max(static_cast<int>(std::ceil(logarithm)), -127) + 127;
      const int code = e8m0_rceil_log2f<>::code<unit>(ratio);
      wrong += code == expected ? 0 : 1;
      late += step > 0 && code == power + 127 ? 1 : 0;
      ++cases;
    }
  }
  BOOST_TEST_MESSAGE(cases - wrong << " of " << cases << ", " << late << " of them swallowed");
  BOOST_TEST(wrong == 0);
  BOOST_TEST(late > 1000);
}

BOOST_AUTO_TEST_CASE(zero_nan_and_infinity) {
  const float infinity = std::numeric_limits<float>::infinity();
  const float nan = std::numeric_limits<float>::quiet_NaN();
  BOOST_TEST(e8m0_floor::code<float8_e4m3fn>(0.0F) == 0);
  BOOST_TEST(e8m0_rceil::code<float8_e4m3fn>(0.0F) == 127);
  BOOST_TEST(e8m0_floor::code<float8_e4m3fn>(infinity) == 255 - 8);
  BOOST_TEST(e8m0_rceil_log2f<>::code<float8_e4m3fn>(infinity) == 254);
  BOOST_TEST(e8m0_floor::code<float8_e4m3fn>(nan) == 255);
  BOOST_TEST(e8m0_ceil::code<float8_e4m3fn>(nan) == 255);
  BOOST_TEST(e8m0_even::code<float8_e4m3fn>(nan) == 255);
  BOOST_TEST(e8m0_rceil::code<float8_e4m3fn>(nan) == 255);
  BOOST_TEST(e8m0_rceil_log2f<>::code<float8_e4m3fn>(nan) == 255);
  const float largest_nan = std::bit_cast<float>(0x7FFF'FFFFU);  // found by fuzzing: its pattern has no room for a sum
  BOOST_TEST(e8m0_ceil::code<float8_e4m3fn>(largest_nan) == 255);
  BOOST_TEST(e8m0_even::code<float8_e4m3fn>(largest_nan) == 255);
  static_assert(e8m0_ceil::code<float8_e4m3fn>(std::bit_cast<float>(0x7FFF'FFFFU)) == 255);
  static_assert(e8m0_even::code<float8_e4m3fn>(std::bit_cast<float>(0x7FFF'FFFFU)) == 255);
  BOOST_TEST(std::isnan(absmax_e8m0::restored(1.0F, absmax_e8m0::factors(255, 1.0F))));
}

BOOST_AUTO_TEST_CASE(factors_are_the_two_powers) {
  for (int code = 1; code < 255; ++code) {
    const auto f = absmax_e8m0::factors(static_cast<std::uint8_t>(code), 1.0F);
    BOOST_TEST(f.backward == std::ldexp(1.0F, code - 127));
    BOOST_TEST(f.forward == std::ldexp(1.0F, 127 - code));
  }
  BOOST_TEST(absmax_e8m0::factors(0, 1.0F).backward == std::ldexp(1.0F, -127));
  BOOST_TEST(absmax_e8m0_by<e8m0_floor>::factors(0, 1.0F).forward == std::ldexp(1.0F, 126));
  BOOST_TEST(absmax_e8m0_by<e8m0_rceil_log2f<>>::factors(0, 1.0F).forward == 1.0F);
  BOOST_TEST(absmax_e8m0_by<e8m0_rceil>::factors(0, 1.0F).forward == std::ldexp(1.0F, 127));
}
