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

/// Calls body(first row, rows) for chunks that depend on the shape alone. Chunks begin at rows of groups, unless one
/// row of groups covers the whole matrix.
template <class Body>
void for_each_row_chunk(thread_pool& pool, shape2d shape, shape2d group, const Body& body) {
  constexpr index_t chunk_elements = 1 << 16;
  const index_t unit = group.rows < shape.rows ? group.rows : 1;
  const index_t rows = std::max<index_t>(1, chunk_elements / (shape.cols * unit)) * unit;
  for_each_chunk(pool, shape.rows, rows, [&](index_t begin, index_t end) { body(begin, end - begin); });
}

/// What of the ranges is known before the element stage starts.
struct known_ranges {
  std::vector<float> found;
  range_view groups;  ///< [rows of groups, groups per row]; no data where groups lie within a row and find their own
  float tensor_scale = 1.0F;

  /// The part that belongs to a chunk of rows.
  [[nodiscard]] range_view from_row(index_t row, shape2d group) const noexcept {
    return groups.data == nullptr ? groups : range_view{groups.row(row / group.rows), groups.shape};
  }
};

/// Largest magnitudes of all groups of a shape, by rows and columns of groups.
template <class T>
[[nodiscard]] std::vector<float> absmax_of(thread_pool& pool, matrix_view<const T> in, shape2d group) {
  const shape2d extent{ceil_div(in.shape.rows, group.rows), ceil_div(in.shape.cols, group.cols)};
  std::vector<float> absmax(static_cast<std::size_t>(extent.elements()), 0.0F);
  const auto widen = [&](index_t row, index_t rows, float* into) {
    const float_rows<T> x(in.band(row, rows));
    widen_ranges(x.view(), {std::min(group.rows, rows), group.cols}, {into, {ceil_div(rows, group.rows), extent.cols}});
  };
  if (group.rows < in.shape.rows) {
    for_each_row_chunk(pool, in.shape, group, [&](index_t row, index_t rows) {
      widen(row, rows, absmax.data() + row / group.rows * extent.cols);
    });
    return absmax;
  }
  // Every chunk sees every group: each thread's part is merged afterwards, an exact maximum in any order.
  const index_t parts = std::min<index_t>(pool.threads(), in.shape.rows);
  const index_t rows_per_part = ceil_div(in.shape.rows, parts);
  std::vector<float> partial(static_cast<std::size_t>(parts * extent.cols), 0.0F);
  for_each_chunk(pool, in.shape.rows, rows_per_part, [&](index_t begin, index_t end) {
    widen(begin, end - begin, partial.data() + begin / rows_per_part * extent.cols);
  });
  widen_ranges({partial.data(), {parts, extent.cols}}, {parts, 1}, {absmax.data(), {1, extent.cols}});
  return absmax;
}

/// `tensor_scale` makes the tensor's scale from its largest magnitude; null for scales of one level.
template <class T>
[[nodiscard]] known_ranges ranges_before(thread_pool& pool, matrix_view<const T> in, shape2d group,
                                         const given_ranges& given, float (*tensor_scale)(float)) {
  known_ranges known;
  const shape2d extent{ceil_div(in.shape.rows, group.rows), ceil_div(in.shape.cols, group.cols)};
  if (!given.absmax.empty()) {
    known.groups = {given.absmax.data(), extent};
  } else if (group.rows > 1) {
    known.found = absmax_of(pool, in, group);
    known.groups = {known.found.data(), extent};
  }
  if (tensor_scale != nullptr) {
    known.tensor_scale =
        tensor_scale(given.tensor_absmax ? *given.tensor_absmax : absmax_of(pool, in, in.shape).front());
  }
  return known;
}

}  // namespace qgrain::detail

#endif
