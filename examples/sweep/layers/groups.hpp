// Which layers share one format.
#ifndef QGRAIN_SWEEP_LAYERS_GROUPS_HPP
#define QGRAIN_SWEEP_LAYERS_GROUPS_HPP

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace qgrain::sweep {

enum class layer_fusion : std::uint8_t {
  fused,  ///< layers that inference engines fuse: q/k/v, gate/up, the experts of a layer
  none,   ///< every layer for itself
};

/// "default" or "none". Throws errc::unknown_name.
[[nodiscard]] layer_fusion layer_fusion_from(std::string_view name);

/// User rules are tried before the others.
struct group_rules {
  layer_fusion how = layer_fusion::fused;
  /// ECMAScript regular expressions, searched for in the full name (anchor with ^ and $ where that matters). The first
  /// one that is found decides: layers for which it captures the same text in its first parentheses, or is found as the
  /// same text where it has none, form a group. "(layers\\.\\d+)\\..*_proj" makes a group of each block.
  std::vector<std::string> patterns;

  friend bool operator==(const group_rules&, const group_rules&) = default;
};

/// Layers (as indices into the names) that get one format.
struct layer_group {
  std::string key;  ///< "<first member>.quant_recipe"
  std::vector<std::size_t> members;
};

/// The groups of `names` in order of their first members. Fused are, by the first rule that matches the whole name,
/// P.{q,k,v}_proj; P.mlp.experts.N.{gate,up,down}_proj; P.{gate,up}_proj; P.N.{w1,w2,w3} (Mixtral);
/// P.{w1,w2,w3}_linear.N (DBRX), each with the same shortest P (ModelOpt's rules up to 0.42).
/// Throws errc::invalid_argument naming a user rule that is no regular expression.
[[nodiscard]] std::vector<layer_group> group_layers(std::span<const std::string> names, const group_rules& rules);
[[nodiscard]] std::vector<layer_group> group_layers(std::span<const std::string> names, layer_fusion how);

/// Whether any member matches one of the shell patterns: then the group as a whole stays unquantized.
[[nodiscard]] bool is_disabled(const layer_group& group, std::span<const std::string> names,
                               std::span<const std::string> patterns);

/// A warning for each user rule that is found in no name, with the nearest names. Throws as group_layers.
[[nodiscard]] std::vector<std::string> unmatched_rules(std::span<const std::string> names, const group_rules& rules);

}  // namespace qgrain::sweep

#endif
