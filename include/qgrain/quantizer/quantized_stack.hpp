// Quantized matrices of one shape, one after the other in memory that somebody else owns.
#ifndef QGRAIN_QUANTIZER_QUANTIZED_STACK_HPP
#define QGRAIN_QUANTIZER_QUANTIZED_STACK_HPP

#include <qgrain/core/concepts.hpp>
#include <qgrain/core/config.hpp>
#include <qgrain/core/matrix_view.hpp>
#include <qgrain/core/tensor_shape.hpp>
#include <qgrain/layout/layout.hpp>
#include <qgrain/quantizer/packed_view.hpp>
#include <qgrain/quantizer/packing.hpp>
#include <qgrain/quantizer/quantized_view.hpp>

#include <concepts>
#include <cstdint>
#include <type_traits>

namespace qgrain {

/// extent.count quantized_views: codes of extent.count * Q::code_bytes(shape) bytes, scales of extent.count *
/// Q::scale_count(shape) entries, one tensor scale per matrix where there are two levels. Constness, lifetime as in
/// quantized_view.
template <quantizer_type Q>
struct quantized_stack_view {
  detail::as_const_as<Q, typename Q::code_type>* codes = nullptr;
  detail::as_const_as<Q, typename Q::stored_scale>* scales = nullptr;
  detail::as_const_as<Q, float>* tensor_scales = nullptr;
  matrix_stack extent;

  template <std::same_as<quantized_stack_view<const Q>> Read>
  requires(!std::is_const_v<Q>) QGRAIN_HOST_DEVICE constexpr operator Read() const noexcept {  // NOLINT: on purpose
    return {codes, scales, tensor_scales, extent};
  }
  [[nodiscard]] QGRAIN_HOST_DEVICE constexpr quantized_view<Q> operator[](index_t i) const noexcept {
    return {codes + i * extent.shape.elements(), scales + i * Q::scale_count(extent.shape),
            tensor_scales == nullptr ? nullptr : tensor_scales + i, extent.shape};
  }
};

/// extent.count packed_views: each matrix begins at a whole byte, and each has its scales in whole tiles of the layout.
template <quantizer_type Q, layout_policy ScaleLayout = row_major>
struct packed_stack_view {
  using matrix_type = packed_view<Q, ScaleLayout>;
  detail::as_const_as<Q, std::uint8_t>* codes = nullptr;
  detail::as_const_as<Q, typename Q::stored_scale>* scales = nullptr;
  detail::as_const_as<Q, float>* tensor_scales = nullptr;
  matrix_stack extent;
  bit_order order = bit_order::low_first;

  template <std::same_as<packed_stack_view<const Q, ScaleLayout>> Read>
  requires(!std::is_const_v<Q>) QGRAIN_HOST_DEVICE constexpr operator Read() const noexcept {  // NOLINT: on purpose
    return {codes, scales, tensor_scales, extent, order};
  }
  [[nodiscard]] QGRAIN_HOST_DEVICE constexpr matrix_type operator[](index_t i) const noexcept {
    return {codes + i * matrix_type::code_bytes(extent.shape), scales + i * matrix_type::scale_count(extent.shape),
            tensor_scales == nullptr ? nullptr : tensor_scales + i, extent.shape, order};
  }
};

}  // namespace qgrain

#endif
