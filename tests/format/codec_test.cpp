// Codecs against slow definitions under every rounding, round trips over every code, and the limits as numbers.
#include <support/inputs.hpp>
#include <support/reference_codec.hpp>

#include <qgrain/format/catalog.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <set>
#include <string>
#include <type_traits>
#include <vector>

using namespace qgrain;
using qgrain_test::reference_float;
using qgrain_test::reference_specials;
using qgrain_test::reference_ties;

namespace {

constexpr std::uint64_t seed = 0xC0FFEE;

template <class Format>
reference_float reference_of() {
  const auto specials = Format::specials == special_values::none          ? reference_specials::none
                        : Format::specials == special_values::nan_at_ones ? reference_specials::nan_at_ones
                        : Format::specials == special_values::ieee        ? reference_specials::ieee
                                                                          : reference_specials::nan_at_negative_zero;
  return {Format::exponent_bits, Format::mantissa_bits, Format::bias, specials};
}

/// Values of the format, midpoints between them, the neighbours of both, what no format holds, and random patterns.
std::vector<float> probes(const std::vector<double>& values) {
  std::vector<float> list;
  const auto add = [&](double x) {
    const auto f = static_cast<float>(x);
    for (const float y : {f, std::nextafter(f, 0.0F), std::nextafter(f, 1e30F)}) {
      list.push_back(y);
      list.push_back(-y);
    }
  };
  const std::size_t stride = values.size() / 4096 + 1;  // of the 16-bit formats every eighth value
  for (std::size_t i = 0; i < values.size(); i += stride) {
    add(values[i]);
    if (i > 0) add((values[i] + values[i - 1]) / 2);
  }
  add(values.back());
  add(values.back() * 1.0625);
  add(values.back() * 2);
  for (const float x : {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN(),
                        std::numeric_limits<float>::max(), std::numeric_limits<float>::denorm_min()}) {
    list.push_back(x);
    list.push_back(-x);
  }
  qgrain_test::random_source random(7);
  for (int i = 0; i < 20000; ++i) list.push_back(qgrain_test::any_finite(random));
  return list;
}

bool same(float a, float b) { return bits_of(a) == bits_of(b) || (std::isnan(a) && std::isnan(b)); }

template <class Format, class Rounding>
void compare_rounding(Rounding rounding, reference_ties ties) {
  const reference_float reference = reference_of<Format>();
  const auto values = reference.magnitudes();
  const auto and_next = reference.magnitudes_and_next();
  const auto inputs = probes(values);
  std::size_t right = 0;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const float x = inputs[i];
    const double threshold = ties == reference_ties::stochastic ? qgrain_test::reference_threshold(seed, i) : 0.5;
    const float expected = qgrain_test::reference_round(values, x, ties, threshold);
    const auto round = rounding.at(i);
    const float saturated = Format::decode(Format::encode_saturated(x, round));
    // Codes of NaN and, in some formats, of -0 are not those of the value; both are checked in the unsaturated code.
    const bool has_value = !std::isnan(x) && !(expected == 0.0F);
    const bool ok = same(Format::round(x, round), expected) && (!has_value || same(saturated, expected)) &&
                    Format::encode(x, round) == reference.encode(and_next, x, ties, threshold);
    right += ok ? 1U : 0U;
  }
  BOOST_TEST_MESSAGE(Format::name() << " " << Rounding::name() << ": " << right << " of " << inputs.size());
  BOOST_TEST(right == inputs.size());
}

/// Integers: the values 0, 1, ... up to the end of each side.
template <class Format, class Rounding>
void compare_integer_rounding(Rounding rounding, reference_ties ties) {
  std::vector<double> up;
  std::vector<double> down;
  for (int i = 0; i <= static_cast<int>(Format::max_finite); ++i) up.push_back(i);
  for (int i = 0; i <= -static_cast<int>(Format::lowest); ++i) down.push_back(i);
  qgrain_test::random_source random(11);
  constexpr std::size_t count = 20000;
  std::size_t right = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const double span = static_cast<double>(Format::max_finite) * (i % 5 == 0 ? 2.5 : 1.1);
    const double quarter = std::nearbyint((random.uniform() * 2 - 1) * span * 4) / 4;
    const float x = i % 3 == 0 ? qgrain_test::any_finite(random) : static_cast<float>(quarter);
    const double threshold = ties == reference_ties::stochastic ? qgrain_test::reference_threshold(seed, i) : 0.5;
    const float expected = qgrain_test::reference_round(std::signbit(x) ? down : up, x, ties, threshold);
    const auto round = rounding.at(i);
    const bool ok = same(Format::round(x, round), expected) && Format::decode(Format::encode(x, round)) == expected;
    right += ok ? 1U : 0U;
  }
  BOOST_TEST_MESSAGE(Format::name() << " " << Rounding::name() << ": " << right << " of " << count);
  BOOST_TEST(right == count);
}

}  // namespace

