// What the bulk operations share: chunks of rows for the threads, ranges known beforehand.
#ifndef QGRAIN_HOST_DETAIL_ROW_CHUNKS_HPP
#define QGRAIN_HOST_DETAIL_ROW_CHUNKS_HPP

#include <qgrain/core/bits.hpp>
#include <qgrain/core/matrix_view.hpp>
#include <qgrain/host/detail/blocks.hpp>
#include <qgrain/host/detail/pieces.hpp>
#include <qgrain/host/given_ranges.hpp>
#include <qgrain/host/task_runner.hpp>

#include <cstddef>
#include <type_traits>
#include <vector>

namespace qgrain::detail {

/// Rows of a chunk, from the shape alone. Chunks begin at rows of groups, unless one row of groups covers the whole
/// matrix. `least_group_elements`: a chunk has that many elements of each group, or the whole group.
[[nodiscard]] constexpr index_t chunk_rows(shape2d shape, shape2d group, index_t least_group_elements = 1) noexcept {
  constexpr index_t chunk_elements = 1 << 16;
  const index_t unit = group.rows < shape.rows ? group.rows : 1;
  const index_t rows = larger_of<index_t>(1, chunk_elements / (shape.cols * unit)) * unit;
  const index_t least = ceil_div(least_group_elements, smaller_of(group.cols, shape.cols));
  return unit == 1 ? larger_of(rows, smaller_of(least, group.rows)) : rows;
}

/// Whether a group is all of a matrix.
[[nodiscard]] constexpr bool is_whole(shape2d shape, shape2d group) noexcept {
  return group.rows >= shape.rows && group.cols >= shape.cols;
}
/// How many rows of a matrix without gaps count as one, as groups end with each row or are all of it: short rows would
/// cost a call per stage each, of which none could begin before the one before had ended. `most_elements`: as much as
/// leaves room in the first cache.
[[nodiscard]] constexpr index_t rows_as_one(shape2d shape, shape2d group, bool is_apart,
                                            index_t most_elements = 4096) noexcept {
  if (is_apart || shape.rows < 2) return 1;
  if (!is_whole(shape, group) && (group.rows != 1 || shape.cols % group.cols != 0)) return 1;
  index_t rows = 1;
  while (shape.rows % (2 * rows) == 0 && 2 * rows * shape.cols <= most_elements) rows *= 2;
  return rows;
}
/// The shape of groups of a matrix whose rows have been counted so.
[[nodiscard]] constexpr shape2d folded_group(shape2d shape, shape2d group, index_t rows) noexcept {
  return is_whole(shape, group) ? shape2d{shape.rows / rows, shape.cols * rows} : group;
}
template <class T>
[[nodiscard]] constexpr matrix_view<T> folded(matrix_view<T> matrix, index_t rows) noexcept {
  return {matrix.data, {matrix.shape.rows / rows, matrix.shape.cols * rows}, matrix.leading_dimension * rows};
}
template <class T>
[[nodiscard]] constexpr bool has_gaps(matrix_view<T> matrix) noexcept {
  return matrix.leading_dimension != matrix.shape.cols;
}

/// Calls body(first row, rows) for each chunk.
template <class Body>
void for_each_row_chunk(task_runner& runner, index_t rows, index_t rows_per_chunk, const Body& body) {
  for_each_chunk(runner, rows, rows_per_chunk, [&](index_t begin, index_t end) { body(begin, end - begin); });
}
template <class Body>
void for_each_row_chunk(task_runner& runner, shape2d shape, shape2d group, const Body& body) {
  for_each_row_chunk(runner, shape.rows, chunk_rows(shape, group), body);
}

/// What of the ranges is known before the element stage starts.
template <class Range>
struct known_ranges {
  std::vector<Range> found;
  ranges_view<Range>
      groups;  ///< [rows of groups, groups per row]; no data where groups lie within a row and find their own
  float tensor_scale = 1.0F;

