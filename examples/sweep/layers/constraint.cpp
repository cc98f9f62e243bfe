#include <common/glob.hpp>
#include <sweep/layers/constraint.hpp>

#include <qgrain/core/nearest_names.hpp>
#include <qgrain/core/status.hpp>

#include <algorithm>
#include <array>

namespace qgrain::sweep {

bit_constraint constraint_for(std::string_view coverage_mode, double asked, const layer_list& layers) {
  constexpr std::array<std::string_view, 2> modes{"lm_only", "full"};
  if (std::find(modes.begin(), modes.end(), coverage_mode) == modes.end()) {
    throw error(errc::unknown_name,
                "no coverage_mode is called " + std::string(coverage_mode) + name_hint(coverage_mode, modes));
  }
  if (coverage_mode == "full") return {asked, {}};
  bit_constraint result{asked, {"model.visual*"}};
  double total = 0, disabled = 0;
  for (std::size_t i = 0; i < layers.names.size(); ++i) {
    total += layers.sizes[i];
    if (common::matches_any(layers.names[i], result.disabled_layers)) disabled += layers.sizes[i];
  }
  if (disabled > 0 && disabled < total) {
    result.effective_bits = std::min(16.0, (disabled * 16 + (total - disabled) * asked) / total + 1e-3);
  }
  return result;
}

}  // namespace qgrain::sweep
