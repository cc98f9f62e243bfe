// Reading a manifest for a report, and its numbers as text.
#ifndef QGRAIN_SWEEP_SUMMARY_REPORT_NUMBERS_HPP
#define QGRAIN_SWEEP_SUMMARY_REPORT_NUMBERS_HPP

#include <sweep/settings/config_access.hpp>
#include <sweep/summary/markdown_table.hpp>

#include <qgrain/core/status.hpp>

#include <boost/json.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace qgrain::sweep {

namespace json = boost::json;

inline constexpr const char* unknown_number = "-";

/// The number at "a.b"; nothing where there is none.
[[nodiscard]] inline std::optional<double> number_in(const json::object& object, std::string_view key) {
  const json::value* value = find_value(object, key);
  return value != nullptr && value->is_number() ? std::optional(value->to_number<double>()) : std::nullopt;
}

/// The text at "a.b", empty where there is none.
[[nodiscard]] inline std::string text_in(const json::object& object, std::string_view key) {
  return optional_text_at(object, key).value_or("");
}

[[nodiscard]] inline std::string bits_number(double bits) { return formatted("%.3f", bits); }
[[nodiscard]] inline std::string loss_number(double loss) { return formatted("%.4f", loss); }
[[nodiscard]] inline std::string percent_number(double share) { return formatted("%.2f %%", 100 * share); }

[[nodiscard]] inline std::string shown(const std::optional<double>& value, std::string (*text)(double)) {
  return value ? text(*value) : unknown_number;
}

/// Reads the mappings of a list one after the other; nothing happens where there is no list. Throws errc::bad_file
/// where the value is of another kind.
template <class Read>
void for_each_in(const json::object& manifest, std::string_view key, const Read& read) {
  const json::value* list = find_value(manifest, key);
  if (list == nullptr || list->is_null()) return;
  if (!list->is_array()) throw error(errc::bad_file, "the manifest's " + std::string(key) + " is no list");
  for (const json::value& entry : list->get_array()) {
    if (!entry.is_object()) throw error(errc::bad_file, "the manifest's " + std::string(key) + " lists no mappings");
    read(entry.get_object());
  }
}

}  // namespace qgrain::sweep

#endif
