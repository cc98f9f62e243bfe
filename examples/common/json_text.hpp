// Writing JSON: indented for people, or in one line with few digits for a page's script.
#ifndef QGRAIN_COMMON_JSON_TEXT_HPP
#define QGRAIN_COMMON_JSON_TEXT_HPP

#include <boost/json/value.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace qgrain::common {

namespace json = boost::json;

/// `value` with an indent of two blanks, keys in their order, UTF-8 as it is, no newline at the end; doubles read back
/// exactly, laid out as Python's repr does. Throws errc::non_finite for a number that JSON cannot hold.
[[nodiscard]] std::string json_text(const json::value& value);

/// Significant digits of the doubles of a text.
struct json_digits {
  /// Of the doubles in the member called `key`, at any depth.
  struct of_member {
    std::string_view key;
    int digits;
  };
  int digits = 6;
  std::vector<of_member> members = {};
};

/// `value` in one line without blanks, doubles cut to `digits` as printf's %g does, and no "<", so that no text can end
/// a page's script element.
[[nodiscard]] std::string json_text(const json::value& value, const json_digits& digits);

/// A copy whose keys are in alphabetical order at every depth.
[[nodiscard]] json::value with_sorted_keys(const json::value& value);

}  // namespace qgrain::common

#endif
