#include <sweep/results/sensitivity_rows.hpp>

#include <qgrain/core/status.hpp>

#include <algorithm>
#include <charconv>
#include <cstddef>

namespace qgrain::sweep {
namespace {

constexpr std::string_view recipe_suffix = ".quant_recipe";

const json::array& row_list(const json::object& entry, std::string_view key, std::string_view group) {
  const auto* list = entry.if_contains(key);
  if (list == nullptr || !list->is_array()) {
    throw error(errc::bad_file, "layer_sensitivity of " + std::string(group) + " has no list of " + std::string(key));
  }
  return list->get_array();
}

std::string display_name(std::string name) {
  for (auto at = name.find(recipe_suffix); at != std::string::npos; at = name.find(recipe_suffix, at)) {
    name.erase(at, recipe_suffix.size());
  }
  return name;
}

void add_format(sensitivity_row& row, const json::value& label, const json::value& score, const json::value& cost) {
  if (!label.is_string() || !score.is_number() || !cost.is_number()) {
    throw error(errc::bad_file,
                "layer_sensitivity of " + row.layer + " holds a format, score or cost of the wrong kind");
  }
  if (const auto bits = bits_of_label(label.get_string())) row.num_bits.push_back(*bits);
  row.scores.push_back(score.to_number<double>());
  row.costs.push_back(cost.to_number<double>());
}

}  // namespace

std::optional<double> bits_of_label(std::string_view label) {
  constexpr std::string_view marker = "effective-bits:";
  const auto at = label.find(marker);
  if (at == std::string_view::npos) return std::nullopt;
  std::string_view digits = label.substr(at + marker.size());
  digits = digits.substr(0, digits.find(')'));
  const auto first = digits.find_first_not_of(" \t");
  if (first == std::string_view::npos) return std::nullopt;
  digits = digits.substr(first, digits.find_last_not_of(" \t") - first + 1);
  double bits = 0;
  const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
  if (code != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return bits;
}

std::vector<sensitivity_row> sensitivity_rows(const json::object& layer_sensitivity) {
  std::vector<sensitivity_row> rows;
  for (const auto& item : layer_sensitivity) {
    sensitivity_row row{display_name(item.key()), {}, {}, {}};
    if (!item.value().is_object()) {
      throw error(errc::bad_file, "layer_sensitivity of " + row.layer + " is no mapping");
    }
    const auto& entry = item.value().get_object();
    const auto& formats = row_list(entry, "formats", row.layer);
    const auto& scores = row_list(entry, "scores", row.layer);
    const auto& costs = row_list(entry, "costs", row.layer);
    const std::size_t size = std::min({formats.size(), scores.size(), costs.size()});
    const auto is_none = [](const json::value& label) {
      return label.is_string() && std::string_view(label.get_string()).starts_with("NONE(");
    };
    const bool only_none = std::all_of(formats.begin(), formats.begin() + static_cast<std::ptrdiff_t>(size), is_none);
    for (std::size_t i = 0; i < size; ++i) {
      if (only_none || !is_none(formats[i])) add_format(row, formats[i], scores[i], costs[i]);
    }
    if (!row.scores.empty()) rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace qgrain::sweep
