// Packed codes and scales with memory of their own.
#ifndef QGRAIN_QUANTIZER_PACKED_MATRIX_HPP
#define QGRAIN_QUANTIZER_PACKED_MATRIX_HPP

#include <qgrain/core/concepts.hpp>
#include <qgrain/core/matrix_view.hpp>
#include <qgrain/layout/layout.hpp>
#include <qgrain/quantizer/packed_view.hpp>
#include <qgrain/quantizer/packing.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace qgrain {

/// Owns the memory of a packed_view. Any shape that check_packed takes.
template <quantizer_type Q, layout_policy ScaleLayout = row_major>
struct packed_matrix {
  shape2d shape;
  std::vector<std::uint8_t> codes;
  std::vector<typename Q::stored_scale> scales;
  float tensor_scale = 1.0F;
  bit_order order = bit_order::low_first;

  packed_matrix() = default;
  explicit packed_matrix(shape2d extent, bit_order bits = bit_order::low_first)
      : shape(extent),
        codes(static_cast<std::size_t>(packed_view<Q, ScaleLayout>::code_bytes(extent))),
        scales(static_cast<std::size_t>(packed_view<Q, ScaleLayout>::scale_count(extent))),
        order(bits) {}

  /// Valid until this object is moved, changed in size or destroyed.
  [[nodiscard]] packed_view<Q, ScaleLayout> view() noexcept {
    return {codes.data(), scales.data(), &tensor_scale, shape, order};
  }
  [[nodiscard]] packed_view<const Q, ScaleLayout> view() const noexcept {
    return {codes.data(), scales.data(), &tensor_scale, shape, order};
  }
};

}  // namespace qgrain

#endif
