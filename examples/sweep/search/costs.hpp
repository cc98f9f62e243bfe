// What a format costs at a layer, in units of 16-bit weights.
#ifndef QGRAIN_SWEEP_SEARCH_COSTS_HPP
#define QGRAIN_SWEEP_SEARCH_COSTS_HPP

#include <sweep/layers/layer_list.hpp>

#include <cstdint>
#include <string_view>
#include <vector>

namespace qgrain::sweep {

enum class cost_model : std::uint8_t {
  nominal,  ///< weights times compression, as ModelOpt 0.47 has it: no scales, and activations may set the bits
  stored,   ///< bytes of the quantized weight with its scales and padding (fake_recipe::stored_bytes), / 2
};

/// "nominal", "stored".
[[nodiscard]] std::string_view name_of(cost_model how) noexcept;
/// Throws errc::unknown_name.
[[nodiscard]] cost_model cost_model_from(std::string_view name);

/// The cost of each layer under a format, for candidate_format::layer_costs. `weight_recipe` "fp16" (activations alone
/// are quantized) stores 16 bits per weight. Throws errc::unknown_name for a recipe that does not exist,
/// errc::invalid_shape where stored costs are asked of layers without shapes.
[[nodiscard]] std::vector<double> layer_costs(const layer_list& layers, cost_model how, double compression,
                                              std::string_view weight_recipe);

}  // namespace qgrain::sweep

#endif
