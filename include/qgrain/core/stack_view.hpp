// Matrices of one shape at equal distances in memory: batches, heads, experts.
#ifndef QGRAIN_CORE_STACK_VIEW_HPP
#define QGRAIN_CORE_STACK_VIEW_HPP

#include <qgrain/core/config.hpp>
#include <qgrain/core/matrix_view.hpp>
#include <qgrain/core/tensor_shape.hpp>

#include <concepts>
#include <type_traits>

namespace qgrain {

/// extent.count matrices of extent.shape that somebody else owns; matrix i begins at data + i * stride, its rows are
/// leading_dimension elements apart. Both distances may be any that suit the memory: the heads of [tokens, heads, dim]
/// are a stack with stride dim and leading dimension heads * dim. Matrices that are written must not overlap. Trivially
/// copyable; the memory must outlive every use.
template <class T>
struct stack_view {
  T* data = nullptr;
  matrix_stack extent;
  index_t leading_dimension = 0;
  index_t stride = 0;

  constexpr stack_view() = default;
  /// Dense: what as_matrices makes of a tensor. The extent is named, `matrix_stack{8, {24, 64}}`: bare braces would
  /// make a matrix_view as well.
  template <std::same_as<matrix_stack> Extent>
  QGRAIN_HOST_DEVICE constexpr stack_view(T* first, Extent matrices) noexcept
      : stack_view(first, matrices, matrices.shape.cols, matrices.shape.elements()) {}
  template <std::same_as<matrix_stack> Extent>
  QGRAIN_HOST_DEVICE constexpr stack_view(T* first, Extent matrices, index_t between_rows,
                                          index_t between_matrices) noexcept
      : data(first), extent(matrices), leading_dimension(between_rows), stride(between_matrices) {}

  /// A view to modify is also a view to read.
  template <class U>
  requires std::same_as<const U, T> &&(!std::is_const_v<U>)QGRAIN_HOST_DEVICE
      constexpr stack_view(stack_view<U> other) noexcept  // NOLINT: implicit on purpose
      : data(other.data), extent(other.extent), leading_dimension(other.leading_dimension), stride(other.stride) {}

  [[nodiscard]] QGRAIN_HOST_DEVICE constexpr matrix_view<T> operator[](index_t i) const noexcept {
    return {data + i * stride, extent.shape, leading_dimension};
  }
};

}  // namespace qgrain

#endif
