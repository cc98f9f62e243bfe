#include <sweep/results/format_choice.hpp>
#include <sweep/results/manifest.hpp>
#include <sweep/results/manifest_access.hpp>
#include <sweep/results/sensitivity_rows.hpp>

#include <qgrain/core/status.hpp>

#include <algorithm>
#include <cstddef>

namespace qgrain::sweep {
namespace {

[[noreturn]] void damaged(const std::string& what) { throw error(errc::bad_file, "the manifest's " + what); }

std::string text_in(const json::object& object, std::string_view key, const std::string& where) {
  const auto* value = object.if_contains(key);
  if (value == nullptr || value->is_null()) return {};
  if (!value->is_string()) damaged(where + "." + std::string(key) + " is no text");
  return std::string(value->get_string());
}

manifest_format format_from(const json::value& value, const std::string& where) {
  if (!value.is_object()) damaged(where + " is no mapping");
  const json::object& entry = value.get_object();
  manifest_format format;
  format.label = text_in(entry, "label", where);
  if (format.label.empty()) damaged(where + " has no label");
  format.pair = text_in(entry, "pair", where);
  format.granularity = text_in(entry, "granularity", where);
  format.weight = text_in(entry, "weight", where);
  format.activation = text_in(entry, "activation", where);
  format.calibration = text_in(entry, "calibration", where);
  if (const auto* config = entry.if_contains("quant_cfg")) {
    if (!config->is_object()) damaged(where + ".quant_cfg is no mapping");
    format.quant_cfg = config->get_object();
  }
  if (const auto* algorithm = entry.if_contains("algorithm")) format.algorithm = *algorithm;
  return format;
}

const json::array& list_in(const json::object& entry, std::string_view key, std::string_view group) {
  const auto* list = entry.if_contains(key);
  if (list == nullptr || !list->is_array()) {
    damaged("candidate_stats of " + std::string(group) + " has no list of " + std::string(key));
  }
  return list->get_array();
}

// Latencies say nothing about sizes.
bool books_sizes(const json::object& manifest) {
  const std::string unit = optional_text_at(manifest, "autoquant_state.search.unit").value_or("effective_bits");
  return unit == "effective_bits" || unit == "bytes";
}

std::optional<double> booked_bits(const json::array& labels, const json::array& costs, std::size_t chosen) {
  const auto none = std::find_if(labels.begin(), labels.end(), [](const json::value& label) {
    return label.is_string() && is_none(std::string_view(label.get_string()));
  });
  const auto n = static_cast<std::size_t>(none - labels.begin());
  if (std::max(n, chosen) >= costs.size() || !costs[n].is_number() || !costs[chosen].is_number()) return std::nullopt;
  const double whole = costs[n].to_number<double>();
  return whole > 0 ? std::optional(16 * costs[chosen].to_number<double>() / whole) : std::nullopt;
}

}  // namespace

bool is_none(std::string_view label) noexcept { return label == "NONE" || label.starts_with("NONE("); }

std::vector<manifest_format> formats_of(const json::object& manifest) {
  std::vector<manifest_format> formats;
  const auto* list = manifest.if_contains("formats");
  if (list == nullptr || list->is_null()) return formats;
  if (!list->is_array()) damaged("formats is no list");
  for (const json::value& entry : list->get_array()) {
    manifest_format format = format_from(entry, "formats[" + std::to_string(formats.size()) + "]");
    const bool is_known = std::any_of(formats.begin(), formats.end(),
                                      [&](const manifest_format& other) { return other.label == format.label; });
    if (is_known) damaged("formats has the label " + format.label + " twice");
    formats.push_back(std::move(format));
  }
  return formats;
}

std::vector<layer_choice> layer_choices(const json::object& manifest) {
  std::vector<layer_choice> choices;
  const json::object& state = mapping_in(manifest, "autoquant_state");
  const auto* stats = state.if_contains("candidate_stats");
  if (stats == nullptr || stats->is_null()) return choices;
  const json::object& recipe = mapping_in(state, "recipe");
  const bool has_sizes = books_sizes(manifest);
  for (const auto& [group, value] : mapping_in(state, "candidate_stats")) {
    if (!value.is_object()) damaged("candidate_stats of " + std::string(group) + " is no mapping");
    const json::object& entry = value.get_object();
    const json::array& labels = list_in(entry, "formats", group);
    const json::array& costs = list_in(entry, "costs", group);
    const auto* label = recipe.if_contains(group);
    const auto found = label == nullptr ? labels.end() : std::find(labels.begin(), labels.end(), *label);
    if (found == labels.end() || !found->is_string()) {
      damaged("recipe of " + std::string(group) + " is none of its candidates");
    }
    const std::string chosen(found->get_string());
    std::optional<double> bits;
    if (has_sizes) bits = booked_bits(labels, costs, static_cast<std::size_t>(found - labels.begin()));
    if (!bits) bits = bits_of_label(chosen);
    for (const json::value& name : list_in(entry, "module_names", group)) {
      if (!name.is_string()) damaged("candidate_stats of " + std::string(group) + " has a module name that is no text");
      choices.push_back({std::string(name.get_string()), chosen, bits});
    }
  }
  return choices;
}

}  // namespace qgrain::sweep
