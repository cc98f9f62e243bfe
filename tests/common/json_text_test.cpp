#include <common/json.hpp>
#include <common/json_text.hpp>
#include <common/number_text.hpp>

#include <qgrain/core/status.hpp>

#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <string>

namespace json = boost::json;
using namespace qgrain::common;

BOOST_AUTO_TEST_CASE(numbers_as_python_prints_them) {
  // the right-hand sides are what Python's repr gives
  const std::pair<double, const char*> cases[] = {{8, "8.0"},
                                                  {0, "0.0"},
                                                  {-0.0, "-0.0"},
                                                  {0.1, "0.1"},
                                                  {1e-4, "0.0001"},
                                                  {1e-5, "1e-05"},
                                                  {1.5e-7, "1.5e-07"},
                                                  {1e15, "1000000000000000.0"},
                                                  {1e16, "1e+16"},
                                                  {1e22, "1e+22"},
                                                  {1e300, "1e+300"},
                                                  {5e-324, "5e-324"},
                                                  {123456.789, "123456.789"},
                                                  {9.9995e-10, "9.9995e-10"},
                                                  {0.3424186110496521, "0.3424186110496521"},
                                                  {-24903680, "-24903680.0"}};
  for (const auto& [value, text] : cases) BOOST_TEST(qgrain::common::number_text(value) == text);
}

BOOST_AUTO_TEST_CASE(doubles_survive_writing_and_reading) {
  std::mt19937_64 random(11);
  int count = 0;
  while (count < 20000) {
    const auto value = std::bit_cast<double>(random());
    if (!std::isfinite(value)) continue;
    const auto read = qgrain::common::parse_json(qgrain::common::json_text(json::array{value}), "text").at(0);
    BOOST_TEST_REQUIRE(read.is_double());
    BOOST_TEST_REQUIRE(std::bit_cast<std::uint64_t>(read.get_double()) == std::bit_cast<std::uint64_t>(value));
    ++count;
  }
  BOOST_TEST(qgrain::common::parse_json("0.000123456", "text").get_double() == 0.000123456);
}

BOOST_AUTO_TEST_CASE(layout) {
  const json::value value{
      {"a", json::array{}}, {"b", json::object{}}, {"c", {1, true, nullptr, "x\"\\\n\x01\x7f\xc3\xa4"}}};
  BOOST_TEST(qgrain::common::json_text(value) ==
             "{\n  \"a\": [],\n  \"b\": {},\n  \"c\": [\n    1,\n    true,\n    null,\n"
             "    \"x\\\"\\\\\\n\\u0001\x7f\xc3\xa4\"\n  ]\n}");
  BOOST_TEST(json::serialize(qgrain::common::with_sorted_keys(
                 {{"b", {{"d", 1}, {"c", 2}}}, {"a", json::array{{{"z", 1}, {"y", 2}}}}})) ==
             R"({"a":[{"y":2,"z":1}],"b":{"c":2,"d":1}})");
}

BOOST_AUTO_TEST_CASE(few_digits_in_one_line) {
  const json::value value{{"a", {1.23456789, 0.0, -0.0, 1e7, 12345678, nullptr}},
                          {"few", {{"b", {1.23456789, 123456.0, 0.5}}}},
                          {"t", "</script>\n"}};
  BOOST_TEST(qgrain::common::json_text(value, {.digits = 6, .members = {{"few", 4}}}) ==
             R"({"a":[1.23457,0,0,1e+07,12345678,null],"few":{"b":[1.235,1.235e+05,0.5]},"t":"\u003c/script>\n"})");
}

BOOST_AUTO_TEST_CASE(numbers_that_json_cannot_hold_are_refused) {
  BOOST_CHECK_THROW((void)qgrain::common::json_text(std::numeric_limits<double>::infinity()), qgrain::error);
  const json::object nested{{"good", 1.0}, {"a", {{"b", json::array{1.0, std::nan("")}}}}};
  BOOST_CHECK_EXCEPTION((void)qgrain::common::json_text(nested), qgrain::error, [](const qgrain::error& e) {
    return std::string_view(e.what()).ends_with("infinity or NaN: .a.b[1]");
  });
}
