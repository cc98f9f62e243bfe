// Indices, shapes and non-owning matrices.
#ifndef QGRAIN_CORE_MATRIX_VIEW_HPP
#define QGRAIN_CORE_MATRIX_VIEW_HPP

#include <qgrain/core/config.hpp>

#include <concepts>
#include <cstdint>
#include <type_traits>

namespace qgrain {

/// Counts and indices of elements: signed, 64 bits.
using index_t = std::int64_t;

/// count / size, rounded up; size > 0, count >= 0.
[[nodiscard]] QGRAIN_HOST_DEVICE constexpr index_t ceil_div(index_t count, index_t size) noexcept {
  return (count + size - 1) / size;
}

/// Most elements of a matrix: the bytes of any element type still fit index_t.
inline constexpr index_t max_matrix_elements = (index_t{1} << 57) - 1;

/// Rows and columns of a matrix or of one of its blocks.
struct shape2d {
  index_t rows = 0;
  index_t cols = 0;

  [[nodiscard]] QGRAIN_HOST_DEVICE constexpr index_t elements() const noexcept { return rows * cols; }
  friend constexpr bool operator==(const shape2d&, const shape2d&) = default;
};

/// A row-major matrix that somebody else owns. `leading_dimension` is the distance between rows in elements. `data` has
/// the alignment of T; no operation asks for more. Trivially copyable; the memory must outlive every use.
template <class T>
struct matrix_view {
  T* data = nullptr;
  shape2d shape;
  index_t leading_dimension = 0;

  constexpr matrix_view() = default;
  QGRAIN_HOST_DEVICE constexpr matrix_view(T* first, shape2d extent) noexcept
      : matrix_view(first, extent, extent.cols) {}
  QGRAIN_HOST_DEVICE constexpr matrix_view(T* first, shape2d extent, index_t stride) noexcept
      : data(first), shape(extent), leading_dimension(stride) {}

  /// A view to modify is also a view to read.
  template <class U>
  requires std::same_as<const U, T> &&(!std::is_const_v<U>)QGRAIN_HOST_DEVICE
      constexpr matrix_view(matrix_view<U> other) noexcept  // NOLINT: implicit on purpose
      : data(other.data), shape(other.shape), leading_dimension(other.leading_dimension) {}

  [[nodiscard]] QGRAIN_HOST_DEVICE constexpr T* row(index_t r) const noexcept { return data + r * leading_dimension; }
  [[nodiscard]] QGRAIN_HOST_DEVICE constexpr T& operator()(index_t r, index_t c) const noexcept { return row(r)[c]; }

  /// Rows [first, first + count), all columns.
  [[nodiscard]] QGRAIN_HOST_DEVICE constexpr matrix_view band(index_t first, index_t count) const noexcept {
    return {row(first), {count, shape.cols}, leading_dimension};
  }
};

namespace detail {

/// T, const where Whole is.
template <class Whole, class T>
using as_const_as = std::conditional_t<std::is_const_v<Whole>, const T, T>;

}  // namespace detail

}  // namespace qgrain

#endif
