// Row 10 of tests/data/field: patterns as Oniguruma reads them, against the parts that the tokenizers library cuts.
#include <common/json.hpp>
#include <lm/tokenizer/regex.hpp>

#include <qgrain/core/status.hpp>

#include <boost/json/serialize.hpp>
#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

namespace json = boost::json;

namespace {

const json::object& cases() {
  static const json::object all = qgrain::common::read_json_object(std::filesystem::path(QGRAIN_SOURCE_DIR) / "tests" /
                                                                   "data" / "field" / "regex_cases.json");
  return all;
}

json::array parts_of(const qgrain::lm::regex& pattern, std::string_view text) {
  json::array parts;
  pattern.scanner()(text, [&](std::string_view part, bool) { parts.emplace_back(part); });
  return parts;
}

// How many texts are cut alike.
std::size_t compare(std::string_view pattern, const json::array& expected) {
  const qgrain::lm::regex compiled = qgrain::lm::regex::from_pattern(pattern);
  const json::array& texts = cases().at("texts").as_array();
  std::size_t right = 0;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const json::array parts = parts_of(compiled, std::string_view(texts[i].as_string()));
    BOOST_TEST(parts == expected.at(i).as_array(), pattern << " on " << json::serialize(texts[i]) << ": "
                                                           << json::serialize(parts) << ", not "
                                                           << json::serialize(expected.at(i)));
    right += parts == expected.at(i).as_array() ? 1U : 0U;
  }
  return right;
}

}  // namespace

BOOST_AUTO_TEST_CASE(row_10_patterns_are_translated) {
  std::size_t right = 0;
  for (const auto& [pattern, expected] : cases().at("patterns").as_object())
    right += compare(pattern, expected.as_array());
  BOOST_TEST_MESSAGE(cases().at("patterns").as_object().size() << " patterns, " << right << " texts cut alike");
  BOOST_TEST(cases().at("patterns").as_object().size() == 67U);
}

BOOST_AUTO_TEST_CASE(row_10_what_icu_reads_otherwise_is_refused_by_name) {
  // A pattern with a meaning of its own is cut as the library cuts it, or refused.
  const std::set<std::string> translated{"\\p{Space}+"};
  std::size_t refused = 0;
  for (const auto& [pattern, expected] : cases().at("other").as_object()) {
    if (translated.contains(std::string(pattern))) {
      BOOST_TEST(compare(pattern, expected.as_array()) > 0U);
      continue;
    }
    try {
      (void)qgrain::lm::regex::from_pattern(pattern);
      BOOST_ERROR("taken: " << pattern);
    } catch (const qgrain::error& failure) {
      const bool named = failure.code() == qgrain::errc::unsupported || failure.code() == qgrain::errc::bad_file;
      BOOST_TEST(named, pattern << ": " << failure.what());
      ++refused;
    }
  }
  BOOST_TEST(refused + translated.size() == cases().at("other").as_object().size());
}
