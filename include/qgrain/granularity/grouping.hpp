// Which elements share a scale, chosen at run time.
#ifndef QGRAIN_GRANULARITY_GROUPING_HPP
#define QGRAIN_GRANULARITY_GROUPING_HPP

#include <qgrain/core/matrix_view.hpp>
#include <qgrain/core/status.hpp>
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
  /// Bytes of a quantized matrix as it is stored: codes without gaps, every row from a byte on, a scale for each group,
  /// a row's shorter last one included, and the tensor's scale. Rows of block formats (tail zero_padding) are filled up
  /// with codes to whole groups, as stores of OCP MX and NVFP4 have them. The shape has elements.
  [[nodiscard]] constexpr index_t stored_bytes(shape2d shape, int code_bits, int scale_bits,
                                               int tensor_bits) const noexcept {
    const shape2d group = group_shape(shape);
    const index_t groups_per_row = ceil_div(shape.cols, group.cols);
    const index_t cols = tail == group_tail::zero_padding ? groups_per_row * group.cols : shape.cols;
    const index_t scales = ceil_div(shape.rows, group.rows) * groups_per_row;
    return shape.rows * ceil_div(cols * code_bits, 8) + ceil_div(scales * scale_bits, 8) + ceil_div(tensor_bits, 8);
  }
  /// Whether a matrix suits: it has elements, groups have some, and none is longer than its rows (unless the tail
  /// allows it).
  [[nodiscard]] constexpr status check(shape2d shape) const noexcept {
    if (shape.rows < 1) return status(errc::invalid_shape, 1, shape.rows);
    if (shape.cols < 1) return status(errc::invalid_shape, 1, shape.cols);
    if (kind != granularity_kind::per_group && kind != granularity_kind::per_tile) return {};
    if (size.rows < 1) return status(errc::invalid_shape, 1, size.rows);
    if (size.cols < 1) return status(errc::invalid_shape, 1, size.cols);
    if (kind == granularity_kind::per_tile) return {};
    const bool too_long = tail == group_tail::short_group && size.cols > shape.cols;
    const bool ragged = tail == group_tail::reject && shape.cols % size.cols != 0;
    if (too_long || ragged) return status(errc::invalid_shape, size.cols, shape.cols);
    return {};
  }
};

}  // namespace qgrain

#endif
