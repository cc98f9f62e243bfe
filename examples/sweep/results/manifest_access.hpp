// Reading a manifest by dotted keys.
#ifndef QGRAIN_SWEEP_RESULTS_MANIFEST_ACCESS_HPP
#define QGRAIN_SWEEP_RESULTS_MANIFEST_ACCESS_HPP

#include <common/dotted_keys.hpp>

#include <qgrain/core/status.hpp>

#include <boost/json.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace qgrain::sweep {

namespace json = boost::json;

using common::find_value;
using common::flag_at;
using common::number_at;
using common::optional_text_at;
using common::text_at;

/// The number at "a.b"; nothing where there is none.
[[nodiscard]] inline std::optional<double> number_in(const json::object& object, std::string_view key) {
  const json::value* value = find_value(object, key);
  return value != nullptr && value->is_number() ? std::optional(value->to_number<double>()) : std::nullopt;
}

/// The text at "a.b", empty where there is none.
[[nodiscard]] inline std::string text_in(const json::object& object, std::string_view key) {
  return optional_text_at(object, key).value_or("");
}

/// Reads the mappings of a list one after the other; nothing happens where there is no list.
/// @throws error errc::bad_file where the value is of another kind.
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
