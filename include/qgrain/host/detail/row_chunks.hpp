// What the bulk operations share: chunks of rows for the threads, ranges known beforehand, 16-bit elements.
#ifndef QGRAIN_HOST_DETAIL_ROW_CHUNKS_HPP
#define QGRAIN_HOST_DETAIL_ROW_CHUNKS_HPP

#include <qgrain/core/half.hpp>
#include <qgrain/core/matrix_view.hpp>
#include <qgrain/host/detail/blocks.hpp>
#include <qgrain/host/given_ranges.hpp>
#include <qgrain/host/parallel.hpp>

#include <algorithm>
#include <cstddef>
#include <type_traits>
#include <vector>

namespace qgrain::detail {

/// Elements of the input as floats: the memory itself, or a widened copy of some rows.
template <class T>
class float_rows {
 public:
  explicit float_rows(matrix_view<const T> rows) {
    if constexpr (std::is_same_v<T, float>) {
      view_ = rows;
    } else {
      widened_.resize(static_cast<std::size_t>(rows.shape.elements()));
      for (index_t r = 0; r < rows.shape.rows; ++r) {
        std::transform(rows.row(r), rows.row(r) + rows.shape.cols, widened_.data() + r * rows.shape.cols,
                       [](T x) { return to_float(x); });
      }
      view_ = {widened_.data(), rows.shape};
    }
  }
  [[nodiscard]] matrix_view<const float> view() const noexcept { return view_; }

 private:
  std::vector<float> widened_;
  matrix_view<const float> view_;
};

/// Rows of the output as floats: the memory itself, or scratch that `store` rounds into it.
template <class T>
class float_sink {
 public:
  explicit float_sink(matrix_view<T> rows) : rows_(rows) {
    if constexpr (std::is_same_v<T, float>) {
      view_ = rows;
    } else {
      wide_.resize(static_cast<std::size_t>(rows.shape.elements()));
      view_ = {wide_.data(), rows.shape};
    }
  }
  [[nodiscard]] matrix_view<float> view() const noexcept { return view_; }
  void store() const {
    if constexpr (!std::is_same_v<T, float>) {
      for (index_t r = 0; r < rows_.shape.rows; ++r) {
        std::transform(view_.row(r), view_.row(r) + rows_.shape.cols, rows_.row(r),
                       [](float y) { return from_float<T>(y); });
      }
    }
  }

 private:
  matrix_view<T> rows_;
  std::vector<float> wide_;
  matrix_view<float> view_;
};

/// Rows of a chunk, from the shape alone. Chunks begin at rows of groups, unless one row of groups covers the whole
/// matrix. `least_group_elements`: a chunk has that many elements of each group, or the whole group.
[[nodiscard]] constexpr index_t chunk_rows(shape2d shape, shape2d group, index_t least_group_elements = 1) noexcept {
  constexpr index_t chunk_elements = 1 << 16;
  const index_t unit = group.rows < shape.rows ? group.rows : 1;
  const index_t rows = std::max<index_t>(1, chunk_elements / (shape.cols * unit)) * unit;
  const index_t least = ceil_div(least_group_elements, std::min(group.cols, shape.cols));
  return unit == 1 ? std::max(rows, std::min(least, group.rows)) : rows;
}

/// Calls body(first row, rows) for each chunk.
template <class Body>
void for_each_row_chunk(thread_pool& pool, index_t rows, index_t rows_per_chunk, const Body& body) {
  for_each_chunk(pool, rows, rows_per_chunk, [&](index_t begin, index_t end) { body(begin, end - begin); });
}
template <class Body>
void for_each_row_chunk(thread_pool& pool, shape2d shape, shape2d group, const Body& body) {
  for_each_row_chunk(pool, shape.rows, chunk_rows(shape, group), body);
}

/// What of the ranges is known before the element stage starts.
template <class Range>
struct known_ranges {
  std::vector<Range> found;
  ranges_view<Range>
      groups;  ///< [rows of groups, groups per row]; no data where groups lie within a row and find their own
  float tensor_scale = 1.0F;

  /// The part that belongs to a chunk of rows.
  [[nodiscard]] ranges_view<Range> from_row(index_t row, shape2d group) const noexcept {
    return groups.data == nullptr ? groups : ranges_view<Range>{groups.row(row / group.rows), groups.shape};
  }
};

/// Ranges of all groups of a shape, by rows and columns of groups.
template <class Range, class T>
[[nodiscard]] std::vector<Range> ranges_of(thread_pool& pool, matrix_view<const T> in, shape2d group) {
  const shape2d extent{ceil_div(in.shape.rows, group.rows), ceil_div(in.shape.cols, group.cols)};
  std::vector<Range> ranges(static_cast<std::size_t>(extent.elements()));
  const auto widen = [&](index_t row, index_t rows, Range* into) {
    const float_rows<T> x(in.band(row, rows));
    widen_ranges(x.view(), {std::min(group.rows, rows), group.cols},
                 matrix_view<Range>{into, {ceil_div(rows, group.rows), extent.cols}});
  };
  if (group.rows < in.shape.rows) {
    for_each_row_chunk(pool, in.shape, group, [&](index_t row, index_t rows) {
      widen(row, rows, ranges.data() + row / group.rows * extent.cols);
    });
    return ranges;
  }
  // Every chunk sees every group: each thread's part is merged afterwards, an exact maximum in any order.
  const index_t parts = std::min<index_t>(pool.threads(), in.shape.rows);
  const index_t rows_per_part = ceil_div(in.shape.rows, parts);
  std::vector<Range> partial(static_cast<std::size_t>(parts * extent.cols));
  for_each_chunk(pool, in.shape.rows, rows_per_part, [&](index_t begin, index_t end) {
    widen(begin, end - begin, partial.data() + begin / rows_per_part * extent.cols);
  });
  for (std::size_t i = 0; i < partial.size(); ++i) {
    Range& range = ranges[i % ranges.size()];
    range = widened(range, partial[i]);
  }
  return ranges;
}

/// `tensor_scale` makes the tensor's scale from its largest magnitude; null for scales of one level.
template <class Range, class T>
[[nodiscard]] known_ranges<Range> ranges_before(thread_pool& pool, matrix_view<const T> in, shape2d group,
                                                const given_ranges& given, float (*tensor_scale)(float)) {
  known_ranges<Range> known;
  const shape2d extent{ceil_div(in.shape.rows, group.rows), ceil_div(in.shape.cols, group.cols)};
  if constexpr (std::is_same_v<Range, float>) {
    if (!given.absmax.empty()) known.groups = {given.absmax.data(), extent};
  }
  if (known.groups.data == nullptr && group.rows > 1) {
    known.found = ranges_of<Range>(pool, in, group);
    known.groups = {known.found.data(), extent};
  }
  if (tensor_scale != nullptr) {
    known.tensor_scale =
        tensor_scale(given.tensor_absmax ? *given.tensor_absmax : ranges_of<float>(pool, in, in.shape).front());
  }
  return known;
}

}  // namespace qgrain::detail

#endif
