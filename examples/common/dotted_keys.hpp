// Reading nested mappings by dotted keys.
#ifndef QGRAIN_COMMON_DOTTED_KEYS_HPP
#define QGRAIN_COMMON_DOTTED_KEYS_HPP

#include <boost/json.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace qgrain::common {

namespace json = boost::json;

/// The value at "a.b.c", null where any part of the way is missing.
[[nodiscard]] const json::value* find_value(const json::object& object, std::string_view key) noexcept;

// The functions below throw errc::invalid_argument naming the key where the value is missing (but for `optional_`),
// null or of another kind, or where something on the way to it is no mapping.

/// Says that a value that is no mapping stands where one is needed.
[[noreturn]] void refuse_as_mapping(std::string_view key, const json::value& value);

/// Text; numbers and bools are written out ("7", "True"), since unquoted text in an override may look like one.
[[nodiscard]] std::string text_at(const json::object& object, std::string_view key);
/// Nothing where the value is missing, null or empty text.
[[nodiscard]] std::optional<std::string> optional_text_at(const json::object& object, std::string_view key);
[[nodiscard]] double number_at(const json::object& object, std::string_view key);
/// A whole number; 8.0 counts as 8.
[[nodiscard]] std::int64_t integer_at(const json::object& object, std::string_view key);
[[nodiscard]] bool flag_at(const json::object& object, std::string_view key);

}  // namespace qgrain::common

#endif