BOOST_AUTO_TEST_CASE(floats_round_as_defined) {
  for_each_format(float_formats{}, []<class Format>(std::type_identity<Format>) {
    compare_rounding<Format>(nearest_even{}, reference_ties::even);
    compare_rounding<Format>(nearest_away{}, reference_ties::away);
    compare_rounding<Format>(ties_to_zero{}, reference_ties::to_zero);
    compare_rounding<Format>(toward_zero{}, reference_ties::truncate);
    compare_rounding<Format>(stochastic{seed}, reference_ties::stochastic);
  });
}

BOOST_AUTO_TEST_CASE(integers_round_as_defined) {
  for_each_format(integer_formats{}, []<class Format>(std::type_identity<Format>) {
    compare_integer_rounding<Format>(nearest_even{}, reference_ties::even);
    compare_integer_rounding<Format>(nearest_away{}, reference_ties::away);
    compare_integer_rounding<Format>(ties_to_zero{}, reference_ties::to_zero);
    compare_integer_rounding<Format>(toward_zero{}, reference_ties::truncate);
    compare_integer_rounding<Format>(stochastic{seed}, reference_ties::stochastic);
    BOOST_TEST(Format::encode(std::numeric_limits<float>::quiet_NaN()) == 0);
    BOOST_TEST(std::isnan(Format::round(std::numeric_limits<float>::quiet_NaN())));
    BOOST_TEST(Format::decode(Format::encode(std::numeric_limits<float>::infinity())) == Format::max_finite);
    BOOST_TEST(Format::decode(Format::encode(-std::numeric_limits<float>::infinity())) == Format::lowest);
    BOOST_TEST(std::signbit(Format::round(-0.0F)));
  });
}

BOOST_AUTO_TEST_CASE(floats_decode_as_defined) {
  for_each_format(float_formats{}, []<class Format>(std::type_identity<Format>) {
    const reference_float reference = reference_of<Format>();
    std::size_t right = 0;
    for (std::uint32_t code = 0; code < 1U << Format::bits; ++code) {
      const std::uint32_t magnitude = code % reference.sign_code();
      const bool negative = code >= reference.sign_code();
      float expected = std::numeric_limits<float>::quiet_NaN();
      if (magnitude < reference.finite()) expected = static_cast<float>(reference.value(magnitude));
      if (reference.specials == reference_specials::ieee && magnitude == reference.finite()) {
        expected = std::numeric_limits<float>::infinity();
      }
      if (reference.specials == reference_specials::nan_at_negative_zero && code == reference.sign_code()) {
        expected = std::numeric_limits<float>::quiet_NaN();
      }
      const float decoded = Format::decode(static_cast<typename Format::code_type>(code));
      right += same(decoded, negative ? -expected : expected) ? 1U : 0U;
    }
    BOOST_TEST(right == std::size_t{1} << Format::bits, Format::name());
  });
}

BOOST_AUTO_TEST_CASE(decoding_and_encoding_is_the_identity_on_every_code) {
  std::size_t codes = 0;
  std::size_t nans = 0;
  std::size_t right = 0;
  for_each_format(all_formats{}, [&]<class Format>(std::type_identity<Format>) {
    using code_type = typename Format::code_type;
    for (int pattern = 0; pattern < 1 << Format::bits; ++pattern) {
      auto code = static_cast<code_type>(pattern);
      if constexpr (std::is_signed_v<code_type>) {
        code = static_cast<code_type>(pattern >= 1 << (Format::bits - 1) ? pattern - (1 << Format::bits) : pattern);
      }
      if constexpr (requires { Format::is_signed; }) {
        if (Format::decode(code) < Format::lowest) continue;  // the code that a narrow range leaves out
      }
      if constexpr (requires { Format::size; }) {
        if (pattern >= Format::size) continue;  // beyond the table
      }
      ++codes;
      const float value = Format::decode(code);
      const code_type again = Format::encode(value);
      nans += std::isnan(value) ? 1U : 0U;
      // A format with several NaNs keeps one per sign.
      right += again == code || (std::isnan(value) && std::isnan(Format::decode(again))) ? 1U : 0U;
    }
  });
  constexpr std::size_t full = 4 + 8 + 16 + 32 + 64 + 128 + 256 + 65536;
  constexpr std::size_t floats = 16 + 64 + 64 + 7 * 256 + 2 * 65536;
  constexpr std::size_t expected = full + (full - 8) + full + floats + 256 + 3 * 16 + 3;
  // e4m3fn 2; e5m2 6; three fnuz 1 each; e4m3 14; e3m4 30; float16 2046; bfloat16 254; e8m0 1.
  BOOST_TEST(nans == 2U + 6 + 3 + 14 + 30 + 2046 + 254 + 1);
  BOOST_TEST_MESSAGE(right << " of " << expected << " codes, " << nans << " of them NaN");
  BOOST_TEST(codes == expected);
  BOOST_TEST(right == expected);
}

