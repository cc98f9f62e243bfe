// Scalar casts against the tables of ml_dtypes: every code decoded, every 16-bit pattern and 100,000 float32 patterns
// encoded.
#include <support/vector_file.hpp>

#include <qgrain/core/half.hpp>
#include <qgrain/format/catalog.hpp>
#include <qgrain/format/conversion.hpp>

#include <boost/test/unit_test.hpp>

#include <bit>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

using qgrain_test::same_float;
using qgrain_test::vector_file;

namespace {

using cast_formats =
    qgrain::format_list<qgrain::float4_e2m1fn, qgrain::float6_e2m3fn, qgrain::float6_e3m2fn, qgrain::float8_e3m4,
                        qgrain::float8_e4m3, qgrain::float8_e4m3fn, qgrain::float8_e4m3fnuz, qgrain::float8_e5m2,
                        qgrain::float8_e5m2fnuz, qgrain::float8_e8m0fnu>;
using cast_integers = qgrain::format_list<qgrain::int2, qgrain::int4, qgrain::uint2, qgrain::uint4>;

const vector_file& tables() {
  static const vector_file file("cast_ml_dtypes");
  return file;
}

std::string table_name(std::string_view format, const char* what) { return std::string(format) + "." + what; }

template <class Format, class Widen>
std::size_t right_codes(const std::vector<std::uint8_t>& expected, Widen widen) {
  std::size_t right = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) right += Format::encode(widen(i)) == expected[i] ? 1U : 0U;
  return right;
}

float from_bfloat16(std::size_t i) { return qgrain::to_float(qgrain::bfloat16{static_cast<std::uint16_t>(i)}); }
float from_float16(std::size_t i) { return qgrain::to_float(qgrain::float16{static_cast<std::uint16_t>(i)}); }

/// The stored type and the element format of the same name, against codes of 16 bits. Payloads of NaN are left open.
template <class Stored, class Format, class Widen>
void compare_16_bits(const char* source, std::size_t count, Widen widen) {
  const auto expected = tables().get(table_name(Format::name(), source)).template as<std::uint16_t>();
  BOOST_REQUIRE_EQUAL(expected.size(), count);
  std::size_t right = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const float value = qgrain::to_float(Stored{expected[i]});
    const std::uint16_t code = Format::encode(widen(i));
    right += same_float(qgrain::to_float(qgrain::from_float<Stored>(widen(i))), value) &&
                     same_float(Format::decode(code), value) && (code == expected[i] || value != value)
                 ? 1U
                 : 0U;
  }
  BOOST_TEST_MESSAGE(Format::name() << " " << source << ": " << right << " of " << count);
  BOOST_TEST(right == count);
}

}  // namespace

BOOST_AUTO_TEST_CASE(every_code_decodes) {
  int formats = 0;
  qgrain::for_each_format(cast_formats{}, [&]<class Format>(std::type_identity<Format>) {
    const auto expected = tables().get(table_name(Format::name(), "decode")).floats();
    BOOST_REQUIRE_EQUAL(expected.size(), std::size_t{1} << Format::bits);
    std::size_t right = 0;
    for (std::size_t code = 0; code < expected.size(); ++code) {
      right += same_float(Format::decode(static_cast<std::uint8_t>(code)), expected[code]) ? 1U : 0U;
    }
    BOOST_TEST_MESSAGE(Format::name() << " decode: " << right << " of " << expected.size());
    BOOST_TEST(right == expected.size());
    ++formats;
  });
  BOOST_TEST(formats == 10);
}

