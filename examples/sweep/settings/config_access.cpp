#include <sweep/settings/config_access.hpp>

#include <qgrain/core/status.hpp>

#include <algorithm>

namespace qgrain::sweep {

const json::value* given(const json::object& config, std::string_view key) noexcept {
  const json::value* value = find_value(config, key);
  return value == nullptr || value->is_null() ? nullptr : value;
}

std::string filled_text_at(const json::object& config, std::string_view key) {
  std::string text = text_at(config, key);
  if (text.empty()) throw error(errc::invalid_argument, std::string(key) + " is empty; it needs a text");
  return text;
}

std::int64_t count_at(const json::object& config, std::string_view key, std::int64_t least) {
  const std::int64_t value = integer_at(config, key);
  if (value < least) {
    throw error(errc::invalid_argument,
                std::string(key) + ": must be at least " + std::to_string(least) + ", not " + std::to_string(value));
  }
  return value;
}

std::vector<std::string> texts_at(const json::object& config, std::string_view key) {
  const json::value* value = given(config, key);
  if (value == nullptr) return {};
  if (value->is_string()) return {std::string(value->get_string())};
  const auto is_text = [](const json::value& v) { return v.is_string() && !v.get_string().empty(); };
  if (!value->is_array() || !std::all_of(value->get_array().begin(), value->get_array().end(), is_text))
    throw error(errc::invalid_argument, std::string(key) + ": must be a list of texts");
  std::vector<std::string> texts;
  for (const json::value& text : value->get_array()) texts.emplace_back(text.get_string());
  return texts;
}

}  // namespace qgrain::sweep
