// Where a layer sits in a model, read from its name.
#ifndef QGRAIN_SWEEP_SUMMARY_LAYER_PLACE_HPP
#define QGRAIN_SWEEP_SUMMARY_LAYER_PLACE_HPP

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace qgrain::sweep {

struct layer_place {
  std::string kind;                   ///< what repeats from block to block: "self_attn.q_proj", "mlp.experts.*.up_proj"
  std::optional<std::int64_t> depth;  ///< number of the block; nothing outside of blocks ("lm_head")

  friend bool operator==(const layer_place&, const layer_place&) = default;
};

/// The first part of a dotted name that is a number is the depth, what follows the kind, further numbers in it "*".
/// A name without such a part, or with nothing behind it, is its own kind.
[[nodiscard]] layer_place place_of(std::string_view name);

}  // namespace qgrain::sweep

#endif
