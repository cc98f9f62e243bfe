// Scalar casts against the tables of ml_dtypes: every code decoded, every 16-bit pattern and 100,000 float32 patterns
// encoded.
#include <qgrain/core/half.hpp>
#include <qgrain/format/catalog.hpp>

#include <support/vector_file.hpp>

#include <boost/test/unit_test.hpp>

#include <bit>
#include <cstdint>
#include <string>
#include <vector>

using qgrain_test::same_float;
using qgrain_test::vector_file;

namespace {

using cast_formats = qgrain::format_list<qgrain::float4_e2m1fn, qgrain::float6_e2m3fn, qgrain::float6_e3m2fn,
                                         qgrain::float8_e4m3fn, qgrain::float8_e5m2, qgrain::float8_e8m0fnu>;

const vector_file& tables() {
  static const vector_file file("cast_ml_dtypes");
  return file;
}

template <class Format, class Widen>
std::size_t wrong_codes(const std::vector<std::uint8_t>& expected, Widen widen) {
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) wrong += Format::encode(widen(i)) == expected[i] ? 0U : 1U;
  return wrong;
}

float from_bfloat16(std::size_t i) { return qgrain::to_float(qgrain::bfloat16{static_cast<std::uint16_t>(i)}); }
float from_float16(std::size_t i) { return qgrain::to_float(qgrain::float16{static_cast<std::uint16_t>(i)}); }

}  // namespace

BOOST_AUTO_TEST_CASE(every_code_decodes) {
  int formats = 0;
  qgrain::for_each_format(cast_formats{}, [&]<class Format>(std::type_identity<Format>) {
    const auto expected = tables().get(std::string(Format::name()) + ".decode").floats();
    BOOST_REQUIRE_EQUAL(expected.size(), std::size_t{1} << Format::bits);
    std::size_t right = 0;
    for (std::size_t code = 0; code < expected.size(); ++code) {
      right += same_float(Format::decode(static_cast<std::uint8_t>(code)), expected[code]) ? 1U : 0U;
    }
    BOOST_TEST_MESSAGE(Format::name() << " decode: " << right << " of " << expected.size());
    BOOST_TEST(right == expected.size());
    ++formats;
  });
  BOOST_TEST(formats == 6);
}

BOOST_AUTO_TEST_CASE(every_16_bit_pattern_and_the_float32_set_encode) {
  const auto bits = tables().get("patterns.bits").as<std::uint32_t>();
  BOOST_REQUIRE_EQUAL(bits.size(), 100000U);
  int tables_compared = 0;
  qgrain::for_each_format(cast_formats{}, [&]<class Format>(std::type_identity<Format>) {
    const auto compare = [&](const char* source, auto widen) {
      const auto expected = tables().get(std::string(Format::name()) + ".from_" + source).template as<std::uint8_t>();
      const std::size_t wrong = wrong_codes<Format>(expected, widen);
      BOOST_TEST_MESSAGE(Format::name() << " from " << source << ": " << expected.size() - wrong << " of "
                                        << expected.size());
      BOOST_TEST(wrong == 0U);
      ++tables_compared;
    };
    compare("bfloat16", from_bfloat16);
    compare("float16", from_float16);
    compare("float32", [&](std::size_t i) { return std::bit_cast<float>(bits[i]); });
  });
  BOOST_TEST_MESSAGE(tables_compared << " of 18 tables");
  BOOST_TEST(tables_compared == 18);
}

BOOST_AUTO_TEST_CASE(integer_codes_decode) {
  const auto compare = [&]<class Format>(std::type_identity<Format>) {
    const auto expected = tables().get(std::string(Format::name()) + ".decode").floats();
    for (std::size_t code = 0; code < expected.size(); ++code) {
      // The table's codes are the low bits of two's complement.
      const int low = static_cast<int>(code);
      const int extended = Format::is_signed && low >= (1 << (Format::bits - 1)) ? low - (1 << Format::bits) : low;
      BOOST_TEST(Format::decode(static_cast<typename Format::code_type>(extended)) == expected[code]);
    }
  };
  compare(std::type_identity<qgrain::int2>{});
  compare(std::type_identity<qgrain::int4>{});
  compare(std::type_identity<qgrain::uint4>{});
}

BOOST_AUTO_TEST_CASE(float32_rounds_to_16_bits) {
  const auto bits = tables().get("patterns.bits").as<std::uint32_t>();
  const auto compare = [&]<class T>(std::type_identity<T>, const char* name) {
    const auto expected = tables().get(std::string(name) + ".from_float32").template as<std::uint16_t>();
    BOOST_REQUIRE_EQUAL(expected.size(), 16384U);
    std::size_t right = 0;
    for (std::size_t i = 0; i < expected.size(); ++i) {
      const T got = qgrain::from_float<T>(std::bit_cast<float>(bits[i]));
      right += same_float(qgrain::to_float(got), qgrain::to_float(T{expected[i]})) ? 1U : 0U;
    }
    BOOST_TEST_MESSAGE(name << " from float32: " << right << " of " << expected.size());
    BOOST_TEST(right == expected.size());
  };
  compare(std::type_identity<qgrain::bfloat16>{}, "bfloat16");
  compare(std::type_identity<qgrain::float16>{}, "float16");
}

BOOST_AUTO_TEST_CASE(one_16_bit_type_rounds_to_the_other) {
  const auto to_half = tables().get("float16.from_bfloat16").as<std::uint16_t>();
  const auto to_brain = tables().get("bfloat16.from_float16").as<std::uint16_t>();
  BOOST_REQUIRE_EQUAL(to_half.size(), 65536U);
  BOOST_REQUIRE_EQUAL(to_brain.size(), 65536U);
  std::size_t right = 0;
  for (std::size_t i = 0; i < 65536; ++i) {
    const auto half = qgrain::from_float<qgrain::float16>(from_bfloat16(i));
    const auto brain = qgrain::from_float<qgrain::bfloat16>(from_float16(i));
    right += same_float(qgrain::to_float(half), qgrain::to_float(qgrain::float16{to_half[i]})) ? 1U : 0U;
    right += same_float(qgrain::to_float(brain), qgrain::to_float(qgrain::bfloat16{to_brain[i]})) ? 1U : 0U;
  }
  BOOST_TEST_MESSAGE("16-bit to 16-bit: " << right << " of 131072");
  BOOST_TEST(right == 131072U);
}
