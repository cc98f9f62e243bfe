// Which layers share one format.
#ifndef QGRAIN_SWEEP_GROUPS_HPP
#define QGRAIN_SWEEP_GROUPS_HPP

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace qgrain::sweep {

enum class grouping : std::uint8_t {
  fused,  ///< layers that inference engines fuse: q/k/v, gate/up, the experts of a layer
  none,   ///< every layer for itself
};

/// "default" or "none". Throws errc::unknown_name.
[[nodiscard]] grouping grouping_from(std::string_view name);

/// Layers (as indices into the names) that get one format.
struct layer_group {
  std::string key;  ///< "<first member>.quant_recipe"
  std::vector<std::size_t> members;
};

/// The groups of `names` in order of their first members. Fused are, by the first rule that matches the whole name,
/// P.{q,k,v}_proj; P.mlp.experts.N.{gate,up,down}_proj; P.{gate,up}_proj; P.N.{w1,w2,w3} (Mixtral);
/// P.{w1,w2,w3}_linear.N (DBRX), each with the same shortest P (ModelOpt's rules up to 0.42).
[[nodiscard]] std::vector<layer_group> group_layers(std::span<const std::string> names, grouping how);

/// Whether a name matches any of the shell patterns.
[[nodiscard]] bool matches_any(std::string_view name, std::span<const std::string> patterns);

}  // namespace qgrain::sweep

#endif
