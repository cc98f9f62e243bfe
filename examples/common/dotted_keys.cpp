#include <common/dotted_keys.hpp>
#include <common/python_text.hpp>

#include <qgrain/core/status.hpp>

#include <cmath>

namespace qgrain::common {
namespace {

const char* kind_of(const json::value& value) {
  if (value.is_number()) return "a number";
  if (value.is_string()) return "a text";
  if (value.is_bool()) return "true or false";
  return value.is_array() ? "a list" : "null";
}

// Something on the way to `key` that holds no keys is the fault, not that the key is missing.
void require_mappings(const json::object& object, std::string_view key) {
  for (std::size_t dot = key.find('.'); dot != std::string_view::npos; dot = key.find('.', dot + 1)) {
    const std::string_view front = key.substr(0, dot);
    const json::value* value = find_value(object, front);
    if (value != nullptr && !value->is_null() && !value->is_object()) refuse_as_mapping(front, *value);
  }
}

[[noreturn]] void wrong_kind(const json::object& object, std::string_view key, const char* wanted,
                             const json::value* found) {
  if (found == nullptr) require_mappings(object, key);
  const std::string shown = found == nullptr ? "is missing" : "is " + json::serialize(*found);
  throw error(errc::invalid_argument, std::string(key) + " must be " + wanted + ", but " + shown);
}

}  // namespace

void refuse_as_mapping(std::string_view key, const json::value& value) {
  throw error(errc::invalid_argument, std::string(key) + " is " + json::serialize(value) + ", " + kind_of(value) +
                                          " where a mapping is needed");
}

const json::value* find_value(const json::object& object, std::string_view key) noexcept {
  const auto dot = key.find('.');
  const auto* value = object.if_contains(key.substr(0, dot));
  if (value == nullptr || dot == std::string_view::npos) return value;
  return value->is_object() ? find_value(value->get_object(), key.substr(dot + 1)) : nullptr;
}

std::string text_at(const json::object& object, std::string_view key) {
  const auto* value = find_value(object, key);
  if (value == nullptr || value->is_null() || value->is_structured()) wrong_kind(object, key, "text", value);
  return python_text(*value);
}

std::optional<std::string> optional_text_at(const json::object& object, std::string_view key) {
  const auto* value = find_value(object, key);
  if (value == nullptr || value->is_null()) return std::nullopt;
  auto text = text_at(object, key);
  return text.empty() ? std::nullopt : std::optional(std::move(text));
}

double number_at(const json::object& object, std::string_view key) {
  const auto* value = find_value(object, key);
  if (value == nullptr || !value->is_number()) wrong_kind(object, key, "a number", value);
  return value->to_number<double>();
}

std::int64_t integer_at(const json::object& object, std::string_view key) {
  const auto* value = find_value(object, key);
  if (value != nullptr && value->is_int64()) return value->get_int64();
  const double number = value != nullptr && value->is_double() ? value->get_double() : 0.5;
  if (number != std::nearbyint(number) || std::abs(number) > 9e15) wrong_kind(object, key, "a whole number", value);
  return static_cast<std::int64_t>(number);
}

bool flag_at(const json::object& object, std::string_view key) {
  const auto* value = find_value(object, key);
  if (value == nullptr || !value->is_bool()) wrong_kind(object, key, "true or false", value);
  return value->get_bool();
}

}  // namespace qgrain::common
