#include <common/json.hpp>
#include <sweep/settings/config_access.hpp>
#include <sweep/settings/known_keys.hpp>
#include <sweep/settings/recipe_list_settings.hpp>

#include <qgrain/core/status.hpp>

namespace qgrain::sweep {
namespace {

recipe_list_entry entry_from(const json::value& entry, std::size_t number) {
  if (entry.is_string()) return std::string(entry.get_string());
  if (entry.is_array() && entry.get_array().size() == 2 && entry.at(0).is_string() && entry.at(1).is_string())
    return recipe_pair{std::string(entry.at(0).get_string()), std::string(entry.at(1).get_string())};
  if (entry.is_object()) {
    const json::object& parts = entry.get_object();
    return recipe_pair{text_at(parts, "weight"), text_at(parts, "activation"),
                       optional_text_at(parts, "calibration").value_or("max")};
  }
  throw error(errc::invalid_argument, "jobs: entry " + std::to_string(number) + " is no pair of recipe names");
}

std::vector<recipe_list_entry> entries_from(const json::value& value) {
  if (value.is_string()) {
    const std::string text(value.get_string());
    if (text.find(':') != std::string::npos) return {text};
    return entries_from(common::read_json_file(text));
  }
  if (!value.is_array()) throw error(errc::invalid_argument, "jobs: a list or the path of a JSON file is expected");
  std::vector<recipe_list_entry> entries;
  for (const json::value& entry : value.get_array()) entries.push_back(entry_from(entry, entries.size() + 1));
  return entries;
}

}  // namespace

bool has_recipe_list(const json::object& config) noexcept { return given(config, "jobs") != nullptr; }

recipe_list_settings recipe_list_of(const json::object& config) {
  require_known_keys(config);
  recipe_list_settings settings;
  settings.entries = entries_from(*given(config, "jobs"));
  settings.autoquant = autoquant_of(config, false);
  if (!settings.autoquant.formats.empty() || settings.autoquant.verify || !settings.autoquant.study_bits.empty()) {
    throw error(errc::invalid_argument,
                "jobs: a list of recipes is scored, not searched; leave autoquant.formats, verify and study_bits out");
  }
  settings.scoring = scoring_of(config);
  settings.dataset = whole_dataset_of(config);
  return settings;
}

}  // namespace qgrain::sweep