BOOST_AUTO_TEST_CASE(no_rounding_moves_a_value_of_the_format) {
  // Exceptions: NaN codes, and the code that a narrow range leaves out.
  std::size_t compared = 0;
  std::size_t moved = 0;
  const auto visit = [&]<class Format>(std::type_identity<Format>) {
    using code_type = typename Format::code_type;
    for (std::uint32_t pattern = 0; pattern < 1U << Format::bits; ++pattern) {
      std::int64_t signed_pattern = pattern;
      if (std::is_signed_v<code_type> && pattern >= 1U << (Format::bits - 1)) signed_pattern -= 1 << Format::bits;
      const auto code = static_cast<code_type>(signed_pattern);
      const float value = Format::decode(code);
      if (std::isnan(value) || value < Format::lowest) continue;
      const auto stays = [&](auto round) {
        compared += 2;
        moved += Format::encode(value, round) == code ? 0U : 1U;
        // Saturation takes an infinity to the largest value.
        const float kept = std::fmin(std::fmax(value, Format::lowest), Format::max_finite);
        moved += same(Format::round(value, round), kept) ? 0U : 1U;
      };
      stays(nearest_even{});
      stays(nearest_away{});
      stays(ties_to_zero{});
      stays(toward_zero{});
      stays(stochastic{seed}.at(pattern));
    }
  };
  for_each_format(integer_formats{}, visit);
  for_each_format(float_formats{}, visit);
  BOOST_TEST_MESSAGE(compared - moved << " of " << compared << " roundings leave a value where it is");
  BOOST_TEST(compared > 3000000U);
  BOOST_TEST(moved == 0U);
}

BOOST_AUTO_TEST_CASE(integers_decode_as_defined) {
  for_each_format(integer_formats{}, []<class Format>(std::type_identity<Format>) {
    const auto least = static_cast<int>(Format::lowest);
    const auto most = static_cast<int>(Format::max_finite);
    const int width = most - least + 1;
    BOOST_TEST((width == 1 << Format::bits || width == (1 << Format::bits) - 1), Format::name());
    std::size_t right = 0;
    for (int n = least; n <= most; ++n) {
      const auto code = static_cast<typename Format::code_type>(n);
      const double x = n;
      right +=
          static_cast<double>(Format::decode(code)) == x && Format::encode(static_cast<float>(n)) == code ? 1U : 0U;
    }
    BOOST_TEST(right == static_cast<std::size_t>(width), Format::name());
  });
}

BOOST_AUTO_TEST_CASE(powers_of_two_as_defined) {
  std::vector<float> inputs = probes({0.0, std::ldexp(1.0, -127), std::ldexp(1.0, -126), 1.0, 2.0});
  for (int k = -127; k <= 127; ++k) {
    for (const double share : {1.0, 1.5}) {
      const auto x = static_cast<float>(std::ldexp(share, k));
      for (const float y : {x, std::nextafter(x, 0.0F), std::nextafter(x, 3.4e38F)}) inputs.push_back(y);
    }
  }
  std::size_t right = 0;
  for (const float x : inputs) {
    int expected = 255;  // zero, negative values, NaN and infinity
    if (x > 0 && std::isfinite(x)) {
      const int exponent = std::ilogb(x);
      const bool up = std::ldexp(static_cast<double>(x), -exponent) >= 1.5;
      expected = std::min(exponent + 127 + (up ? 1 : 0), 255);
      // Beside 2^-127 the neighbour above is 2^-126 and there is none below.
      if (static_cast<double>(x) <= std::ldexp(1.0, -127)) expected = 0;
      if (static_cast<double>(x) > std::ldexp(1.0, -127) && exponent == -127) expected = 1;
    }
    right += float8_e8m0fnu::encode(x) == expected ? 1U : 0U;
  }
  BOOST_TEST_MESSAGE("float8_e8m0fnu: " << right << " of " << inputs.size());
  BOOST_TEST(right == inputs.size());
  for (int code = 0; code < 255; ++code) {
    BOOST_TEST(float8_e8m0fnu::decode(static_cast<std::uint8_t>(code)) == std::ldexp(1.0F, code - 127));
  }
  BOOST_TEST(std::isnan(float8_e8m0fnu::decode(255)));
}

