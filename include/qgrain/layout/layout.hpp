// What a layout is: a one-to-one map from the cells of a matrix to positions in memory, and how matrices go through it.
#ifndef QGRAIN_LAYOUT_LAYOUT_HPP
#define QGRAIN_LAYOUT_LAYOUT_HPP

#include <qgrain/core/config.hpp>
#include <qgrain/core/matrix_view.hpp>
#include <qgrain/core/status.hpp>

#include <concepts>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace qgrain {

/// One place of a matrix.
struct matrix_cell {
  index_t row = 0;
  index_t col = 0;
  friend constexpr bool operator==(const matrix_cell&, const matrix_cell&) = default;
};

/// A reordering of matrix cells. `padded(shape)` is the least shape of whole tiles that covers `shape`; `index` is one
/// to one from the cells of padded(shape) onto [0, padded(shape).elements()) and `cell` is the way back. A position
/// whose cell lies outside of `shape` is padding. All three can run in kernels; they look at nothing but numbers.
template <class L>
concept layout_policy = requires(shape2d shape, matrix_cell place, index_t position) {
  { L::name() } -> std::convertible_to<std::string_view>;
  { L::padded(shape) } -> std::same_as<shape2d>;
  { L::index(shape, place) } -> std::same_as<index_t>;
  { L::cell(shape, position) } -> std::same_as<matrix_cell>;
};

/// The shape as it is: row by row.
struct row_major {
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "row_major"; }
  [[nodiscard]] QGRAIN_HOST_DEVICE static constexpr shape2d padded(shape2d shape) noexcept { return shape; }
  [[nodiscard]] QGRAIN_HOST_DEVICE static constexpr index_t index(shape2d shape, matrix_cell at) noexcept {
    return at.row * shape.cols + at.col;
  }
  [[nodiscard]] QGRAIN_HOST_DEVICE static constexpr matrix_cell cell(shape2d shape, index_t position) noexcept {
    return {position / shape.cols, position % shape.cols};
  }
};

/// Column by column: scales as kernels take them that want those of neighbouring rows side by side.
struct transposed {
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "transposed"; }
  [[nodiscard]] QGRAIN_HOST_DEVICE static constexpr shape2d padded(shape2d shape) noexcept { return shape; }
  [[nodiscard]] QGRAIN_HOST_DEVICE static constexpr index_t index(shape2d shape, matrix_cell at) noexcept {
    return at.col * shape.rows + at.row;
  }
  [[nodiscard]] QGRAIN_HOST_DEVICE static constexpr matrix_cell cell(shape2d shape, index_t position) noexcept {
    return {position % shape.rows, position / shape.rows};
  }
};

/// Positions of a layout, padding included.
template <layout_policy L>
[[nodiscard]] QGRAIN_HOST_DEVICE constexpr index_t layout_size(shape2d shape) noexcept {
  return L::padded(shape).elements();
}

/// Whether a cell is one of the matrix, and none of the padding around it.
[[nodiscard]] QGRAIN_HOST_DEVICE constexpr bool lies_in(shape2d shape, matrix_cell at) noexcept {
  return at.row < shape.rows && at.col < shape.cols;
}

/// Whether the map is one to one for this shape: every cell of the padded shape has a position in range, and the
/// position leads back to it. As there are as many positions as cells, that is all. wanted() and found() are the first
/// cell's number, row by row, and the number that came back.
template <layout_policy L>
[[nodiscard]] constexpr status check_layout(shape2d shape) noexcept {
  const shape2d whole = L::padded(shape);
  if (whole.rows < shape.rows) return status(errc::invalid_shape, shape.rows, whole.rows);
  if (whole.cols < shape.cols) return status(errc::invalid_shape, shape.cols, whole.cols);
  for (index_t r = 0; r < whole.rows; ++r) {
    for (index_t c = 0; c < whole.cols; ++c) {
      const index_t position = L::index(shape, {r, c});
      if (position < 0 || position >= whole.elements()) {
        return status(errc::out_of_range, whole.elements(), position);
      }
      const matrix_cell back = L::cell(shape, position);
      if (back != matrix_cell{r, c}) {
        return status(errc::invalid_argument, r * whole.cols + c, back.row * whole.cols + back.col);
      }
    }
  }
  return {};
}

namespace detail {

template <layout_policy L>
void require_layout_size(shape2d shape, std::size_t found) {
  if (shape.rows < 0 || shape.cols < 0) {
    qgrain::detail::raise(errc::invalid_shape, std::string(L::name()) + ": a matrix of " + std::to_string(shape.rows) +
                                                   " x " + std::to_string(shape.cols) + " does not exist");
  }
  const index_t wanted = layout_size<L>(shape);
  if (static_cast<index_t>(found) == wanted) return;
  qgrain::detail::raise(errc::invalid_shape, std::string(L::name()) + " of a " + std::to_string(shape.rows) + " x " +
                                                 std::to_string(shape.cols) + " matrix has " + std::to_string(wanted) +
                                                 " positions, the buffer has " + std::to_string(found));
}

}  // namespace detail

/// Brings a matrix into a layout. in: [rows, cols], any leading dimension; out: layout_size<L>(shape) positions, all
/// written, padding with `padding`. One pass over the output; `out` must not overlap `in`.
/// @throws error errc::invalid_shape where the buffer has another size; nothing has been written then
template <layout_policy L, class T>
void to_layout(std::type_identity_t<matrix_view<const T>> in, std::span<T> out, std::type_identity_t<T> padding = T{}) {
  detail::require_layout_size<L>(in.shape, out.size());
  for (std::size_t i = 0; i < out.size(); ++i) {
    const matrix_cell at = L::cell(in.shape, static_cast<index_t>(i));
    out[i] = lies_in(in.shape, at) ? in(at.row, at.col) : padding;
  }
}

/// The way back; padding is not looked at. in: layout_size<L>(shape) positions; out: [rows, cols], any leading
/// dimension.
/// @throws error errc::invalid_shape where the buffer has another size; nothing has been written then
template <layout_policy L, class T>
void from_layout(std::type_identity_t<std::span<const T>> in, matrix_view<T> out) {
  detail::require_layout_size<L>(out.shape, in.size());
  for (index_t r = 0; r < out.shape.rows; ++r) {
    for (index_t c = 0; c < out.shape.cols; ++c) out(r, c) = in[static_cast<std::size_t>(L::index(out.shape, {r, c}))];
  }
}

}  // namespace qgrain

#endif