BOOST_AUTO_TEST_CASE(every_16_bit_pattern_and_the_float32_set_encode) {
  const auto bits = tables().get("patterns.bits").as<std::uint32_t>();
  BOOST_REQUIRE_EQUAL(bits.size(), 100000U);
  int equal = 0;
  qgrain::for_each_format(cast_formats{}, [&]<class Format>(std::type_identity<Format>) {
    const auto compare = [&](const char* source, std::size_t count, auto widen) {
      const auto expected = tables().get(table_name(Format::name(), source)).template as<std::uint8_t>();
      BOOST_REQUIRE_EQUAL(expected.size(), count);
      const std::size_t right = right_codes<Format>(expected, widen);
      BOOST_TEST_MESSAGE(Format::name() << " " << source << ": " << right << " of " << count);
      BOOST_TEST(right == count);
      equal += right == count ? 1 : 0;
    };
    compare("from_bfloat16", 65536, from_bfloat16);
    compare("from_float16", 65536, from_float16);
    compare("from_float32", bits.size(), [&](std::size_t i) { return std::bit_cast<float>(bits[i]); });
  });
  BOOST_TEST_MESSAGE(equal << " of 30 tables");
  BOOST_TEST(equal == 30);
}

BOOST_AUTO_TEST_CASE(integers_decode_and_wrap_around) {
  const auto bits = tables().get("int_patterns.bits").as<std::uint32_t>();
  int formats = 0;
  qgrain::for_each_format(cast_integers{}, [&]<class Format>(std::type_identity<Format>) {
    const auto values = tables().get(table_name(Format::name(), "decode")).floats();
    BOOST_REQUIRE_EQUAL(values.size(), std::size_t{1} << Format::bits);
    for (std::size_t code = 0; code < values.size(); ++code) {
      // The table's codes are the low bits of two's complement.
      const int low = static_cast<int>(code);
      const int extended = Format::is_signed && low >= (1 << (Format::bits - 1)) ? low - (1 << Format::bits) : low;
      BOOST_TEST(Format::decode(static_cast<typename Format::code_type>(extended)) == values[code]);
    }
    const auto expected = tables().get(table_name(Format::name(), "from_float32")).template as<std::uint8_t>();
    BOOST_REQUIRE_EQUAL(expected.size(), 4096U);
    std::size_t right = 0;
    for (std::size_t i = 0; i < expected.size(); ++i) {
      const auto code = qgrain::ml_dtypes_conversion::encode<Format>(std::bit_cast<float>(bits[i]));
      const int low = static_cast<int>(code) & ((1 << Format::bits) - 1);
      right += low == expected[i] && Format::decode(code) == values[expected[i]] ? 1U : 0U;
    }
    BOOST_TEST_MESSAGE(Format::name() << " truncated and wrapped: " << right << " of " << expected.size());
    BOOST_TEST(right == expected.size());
    ++formats;
  });
  BOOST_TEST(formats == 4);
}

BOOST_AUTO_TEST_CASE(float32_rounds_to_16_bits) {
  const auto bits = tables().get("patterns.bits").as<std::uint32_t>();
  const auto widen = [&](std::size_t i) { return std::bit_cast<float>(bits[i]); };
  compare_16_bits<qgrain::bfloat16, qgrain::bfloat16_format>("from_float32", 16384, widen);
  compare_16_bits<qgrain::float16, qgrain::float16_format>("from_float32", 16384, widen);
}

BOOST_AUTO_TEST_CASE(one_16_bit_type_rounds_to_the_other) {
  compare_16_bits<qgrain::bfloat16, qgrain::bfloat16_format>("from_float16", 65536, from_float16);
  compare_16_bits<qgrain::float16, qgrain::float16_format>("from_bfloat16", 65536, from_bfloat16);
}

BOOST_AUTO_TEST_CASE(no_case_of_the_file_is_left_out) {
  std::set<std::string> used{"patterns", "int_patterns", "bfloat16", "float16"};
  const auto use = [&]<class Format>(std::type_identity<Format>) { used.emplace(Format::name()); };
  qgrain::for_each_format(cast_formats{}, use);
  qgrain::for_each_format(cast_integers{}, use);
  std::size_t found = 0;
  for (const auto& [name, remark] : tables().cases()) {
    BOOST_TEST(used.count(name) == 1U, name);
    ++found;
  }
  BOOST_TEST_MESSAGE("cast_ml_dtypes: " << used.size() << " of " << found << " cases (2 of them inputs)");
  BOOST_TEST(found == used.size());
}