  /// The ranges of the groups of a block in the chunk that begins at a row; found now, in `room`, where groups lie
  /// within a row.
  template <class Source>
  [[nodiscard]] const Range* of_block(const Source& in, index_t row, shape2d group, const block& b,
                                      Range* room) const noexcept {
    if (groups.data != nullptr) return groups.row(row / group.rows + b.group_row) + b.group_col;
    const index_t count = ceil_div(b.shape.cols, group.cols);
    for (index_t i = 0; i < count; ++i) room[i] = Range{};
    widen_block(in, row, b, group.cols, room);
    return room;
  }
};

/// Ranges of all groups of a shape, by rows and columns of groups.
template <class Range, class T>
[[nodiscard]] std::vector<Range> ranges_of(task_runner& runner, matrix_view<const T> whole, shape2d whole_group) {
  const index_t fold = rows_as_one(whole.shape, whole_group, has_gaps(whole));
  const matrix_view<const T> in = folded(whole, fold);
  const shape2d group = folded_group(whole.shape, whole_group, fold);
  const shape2d extent{ceil_div(in.shape.rows, group.rows), ceil_div(in.shape.cols, group.cols)};
  std::vector<Range> ranges(static_cast<std::size_t>(extent.elements()));
  const auto widen = [&](index_t row, index_t rows, Range* into) {
    for_each_block({rows, in.shape.cols}, {smaller_of(group.rows, rows), group.cols}, [&](const block& b) {
      widen_block(float_source<T>{in}, row, b, group.cols, into + b.group_row * extent.cols + b.group_col);
    });
  };
  if (group.rows < in.shape.rows) {
    for_each_row_chunk(runner, in.shape, group, [&](index_t row, index_t rows) {
      widen(row, rows, ranges.data() + row / group.rows * extent.cols);
    });
    return ranges;
  }
  // Every chunk sees every group: each thread's part is merged afterwards, an exact maximum in any order.
  const index_t parts = smaller_of(larger_of<index_t>(runner.threads(), 1), in.shape.rows);
  const index_t rows_per_part = ceil_div(in.shape.rows, parts);
  std::vector<Range> partial(static_cast<std::size_t>(parts * extent.cols));
  for_each_chunk(runner, in.shape.rows, rows_per_part, [&](index_t begin, index_t end) {
    widen(begin, end - begin, partial.data() + begin / rows_per_part * extent.cols);
  });
  for (std::size_t i = 0; i < partial.size(); ++i) {
    Range& range = ranges[i % ranges.size()];
    range = widened(range, partial[i]);
  }
  return ranges;
}

/// The tensor's scale: given, or made by `tensor_scale` of its largest magnitude, which may be given too. 1 for scales
/// of one level, where the function is null.
template <class T>
[[nodiscard]] float tensor_scale_from(task_runner& runner, matrix_view<const T> in, const given_ranges& given,
                                      float (*tensor_scale)(float)) {
  if (given.tensor_scale) return *given.tensor_scale;
  if (tensor_scale == nullptr) return 1.0F;
  return tensor_scale(given.tensor_absmax ? *given.tensor_absmax : ranges_of<float>(runner, in, in.shape).front());
}

/// `tensor_scale` as above.
template <class Range, class T>
[[nodiscard]] known_ranges<Range> ranges_before(task_runner& runner, matrix_view<const T> in, shape2d group,
                                                const given_ranges& given, float (*tensor_scale)(float)) {
  known_ranges<Range> known;
  const shape2d extent{ceil_div(in.shape.rows, group.rows), ceil_div(in.shape.cols, group.cols)};
  if constexpr (std::is_same_v<Range, float>) {
    if (!given.absmax.empty()) known.groups = {given.absmax.data(), extent};
  } else if constexpr (std::is_same_v<Range, signed_range>) {
    if (!given.ends.empty()) known.groups = {given.ends.data(), extent};
  }
  if (known.groups.data == nullptr && group.rows > 1) {
    known.found = ranges_of<Range>(runner, in, group);
    known.groups = {known.found.data(), extent};
  }
  known.tensor_scale = tensor_scale_from(runner, in, given, tensor_scale);
  return known;
}

}  // namespace qgrain::detail

#endif
