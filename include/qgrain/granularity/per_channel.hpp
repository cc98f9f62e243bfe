// One scale per row or per column.
#ifndef QGRAIN_GRANULARITY_PER_CHANNEL_HPP
#define QGRAIN_GRANULARITY_PER_CHANNEL_HPP

#include <qgrain/core/config.hpp>
#include <qgrain/core/matrix_view.hpp>

#include <string_view>

namespace qgrain {

/// `Axis` is the dimension that keeps its own scales. For a Linear weight (out, in): 0 one per output row, 1 one per
/// input column; for activations 1 is one per hidden channel.
template <int Axis>
struct per_channel {
  static_assert(
      Axis == 0 || Axis == 1,
      "qgrain::per_channel: a matrix has axis 0 (one scale per row) and axis 1 (one per column); choose one of them");
  [[nodiscard]] static constexpr std::string_view name() noexcept {
    return Axis == 0 ? "per_out_channel" : "per_in_channel";
  }
  [[nodiscard]] QGRAIN_HOST_DEVICE static constexpr shape2d group_shape(shape2d shape) noexcept {
    return Axis == 0 ? shape2d{1, shape.cols} : shape2d{shape.rows, 1};
  }
};

/// One scale per row of an activation matrix, taken from that row at each call.
struct per_token {
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "per_token"; }
  [[nodiscard]] QGRAIN_HOST_DEVICE static constexpr shape2d group_shape(shape2d shape) noexcept {
    return {1, shape.cols};
  }
};

}  // namespace qgrain

#endif
