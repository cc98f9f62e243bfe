// Cuts matrices into the blocks that the kernels take, and ties the range stage to the element stage.
#ifndef QGRAIN_HOST_DETAIL_BLOCKS_HPP
#define QGRAIN_HOST_DETAIL_BLOCKS_HPP

#include <qgrain/core/bits.hpp>
#include <qgrain/core/matrix_view.hpp>
#include <qgrain/host/detail/block_kernels.hpp>
#include <qgrain/host/run_widest.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

namespace qgrain::detail {

/// Some rows of one row of groups, at most max_block_groups of them unless told.
struct block {
  index_t row = 0;
  index_t col = 0;
  shape2d shape;
  index_t group_row = 0;  ///< row of groups, counted from the top of the band
  index_t group_col = 0;  ///< first group in that row
};

/// Calls body(block) for all blocks of a band whose groups have the given shape, row of groups by row of groups.
template <class Body>
void for_each_block(shape2d band, shape2d group, const Body& body, index_t most_groups = max_block_groups) {
  const index_t width = group.cols * most_groups;
  for (index_t row = 0, group_row = 0; row < band.rows; row += group.rows, ++group_row) {
    const index_t rows = smaller_of(group.rows, band.rows - row);
    for (index_t col = 0, group_col = 0; col < band.cols; col += width, group_col += most_groups) {
      body(block{row, col, {rows, smaller_of(width, band.cols - col)}, group_row, group_col});
    }
  }
}

template <class T>
[[nodiscard]] matrix_view<T> part(matrix_view<T> whole, const block& b) noexcept {
  return {whole.row(b.row) + b.col, b.shape, whole.leading_dimension};
}

/// Ranges by rows and columns of groups; no data means that each block finds its own.
template <class Range>
using ranges_view = matrix_view<const Range>;
using range_view = ranges_view<float>;

/// Widens ranges, [rows of groups in the band, groups per row], by the elements of a band.
template <class Range>
void widen_ranges(matrix_view<const float> in, shape2d group, matrix_view<Range> ranges) {
  for_each_block(in.shape, group, [&](const block& b) {
    run_widest<range_block<Range>>(part(in, b), group.cols, ranges.row(b.group_row) + b.group_col);
  });
}

/// Calls body(block, ranges of the block's groups), the ranges given or found.
template <class Range, class Body>
void for_each_ranged_block(matrix_view<const float> in, shape2d group, matrix_view<const Range> given,
                           const Body& body) {
  std::array<Range, static_cast<std::size_t>(max_block_groups)> found;
  for_each_block(in.shape, group, [&](const block& b) {
    if (given.data != nullptr) return body(b, given.row(b.group_row) + b.group_col);
    const auto groups = static_cast<std::size_t>(ceil_div(b.shape.cols, group.cols));
    for (std::size_t i = 0; i < groups; ++i) found[i] = Range{};
    run_widest<range_block<Range>>(part(in, b), group.cols, found.data());
    body(b, static_cast<const Range*>(found.data()));
  });
}

/// Whether a rounding treats all elements alike: the function that it gives for an element has no state.
template <class Rounding>
inline constexpr bool rounds_alike = std::is_empty_v<decltype(std::declval<const Rounding&>().at(std::uint64_t{}))>;

/// The loop of an element stage, as a function that run-time recipes can point to.
template <class Element>
void fake_quantize_block(matrix_view<const float> in, matrix_view<float> out, index_t group_cols,
                         const typename Element::range_type* ranges, float tensor_scale, block_place place) {
  static_assert(rounds_alike<typename Element::rounding_type>,
                "qgrain::element_stage: a rounding that differs by element, such as stochastic, needs a seed, which "
                "run-time recipes do not carry; call fake_quantize<Q>(where, in, out, ranges, rounding)");
  run_widest<fake_block<Element>>(in, out, group_cols, ranges, tensor_scale, place);
}
template <class Range>
using ranged_block_function = void (*)(matrix_view<const float>, matrix_view<float>, index_t, const Range*, float,
                                       block_place);
using fake_block_function = ranged_block_function<float>;

/// Fake quantization of a band. Groups start at the band's first row.
template <class Range>
void fake_quantize_band(ranged_block_function<Range> element_stage, matrix_view<const float> in, matrix_view<float> out,
                        shape2d group, matrix_view<const Range> given, float tensor_scale) {
  for_each_ranged_block(in, group, given, [&](const block& b, const Range* ranges) {
    element_stage(part(in, b), part(out, b), group.cols, ranges, tensor_scale, block_place{});
  });
}

}  // namespace qgrain::detail

#endif
