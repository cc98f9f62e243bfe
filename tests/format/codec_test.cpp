// Codecs against slow definitions, round trips over every code, and the limits as numbers.
#include <qgrain/format/catalog.hpp>
#include <qgrain/quantizer/element.hpp>

#include <support/inputs.hpp>
#include <support/reference_codec.hpp>

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <cstdint>
#include <limits>
#include <set>
#include <string>

using namespace qgrain;
using qgrain_test::reference_float;
using qgrain_test::reference_ties;

namespace {

template <class Format>
std::vector<double> reference_values() {
  const int reserved = Format::specials == special_values::none   ? 0
                       : Format::specials == special_values::ieee ? 1 << Format::mantissa_bits
                                                                  : 1;
  return reference_float{Format::exponent_bits, Format::mantissa_bits, Format::bias, reserved}.magnitudes();
}

using small_floats = format_list<float4_e2m1fn, float6_e2m3fn, float6_e3m2fn, float8_e4m3fn, float8_e5m2>;
using integers = format_list<int2, int3, int4, int5, int6, int7, int8, int4_narrow, int8_narrow, uint4, uint8>;

/// Values of the format, midpoints between them, the neighbours of both, and random patterns.
std::vector<float> probes(const std::vector<double>& values) {
  std::vector<float> list;
  const auto add = [&](double x) {
    const auto f = static_cast<float>(x);
    for (const float y : {f, std::nextafter(f, 0.0F), std::nextafter(f, 1e30F)}) {
      list.push_back(y);
      list.push_back(-y);
    }
  };
  for (std::size_t i = 0; i < values.size(); ++i) {
    add(values[i]);
    if (i > 0) add((values[i] + values[i - 1]) / 2);
  }
  add(values.back() * 1.0625);
  add(values.back() * 2);
  add(std::numeric_limits<float>::infinity());
  qgrain_test::random_source random(7);
  for (int i = 0; i < 20000; ++i) list.push_back(qgrain_test::any_finite(random));
  return list;
}

template <class Format, class Rounding>
void compare_rounding(reference_ties ties) {
  const auto values = reference_values<Format>();
  std::size_t right = 0;
  const auto inputs = probes(values);
  for (const float x : inputs) {
    const float expected = qgrain_test::reference_round(values, x, ties);
    const float rounded = Format::round(x, Rounding{});
    const float decoded = Format::decode(Format::encode_saturated(x, Rounding{}));
    right += bits_of(rounded) == bits_of(expected) && bits_of(decoded) == bits_of(expected) ? 1U : 0U;
  }
  BOOST_TEST_MESSAGE(Format::name() << " " << Rounding::name() << ": " << right << " of " << inputs.size());
  BOOST_TEST(right == inputs.size());
}

}  // namespace

BOOST_AUTO_TEST_CASE(small_floats_round_as_defined) {
  for_each_format(small_floats{}, []<class Format>(std::type_identity<Format>) {
    compare_rounding<Format, nearest_even>(reference_ties::even);
    compare_rounding<Format, nearest_away>(reference_ties::away);
    compare_rounding<Format, ties_to_zero>(reference_ties::to_zero);
    compare_rounding<Format, toward_zero>(reference_ties::truncate);
  });
}

BOOST_AUTO_TEST_CASE(integers_round_as_defined) {
  for_each_format(integers{}, []<class Format>(std::type_identity<Format>) {
    qgrain_test::random_source random(11);
    for (int i = 0; i < 20000; ++i) {
      const float x = i % 3 == 0 ? qgrain_test::any_finite(random)
                                 : static_cast<float>(static_cast<std::int64_t>(random.next() % 2048) - 1024) / 4.0F;
      const double nearest = std::nearbyint(static_cast<double>(x));
      const double limited =
          std::fmin(std::fmax(nearest, static_cast<double>(Format::lowest)), static_cast<double>(Format::max_finite));
      BOOST_TEST_REQUIRE(static_cast<double>(Format::round(x)) == limited);
      BOOST_TEST_REQUIRE(static_cast<double>(Format::decode(Format::encode(x))) == limited);
    }
    BOOST_TEST(Format::encode(std::numeric_limits<float>::quiet_NaN()) == 0);
    BOOST_TEST(std::isnan(Format::round(std::numeric_limits<float>::quiet_NaN())));
    BOOST_TEST(Format::decode(Format::encode(std::numeric_limits<float>::infinity())) == Format::max_finite);
    BOOST_TEST(Format::decode(Format::encode(-std::numeric_limits<float>::infinity())) == Format::lowest);
    BOOST_TEST(std::signbit(Format::round(-0.0F)));
  });
}

