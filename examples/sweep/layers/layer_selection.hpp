// Which layers a job is about: coverage, exclusions, disabled layers.
#ifndef QGRAIN_SWEEP_LAYERS_LAYER_SELECTION_HPP
#define QGRAIN_SWEEP_LAYERS_LAYER_SELECTION_HPP

#include <sweep/layers/groups.hpp>
#include <sweep/layers/layer_list.hpp>

#include <cstddef>
#include <string>
#include <vector>

namespace qgrain::sweep {

struct selection_request {
  std::string coverage_mode = "lm_only";  ///< see constraint.hpp
  double effective_bits = 16;             ///< as asked
  std::vector<std::string> disabled;      ///< shell patterns: never quantized, but counted in the totals
  std::vector<std::string> exclude;       ///< shell patterns: neither in the table nor in the totals
  group_rules groups;
  std::vector<std::string> routers = {};  ///< names of layers that are disabled as well; one may be excluded
};

struct layer_selection {
  layer_list layers;                  ///< without the excluded ones
  std::vector<std::size_t> places;    ///< of those layers among all
  std::vector<std::string> disabled;  ///< patterns for table_options: those of the coverage and those asked for
  std::vector<bool> is_open;          ///< whether a layer may be quantized: nothing in its group is disabled
  double effective_bits = 16;         ///< the target, adjusted for the coverage
  std::vector<std::string> warnings;  ///< patterns and group rules that match nothing, each with the nearest names
};

/// Coverage lm_only raises the target by what the layers under `model.visual*` take, among those that are left;
/// layers that `disabled` names change no target. A pattern is looked for among all layers. Throws
/// errc::invalid_argument where every layer is excluded or disabled, and what constraint_for and group_layers throw.
[[nodiscard]] layer_selection select_layers(const layer_list& all, const selection_request& request);

}  // namespace qgrain::sweep

#endif
