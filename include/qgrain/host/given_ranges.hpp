// Ranges for static quantization.
#ifndef QGRAIN_HOST_GIVEN_RANGES_HPP
#define QGRAIN_HOST_GIVEN_RANGES_HPP

#include <optional>
#include <span>

namespace qgrain {

/// Ranges that are known before the data is (static quantization). What is left empty comes from the data (dynamic).
struct given_ranges {
  std::span<const float> absmax = {};  ///< the largest magnitude of each group, in the order of the scales
  std::optional<float> tensor_absmax = std::nullopt;  ///< of the whole tensor, for two-level scales
};

}  // namespace qgrain

#endif
