// Ranges for static quantization.
#ifndef QGRAIN_HOST_GIVEN_RANGES_HPP
#define QGRAIN_HOST_GIVEN_RANGES_HPP

#include <qgrain/scale/range.hpp>

#include <optional>
#include <span>

namespace qgrain {

/// Ranges that are known before the data is (static quantization). What is left empty comes from the data (dynamic).
/// Everything is finite and not negative; memory must outlive the call.
struct given_ranges {
  /// The largest magnitude of each group, in the order of the scales: for scales made of it.
  std::span<const float> absmax = {};
  /// Of the whole tensor, for scales of two levels.
  std::optional<float> tensor_absmax = std::nullopt;
  /// How far each group reaches to both sides of zero, in the order of the scales: for scales with zero points. See
  /// range_between.
  std::span<const signed_range> ends = {};
  /// The tensor's scale itself, for scales of two levels; instead of tensor_absmax.
  std::optional<float> tensor_scale = std::nullopt;
  /// The same for stacks whose matrices have one each: in their order, instead of tensor_scale.
  std::span<const float> tensor_scales = {};
};

}  // namespace qgrain

#endif
