// Which layers a job covers, and the bit target that this leaves for them.
#ifndef QGRAIN_SWEEP_LAYERS_CONSTRAINT_HPP
#define QGRAIN_SWEEP_LAYERS_CONSTRAINT_HPP

#include <sweep/layers/layer_list.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace qgrain::sweep {

struct bit_constraint {
  double effective_bits = 16;
  std::vector<std::string> disabled_layers;  ///< shell patterns
};

/// `coverage_mode` "full": the target as asked, nothing disabled. "lm_only": layers under `model.visual*` are disabled
/// and the target is raised to min(16, mean of 16 for their weights and `asked` for the others, + 0.001), so that the
/// language model gets what was asked; where no layer or every layer is disabled it stays. Throws errc::unknown_name
/// for another mode.
[[nodiscard]] bit_constraint constraint_for(std::string_view coverage_mode, double asked, const layer_list& layers);

}  // namespace qgrain::sweep

#endif
