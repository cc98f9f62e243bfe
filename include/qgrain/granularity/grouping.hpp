// Which elements share a scale, chosen at run time.
#ifndef QGRAIN_GRANULARITY_GROUPING_HPP
#define QGRAIN_GRANULARITY_GROUPING_HPP

#include <qgrain/core/matrix_view.hpp>
#include <qgrain/granularity/per_group.hpp>

#include <cstdint>

namespace qgrain {

/// The granularities of this folder, as values.
enum class granularity_kind : std::uint8_t {
  per_tensor,
  per_out_channel,  ///< one scale per row
  per_in_channel,   ///< one scale per column; "per hidden channel" for activations
  per_token,        ///< one scale per row, from the row itself
  per_group,
  per_tile,
};

/// Whose range it is.
enum class range_source : std::uint8_t {
  own,         ///< of the very matrix that is quantized
  calibrated,  ///< collected beforehand (static activation quantization)
};

/// Which elements share a scale, as a value.
struct grouping {
  granularity_kind kind = granularity_kind::per_tensor;
  range_source source = range_source::own;
  shape2d size;                               ///< of one group: {1, N} for per_group, {R, C} for per_tile; else unused
  group_tail tail = group_tail::short_group;  ///< of per_group

  [[nodiscard]] constexpr shape2d group_shape(shape2d shape) const noexcept {
    switch (kind) {
      case granularity_kind::per_tensor:
        return shape;
      case granularity_kind::per_out_channel:
      case granularity_kind::per_token:
        return {1, shape.cols};
      case granularity_kind::per_in_channel:
        return {shape.rows, 1};
      case granularity_kind::per_group:
      case granularity_kind::per_tile:
        return size;
    }
    return shape;
  }
};

}  // namespace qgrain

#endif