BOOST_AUTO_TEST_CASE(decoding_and_encoding_is_the_identity_on_every_code) {
  int codes = 0;
  for_each_format(all_formats{}, [&]<class Format>(std::type_identity<Format>) {
    for (int pattern = 0; pattern < 1 << Format::bits; ++pattern) {
      using code_type = typename Format::code_type;
      auto code = static_cast<code_type>(pattern);
      if constexpr (std::is_signed_v<code_type>) {
        code = static_cast<code_type>(pattern >= 1 << (Format::bits - 1) ? pattern - (1 << Format::bits) : pattern);
        if (Format::decode(code) < Format::lowest) continue;  // the code that a narrow range leaves out
      }
      const float value = Format::decode(code);
      if (std::isnan(value)) {
        BOOST_TEST(std::isnan(Format::decode(Format::encode(value))));
      } else {
        BOOST_TEST(static_cast<int>(Format::encode(value)) == static_cast<int>(code));
      }
      ++codes;
    }
  });
  // 4 + 8 + ... + 256 for int2 to int8, two narrow and two unsigned ranges, 16 + 64 + 64 + 3 * 256 floats.
  BOOST_TEST_MESSAGE(codes << " of " << 508 + 15 + 255 + 16 + 256 + 16 + 128 + 768 << " codes");
  BOOST_TEST(codes == 508 + 15 + 255 + 16 + 256 + 16 + 128 + 768);
}

BOOST_AUTO_TEST_CASE(limits) {
  BOOST_TEST(int4::max_finite == 7.0F);
  BOOST_TEST(int4::lowest == -8.0F);
  BOOST_TEST(int4_narrow::lowest == -7.0F);
  BOOST_TEST(uint4::max_finite == 15.0F);
  BOOST_TEST(float4_e2m1fn::max_finite == 6.0F);
  BOOST_TEST(float6_e2m3fn::max_finite == 7.5F);
  BOOST_TEST(float6_e3m2fn::max_finite == 28.0F);
  BOOST_TEST(float8_e4m3fn::max_finite == 448.0F);
  BOOST_TEST(float8_e5m2::max_finite == 57344.0F);
  BOOST_TEST(float8_e8m0fnu::decode(0) == std::ldexp(1.0F, -127));
}

BOOST_AUTO_TEST_CASE(a_saturated_cast_has_no_specials) {
  const float infinity = std::numeric_limits<float>::infinity();
  BOOST_TEST(float8_e4m3fn::encode(infinity) == 0x7F);
  BOOST_TEST(float8_e4m3fn::encode_saturated(infinity) == 0x7E);
  BOOST_TEST(float8_e4m3fn::encode_saturated(-1e9F) == 0xFE);
  BOOST_TEST(float8_e5m2::encode(infinity) == 0x7C);
  BOOST_TEST(float8_e5m2::encode_saturated(infinity) == 0x7B);
  BOOST_TEST(std::isnan(float8_e5m2::decode(float8_e5m2::encode_saturated(std::numeric_limits<float>::quiet_NaN()))));
}

BOOST_AUTO_TEST_CASE(names_are_the_published_ones) {
  std::set<std::string> names;
  for_each_format(all_formats{}, [&]<class Format>(std::type_identity<Format>) { names.emplace(Format::name()); });
  BOOST_TEST(names.size() == static_cast<std::size_t>(all_formats::size));
  for (const char* name : {"int2", "int4_narrow", "uint8", "float4_e2m1fn", "float8_e8m0fnu"})
    BOOST_TEST(names.count(name) == 1U);
  BOOST_TEST((integer<16>::name() == "int16"));
}
