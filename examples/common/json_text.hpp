// Writing JSON for people and for other tools: indented, numbers as Python prints them.
#ifndef QGRAIN_COMMON_JSON_TEXT_HPP
#define QGRAIN_COMMON_JSON_TEXT_HPP

#include <boost/json.hpp>

#include <string>

namespace qgrain::common {

namespace json = boost::json;

/// The shortest digits that read back as `value`, laid out as Python's repr does: "8.0", "0.0001", "1e-05", "1e+16".
[[nodiscard]] std::string number_text(double value);

/// `value` with an indent of two blanks, keys in their order, UTF-8 as it is, no newline at the end; doubles read back
/// exactly. Throws errc::non_finite for a number that JSON cannot hold.
[[nodiscard]] std::string json_text(const json::value& value);

/// A copy whose keys are in alphabetical order at every depth.
[[nodiscard]] json::value with_sorted_keys(const json::value& value);

}  // namespace qgrain::common

#endif
