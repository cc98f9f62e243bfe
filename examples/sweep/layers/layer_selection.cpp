#include <common/glob.hpp>
#include <sweep/layers/constraint.hpp>
#include <sweep/layers/layer_selection.hpp>

#include <qgrain/core/nearest_names.hpp>
#include <qgrain/core/status.hpp>

#include <algorithm>
#include <string_view>

namespace qgrain::sweep {
namespace {

void warn_of_unmatched(std::vector<std::string>& warnings, std::string_view list,
                       const std::vector<std::string>& patterns, const std::vector<std::string>& names) {
  for (const std::string& pattern : patterns) {
    const auto matches = [&](const std::string& name) { return common::glob_match(pattern, name); };
    if (std::any_of(names.begin(), names.end(), matches)) continue;
    warnings.push_back(common::no_match_text(std::string(list) + ": " + pattern, pattern, names));
  }
}

}  // namespace

layer_selection select_layers(const layer_list& all, const selection_request& request) {
  layer_selection result;
  for (std::size_t i = 0; i < all.names.size(); ++i) {
    if (common::matches_any(all.names[i], request.exclude)) continue;
    result.places.push_back(i);
    result.layers.names.push_back(all.names[i]);
    result.layers.sizes.push_back(all.sizes[i]);
    if (!all.shapes.empty()) result.layers.shapes.push_back(all.shapes[i]);
  }
  const std::vector<std::string>& names = result.layers.names;
  if (names.empty() && !all.names.empty()) {
    throw error(errc::invalid_argument, "every layer is excluded (" + join_names(request.exclude) + ")");
  }
  bit_constraint constraint = constraint_for(request.coverage_mode, request.effective_bits, result.layers);
  result.effective_bits = constraint.effective_bits;
  result.disabled = std::move(constraint.disabled_layers);
  result.disabled.insert(result.disabled.end(), request.disabled.begin(), request.disabled.end());
  result.disabled.insert(result.disabled.end(), request.routers.begin(), request.routers.end());

  result.is_open.assign(names.size(), true);
  for (const layer_group& group : group_layers(names, request.groups)) {
    if (!is_disabled(group, names, result.disabled)) continue;
    for (const std::size_t member : group.members) result.is_open[member] = false;
  }
  if (!names.empty() && std::find(result.is_open.begin(), result.is_open.end(), true) == result.is_open.end()) {
    throw error(errc::invalid_argument, "every layer is disabled (" + join_names(result.disabled) + ")");
  }
  warn_of_unmatched(result.warnings, "disabled_layers", request.disabled, all.names);
  warn_of_unmatched(result.warnings, "exclude", request.exclude, all.names);
  for (std::string& warning : unmatched_rules(names, request.groups)) result.warnings.push_back(std::move(warning));
  return result;
}

}  // namespace qgrain::sweep
