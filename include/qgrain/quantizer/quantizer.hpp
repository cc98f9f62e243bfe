// The composition: what a code means, which elements share a scale, how the scale is made, how values are rounded.
#ifndef QGRAIN_QUANTIZER_QUANTIZER_HPP
#define QGRAIN_QUANTIZER_QUANTIZER_HPP

#include <qgrain/core/concepts.hpp>
#include <qgrain/core/config.hpp>
#include <qgrain/core/matrix_view.hpp>
#include <qgrain/core/status.hpp>
#include <qgrain/format/float8.hpp>
#include <qgrain/format/rounding.hpp>
#include <qgrain/granularity/per_group.hpp>
#include <qgrain/quantizer/element.hpp>
#include <qgrain/scale/absmax.hpp>
#include <qgrain/scale/range.hpp>

#include <type_traits>

namespace qgrain {

/// A quantizer is a type: it has no state, so a call site names what it wants and the compiler sees all of it.
///
/// @tparam Format       what one code means (element_format)
/// @tparam Granularity  which elements share a scale (granularity_policy)
/// @tparam Scale        how a range becomes a scale and how the scale acts (scale_policy)
/// @tparam Rounding     how a value between two codes chooses one (rounding_policy)
template <element_format Format, granularity_policy Granularity, scale_policy Scale = absmax_f32,
          rounding_policy Rounding = nearest_even>
struct quantizer : element_quantizer<Format, Scale, Rounding> {
  static_assert(
      !std::is_same_v<Format, float8_e8m0fnu>,
      "qgrain::quantizer: float8_e8m0fnu has no sign and no zero, so it cannot hold elements; use it as a scale "
      "(absmax_e8m0) with a float4, float6 or float8 element format");
  static_assert(
      Scale::tensor_bits == 0 || Granularity::group_shape({2, 1 << 20}) != shape2d{2, 1 << 20},
      "qgrain::quantizer: a two-level scale needs groups below the tensor; use per_group, or absmax_f32 per_tensor");
  static_assert(
      requires(range_of<Scale> range) { Scale::template stored<Format>(range, 1.0F); },
      "qgrain::quantizer: the scale cannot be made for this format; give the scale policy a stored<Format>(absmax, "
      "tensor_scale) that takes it");
  static_assert(
      std::is_same_v<Rounding, nearest_even> || requires(Rounding r) { Format::encode(1.0F, r.at(0)); },
      "qgrain::quantizer: this format has a rounding of its own; leave the rounding at nearest_even, or give the "
      "format "
      "an encode(x, round)");

  using element_type = element_quantizer<Format, Scale, Rounding>;
  using granularity_type = Granularity;
  using typename element_type::code_type;
  using typename element_type::range_type;
  using typename element_type::stored_scale;

  /// Bits of one element, its share of the scale included. Where the size of a group depends on the shape (per tensor,
  /// channel, token) the share is left out: `stored_bits` counts it for a given shape.
  static constexpr double bits_per_element = [] {
    constexpr shape2d probe{index_t{1} << 40, index_t{1} << 20};
    constexpr shape2d group = Granularity::group_shape(probe);
    constexpr bool fixed = group.rows < probe.rows && group.cols < probe.cols;
    return Format::bits + (fixed ? Scale::bits / static_cast<double>(group.elements()) : 0.0);
  }();

  /// Whether the shape can be quantized; wanted() and found() carry the two numbers that disagree. Nothing is looked at
  /// but the shape. A zero-size tensor, a group longer than the row (unless its tail says otherwise) and sizes whose
  /// byte counts overflow are errc::invalid_shape.
  [[nodiscard]] QGRAIN_HOST_DEVICE static constexpr status check(shape2d shape) noexcept {
    constexpr index_t most = max_matrix_elements;
    if (shape.rows < 1) return status(errc::invalid_shape, 1, shape.rows);
    if (shape.cols < 1) return status(errc::invalid_shape, 1, shape.cols);
    if (shape.cols > most / shape.rows) return status(errc::invalid_shape, most / shape.rows, shape.cols);
    if constexpr (requires { Granularity::tail; }) {
      constexpr index_t size = Granularity::group_size;
      if (Granularity::tail == group_tail::short_group && size > shape.cols) {
        return status(errc::invalid_shape, size, shape.cols);
      }
      if (Granularity::tail == group_tail::reject && shape.cols % size != 0) {
        return status(errc::invalid_shape, size, shape.cols);
      }
    }
    return {};
  }

  /// Scales by rows and columns of groups; groups are numbered row by row.
  [[nodiscard]] QGRAIN_HOST_DEVICE static constexpr shape2d scale_shape(shape2d shape) noexcept {
    const shape2d group = Granularity::group_shape(shape);
    return {ceil_div(shape.rows, group.rows), ceil_div(shape.cols, group.cols)};
  }
  [[nodiscard]] QGRAIN_HOST_DEVICE static constexpr index_t scale_count(shape2d shape) noexcept {
    return scale_shape(shape).elements();
  }
  [[nodiscard]] QGRAIN_HOST_DEVICE static constexpr index_t scale_index(shape2d shape, index_t row,
                                                                        index_t col) noexcept {
    const shape2d group = Granularity::group_shape(shape);
    return row / group.rows * scale_shape(shape).cols + col / group.cols;
  }

  /// Bytes of `quantize`'s codes: one code per element, each in a code_type of its own.
  [[nodiscard]] QGRAIN_HOST_DEVICE static constexpr index_t code_bytes(shape2d shape) noexcept {
    return shape.elements() * static_cast<index_t>(sizeof(code_type));
  }
  [[nodiscard]] QGRAIN_HOST_DEVICE static constexpr index_t scale_bytes(shape2d shape) noexcept {
    return scale_count(shape) * static_cast<index_t>(sizeof(stored_scale));
  }
  /// Bits of the densest storage: codes at their width, all scales, the tensor's scale.
  [[nodiscard]] QGRAIN_HOST_DEVICE static constexpr index_t stored_bits(shape2d shape) noexcept {
    return shape.elements() * Format::bits + scale_count(shape) * Scale::bits + Scale::tensor_bits;
  }
};

}  // namespace qgrain

#endif
