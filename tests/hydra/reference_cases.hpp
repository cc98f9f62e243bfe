// The cases of tests/data/hydra, and values written the way they are stored there.
#ifndef QGRAIN_TESTS_HYDRA_REFERENCE_CASES_HPP
#define QGRAIN_TESTS_HYDRA_REFERENCE_CASES_HPP

#include <common/json.hpp>

#include <qgrain/core/status.hpp>

#include <boost/json.hpp>

#include <cmath>
#include <string>
#include <vector>

namespace qgrain::test {

namespace json = boost::json;

inline json::object reference_cases(const std::string& name) {
  return qgrain::common::read_json_object(std::filesystem::path(QGRAIN_SOURCE_DIR "/tests/data/hydra") / name);
}

/// A value as the cases store it: a number that is not finite becomes {"float": "inf"}.
inline json::value stored_form(const json::value& value) {
  if (value.is_double() && !std::isfinite(value.get_double())) {
    const double number = value.get_double();
    return json::object{{"float", std::isnan(number) ? "nan" : number < 0 ? "-inf" : "inf"}};
  }
  if (value.is_array()) {
    json::array result;
    for (const auto& item : value.get_array()) result.push_back(stored_form(item));
    return result;
  }
  if (value.is_object()) {
    json::object result;
    for (const auto& entry : value.get_object()) result[entry.key()] = stored_form(entry.value());
    return result;
  }
  return value;
}

/// The text of a value in its stored form: equal texts have equal values, types and key orders.
inline std::string stored_text(const json::value& value) { return json::serialize(stored_form(value)); }

inline std::vector<std::string> text_list(const json::value& array) {
  std::vector<std::string> texts;
  for (const auto& item : array.as_array()) texts.emplace_back(item.as_string());
  return texts;
}

/// The sentence of the qgrain::error that a call throws.
template <typename Call>
std::string sentence_of(const Call& call) {
  try {
    call();
  } catch (const qgrain::error& failure) {
    return failure.what();
  }
  return "no error";
}

}  // namespace qgrain::test

#endif