BOOST_AUTO_TEST_CASE(every_format_of_the_catalogue_has_a_slow_definition) {
  // Integers and floats here, the power of two here, tables in codebook_test.
  BOOST_TEST(integer_formats::size + float_formats::size + 1 + codebook_formats::size == all_formats::size);
  BOOST_TEST(codebook_formats::size == 4);
  BOOST_TEST_MESSAGE(all_formats::size << " formats");
}

BOOST_AUTO_TEST_CASE(limits) {
  BOOST_TEST(int4::max_finite == 7.0F);
  BOOST_TEST(int4::lowest == -8.0F);
  BOOST_TEST(int4_narrow::lowest == -7.0F);
  BOOST_TEST(int16::max_finite == 32767.0F);
  BOOST_TEST(uint4::max_finite == 15.0F);
  BOOST_TEST(uint16::max_finite == 65535.0F);
  BOOST_TEST(float4_e2m1fn::max_finite == 6.0F);
  BOOST_TEST(float6_e2m3fn::max_finite == 7.5F);
  BOOST_TEST(float6_e3m2fn::max_finite == 28.0F);
  BOOST_TEST(float8_e4m3fn::max_finite == 448.0F);
  BOOST_TEST(float8_e5m2::max_finite == 57344.0F);
  BOOST_TEST(float8_e4m3fnuz::max_finite == 240.0F);
  BOOST_TEST(float8_e5m2fnuz::max_finite == 57344.0F);
  BOOST_TEST(float8_e4m3b11fnuz::max_finite == 30.0F);
  BOOST_TEST(float8_e4m3::max_finite == 240.0F);
  BOOST_TEST(float8_e3m4::max_finite == 15.5F);
  BOOST_TEST(float16_format::max_finite == 65504.0F);
  BOOST_TEST(bfloat16_format::max_finite == std::ldexp(255.0F, 120));
  BOOST_TEST(float8_e8m0fnu::decode(0) == std::ldexp(1.0F, -127));
}

BOOST_AUTO_TEST_CASE(a_saturated_cast_has_no_specials) {
  const float infinity = std::numeric_limits<float>::infinity();
  BOOST_TEST(float8_e4m3fn::encode(infinity) == 0x7F);
  BOOST_TEST(float8_e4m3fn::encode_saturated(infinity) == 0x7E);
  BOOST_TEST(float8_e4m3fn::encode_saturated(-1e9F) == 0xFE);
  BOOST_TEST(float8_e5m2::encode(infinity) == 0x7C);
  BOOST_TEST(float8_e5m2::encode_saturated(infinity) == 0x7B);
  BOOST_TEST(float8_e4m3fnuz::encode(-infinity) == 0x80);
  BOOST_TEST(float8_e4m3fnuz::encode_saturated(-infinity) == 0xFF);
  BOOST_TEST(bfloat16_format::encode(-infinity) == 0xFF80);
  BOOST_TEST(bfloat16_format::encode(infinity, toward_zero{}) == 0x7F80);
  BOOST_TEST(bfloat16_format::encode_saturated(infinity) == 0x7F7F);
  BOOST_TEST(std::isnan(float8_e5m2::decode(float8_e5m2::encode_saturated(std::numeric_limits<float>::quiet_NaN()))));
}

BOOST_AUTO_TEST_CASE(names_are_the_published_ones) {
  std::set<std::string> names;
  for (const format_description& format : format_catalog()) names.emplace(format.name);
  BOOST_TEST(names.size() == static_cast<std::size_t>(all_formats::size));
  for (const char* name : {"int2",
                           "int4_narrow",
                           "uint8",
                           "int16",
                           "uint3",
                           "float4_e2m1fn",
                           "float6_e2m3fn",
                           "float6_e3m2fn",
                           "float8_e4m3fn",
                           "float8_e5m2",
                           "float8_e4m3fnuz",
                           "float8_e5m2fnuz",
                           "float8_e4m3b11fnuz",
                           "float8_e4m3",
                           "float8_e3m4",
                           "float8_e8m0fnu",
                           "bfloat16",
                           "float16",
                           "nf4",
                           "iq4_nl",
                           "ternary"}) {
    BOOST_TEST(names.count(name) == 1U, name);
  }
}
