// Packed codes and their scales that somebody else owns; to be read element by element, in kernels too.
#ifndef QGRAIN_QUANTIZER_PACKED_VIEW_HPP
#define QGRAIN_QUANTIZER_PACKED_VIEW_HPP

#include <qgrain/core/concepts.hpp>
#include <qgrain/core/config.hpp>
#include <qgrain/core/matrix_view.hpp>
#include <qgrain/core/status.hpp>
#include <qgrain/layout/layout.hpp>
#include <qgrain/quantizer/packing.hpp>

#include <concepts>
#include <cstdint>
#include <type_traits>

namespace qgrain {

/// Whether rows of a shape begin at whole bytes, as packed rows have to: columns are a multiple of 8, 4 or 2 for codes
/// of an odd number of bits, of 2 or 6, of 4; wanted() is that multiple. What Q::check refuses is refused too.
template <quantizer_type Q>
[[nodiscard]] QGRAIN_HOST_DEVICE constexpr status check_packed(shape2d shape) noexcept {
  constexpr int bits = Q::format_type::bits;
  constexpr index_t codes = bits % 8 == 0 ? 1 : bits % 4 == 0 ? 2 : bits % 2 == 0 ? 4 : 8;
  const status verdict = Q::check(shape);
  if (!verdict) return verdict;
  if (shape.cols % codes != 0) return status(errc::invalid_shape, codes, shape.cols);
  return {};
}

/// Codes without gaps and scales in any layout.
///
/// codes: code_bytes(shape) bytes as `pack_codes` makes them of a whole matrix, row after row; check_packed takes the
/// shape. scales: scale_count(shape) entries, the groups' scales by rows and columns of groups in the order of
/// `ScaleLayout` (row_major, transposed, scale_tiles_128x4, any layout_policy), its padding included. tensor_scale: one
/// float, null where the scale has one level. Trivially copyable; the memory must outlive every use. `packed_view<const
/// Q>` only reads; a view to modify converts to it.
template <quantizer_type Q, layout_policy ScaleLayout = row_major>
struct packed_view {
  static_assert(Q::format_type::bits >= 1 && Q::format_type::bits <= 8,
                "qgrain::packed_view: codes of 1 to 8 bits can be packed; use quantized_view for others");
  detail::as_const_as<Q, std::uint8_t>* codes = nullptr;
  detail::as_const_as<Q, typename Q::stored_scale>* scales = nullptr;
  detail::as_const_as<Q, float>* tensor_scale = nullptr;
  shape2d shape;
  bit_order order = bit_order::low_first;

  template <std::same_as<packed_view<const Q, ScaleLayout>> Read>
  requires(!std::is_const_v<Q>) QGRAIN_HOST_DEVICE constexpr operator Read() const noexcept {  // NOLINT: on purpose
    return {codes, scales, tensor_scale, shape, order};
  }

  [[nodiscard]] QGRAIN_HOST_DEVICE static constexpr index_t code_bytes(shape2d shape) noexcept {
    return packed_bytes(shape.elements(), Q::format_type::bits);
  }
  [[nodiscard]] QGRAIN_HOST_DEVICE static constexpr index_t scale_count(shape2d shape) noexcept {
    return layout_size<ScaleLayout>(Q::scale_shape(shape));
  }
  /// Where the scale of an element lies.
  [[nodiscard]] QGRAIN_HOST_DEVICE constexpr index_t scale_index(index_t row, index_t col) const noexcept {
    const shape2d group = Q::granularity_type::group_shape(shape);
    return ScaleLayout::index(Q::scale_shape(shape), {row / group.rows, col / group.cols});
  }

  /// The value of one element.
  [[nodiscard]] QGRAIN_HOST_DEVICE float operator()(index_t row, index_t col) const noexcept {
    const float tensor = tensor_scale == nullptr ? 1.0F : *tensor_scale;
    const auto code = packed_code<typename Q::code_type>(codes, row * shape.cols + col, Q::format_type::bits, order);
    return Q::decode(code, Q::factors(scales[scale_index(row, col)], tensor));
  }
};

}  // namespace qgrain

#endif
