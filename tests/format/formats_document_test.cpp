// docs/formats.md holds the table of the formats that the headers define. When it is stale, the test fails and leaves
// the document as it should be in the build folder.
#include <qgrain/format/catalog.hpp>

#include <boost/test/unit_test.hpp>

#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <fstream>
#include <iterator>
#include <set>
#include <stdexcept>
#include <string>
#include <type_traits>

using namespace qgrain;

namespace {

const std::string first_line = "<!-- table of formats: begin -->\n";
const std::string last_line = "<!-- table of formats: end -->\n";

std::string number(float x) {
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), x).ptr;
  return {text.data(), end};
}

std::string mark(bool holds) { return holds ? "yes" : "-"; }

/// How many different finite numbers the format has.
template <class Format>
std::size_t finite_values() {
  std::set<float> values;  // the two zeros are equal
  for (int pattern = 0; pattern < 1 << Format::bits; ++pattern) {
    int code = pattern;
    if constexpr (std::is_signed_v<typename Format::code_type>) {  // two's complement of fewer bits
      code = pattern - (pattern >> (Format::bits - 1) << Format::bits);
    }
    const float value = Format::decode(static_cast<typename Format::code_type>(code));
    if (std::isfinite(value) && value >= detail::lowest<Format>()) values.insert(value);
  }
  return values.size();
}

std::string table() {
  std::string text =
      "| format | bits | finite values | largest | lowest | least above 0 | infinity | NaN | -0 | rounding |\n"
      "|---|---|---|---|---|---|---|---|---|---|\n";
  const auto catalog = format_catalog();
  auto format = catalog.begin();
  for_each_format(all_formats{}, [&]<class Format>(std::type_identity<Format>) {
    text += "| `" + std::string(format->name) + "` | " + std::to_string(format->bits) + " | " +
            std::to_string(finite_values<Format>()) + " | " + number(format->max_finite) + " | " +
            number(format->lowest) + " | " + number(format->least_positive) + " | " + mark(format->has_infinity) +
            " | " + mark(format->has_nan) + " | " + mark(format->has_negative_zero) + " | " +
            (format->takes_rounding ? "any" : "its own") + " |\n";
    ++format;
  });
  return text;
}

}  // namespace

BOOST_AUTO_TEST_CASE(the_document_shows_the_catalogue) {
  const std::string path = std::string(QGRAIN_SOURCE_DIR) + "/docs/formats.md";
  std::ifstream stream(path);
  BOOST_TEST_REQUIRE(stream.good());
  std::string document{std::istreambuf_iterator<char>(stream), {}};
  const std::size_t begin = document.find(first_line);
  const std::size_t end = document.find(last_line);
  BOOST_TEST_REQUIRE((begin != std::string::npos && end != std::string::npos && begin < end));
  const std::size_t at = begin + first_line.size();
  const bool current = document.substr(at, end - at) == table();
  if (!current) {
    document.replace(at, end - at, table());
    std::ofstream(std::string(QGRAIN_BINARY_DIR) + "/formats.md") << document;
  }
  BOOST_TEST_MESSAGE(format_catalog().size() << " formats");
  BOOST_TEST(current, "docs/formats.md is stale; formats.md in the build folder is the new one");
}

BOOST_AUTO_TEST_CASE(rows_say_what_is_known_of_the_formats) {
  const std::string text = table();
  for (const char* row : {"| `int4` | 4 | 16 | 7 | -8 | 1 | - | - | - | any |",
                          "| `int4_narrow` | 4 | 15 | 7 | -7 | 1 | - | - | - | any |",
                          "| `uint2` | 2 | 4 | 3 | 0 | 1 | - | - | - | any |",
                          "| `float4_e2m1fn` | 4 | 15 | 6 | -6 | 0.5 | - | - | yes | any |",
                          "| `float8_e4m3fn` | 8 | 253 | 448 | -448 | 0.001953125 | - | yes | yes | any |",
                          "| `ternary` | 2 | 3 | 1 | -1 | 1 | - | - | - | its own |"}) {
    BOOST_TEST(text.find(row) != std::string::npos, row);
  }
}
