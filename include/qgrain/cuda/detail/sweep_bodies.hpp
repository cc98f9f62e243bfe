// Kernel bodies over elements whose ranges or scales stand in memory.
#ifndef QGRAIN_CUDA_DETAIL_SWEEP_BODIES_HPP
#define QGRAIN_CUDA_DETAIL_SWEEP_BODIES_HPP

#include <qgrain/core/config.hpp>
#include <qgrain/core/matrix_view.hpp>
#include <qgrain/cuda/detail/group_bodies.hpp>
#include <qgrain/cuda/detail/lanes.hpp>
#include <qgrain/cuda/detail/maps.hpp>

namespace qgrain::detail {

// Which group an element of a sweep belongs to.
inline constexpr index_t whole_tensor = -1;  ///< as group size: one group
inline constexpr index_t whole_row = 0;      ///< as group size: one group per row

/// Row after row, groups being the tensor, rows, runs of `Size` elements of a row, or tiles of `Rows` such runs.
template <class Map, class Scales, index_t Size, index_t Rows = 1>
struct sweep_body {
  static constexpr int packs = 2;            // loads in flight per lane
  static constexpr int resident_blocks = 4;  // per multiprocessor, at least
  static constexpr int size = Map::size;
  static constexpr int least_lanes = 1;  // on a row
  using element = typename Map::element_type;
  using factors_type = typename element::factors_type;
  using shared_memory = no_shared_memory;

  Map map;
  matrix_view<const typename Map::source> in;
  matrix_view<typename Map::target> out;
  Scales scales;
  strip_walk walk;

  /// The lane that has the first element of a group keeps its scale.
  [[nodiscard]] QGRAIN_ELEMENTWISE factors_type factors_of(index_t group, bool first, float of_tensor) const {
    const auto stored = scales.of_group(group, of_tensor);
    if (first) scales.keep(group, stored);
    return element::factors(stored, of_tensor);
  }

  template <kernel_lane Lane>
  QGRAIN_HOST_DEVICE void operator()(const Lane& lane, shared_memory&) const {
    const index_t pack_step = index_t{walk.width()} * size;
    const float of_tensor = scales.of_tensor(lane);
    factors_type shared{};
    if constexpr (Size == whole_tensor) {
      const auto stored = scales.of_group(0, of_tensor);
      if (lane.block_x() == 0 && lane.block_y() == 0 && lane.thread() == 0) scales.keep(0, stored);
      shared = element::factors(stored, of_tensor);
    }
    walk.template for_each_strip<packs, size>(lane, [&](index_t row, index_t first) {
      const row_source<Map> x(in, row);
      const row_target<Map> y(out, row);
      source_pack<Map> values[packs];
      QGRAIN_UNROLLED
      for (int p = 0; p < packs; ++p) {
        const index_t col = first + p * pack_step;
        values[p] = x.load(col, in.shape.cols - col);
      }
      QGRAIN_UNROLLED
      for (int p = 0; p < packs; ++p) {
        const index_t col = first + p * pack_step;
        if (col >= in.shape.cols) continue;
        const index_t at = row * in.shape.cols + col;
        const index_t left = in.shape.cols - col;
        if constexpr (Size > 0 && Size % Map::size != 0) {
          const index_t first_group = row / Rows * ceil_div(in.shape.cols, Size);
          const auto factors_at = [&](int i) {  // missing elements take those of the last group
            const index_t at_col = col + smaller_of<index_t>(i, left - 1);
            const bool first_of_group = i < left && at_col % Size == 0 && row % Rows == 0;
            return factors_of(first_group + at_col / Size, first_of_group, of_tensor);
          };
          y.store(col, left, mapped(map, values[p], factors_at, at));
        } else {
          if constexpr (Size == whole_row) shared = factors_of(row, col == 0, of_tensor);
          if constexpr (Size > 0) {
            shared = factors_of(row / Rows * ceil_div(in.shape.cols, Size) + col / Size,
                                col % Size == 0 && row % Rows == 0, of_tensor);
          }
          y.store(col, left,
                  mapped(
                      map, values[p], [&](int) { return shared; }, at));
        }
      }
    });
  }
};

/// One group per column: a lane keeps the factors of its columns and goes down the rows. Lanes that the columns do not
/// need take other rows.
template <class Map, class Scales>
struct column_body {
  static constexpr int size = Map::size;
  static constexpr int rows_at_once = 4;     // loads in flight per lane
  static constexpr int resident_blocks = 4;  // per multiprocessor, at least
  using element = typename Map::element_type;
  using shared_memory = no_shared_memory;

  Map map;
  matrix_view<const typename Map::source> in;
  matrix_view<typename Map::target> out;
  Scales scales;
  column_walk walk;

  template <kernel_lane Lane>
  QGRAIN_HOST_DEVICE void operator()(const Lane& lane, shared_memory&) const {
    const shape2d shape = in.shape;
    const float of_tensor = scales.of_tensor(lane);
    const column_walk::part part = walk.part_of(lane, size, rows_at_once);
    for (index_t col = part.first_column; col < shape.cols; col += part.column_step) {
      typename element::factors_type factors[static_cast<unsigned>(size)] = {};
      QGRAIN_UNROLLED
      for (int i = 0; i < size; ++i) {
        if (col + i >= shape.cols) break;
        const auto stored = scales.of_group(col + i, of_tensor);
        if (part.first_row == 0) scales.keep(col + i, stored);
        factors[i] = element::factors(stored, of_tensor);
      }
      for (index_t row = part.first_row; row < shape.rows; row += part.row_step) {
        source_pack<Map> values[rows_at_once];
        QGRAIN_UNROLLED
        for (int r = 0; r < rows_at_once; ++r) {
          if (row + r >= shape.rows) break;
          values[r] = row_source<Map>(in, row + r).load(col, shape.cols - col);
        }
        QGRAIN_UNROLLED
        for (int r = 0; r < rows_at_once; ++r) {
          if (row + r >= shape.rows) break;
          row_target<Map>(out, row + r)
              .store(col, shape.cols - col,
                     mapped(
                         map, values[r], [&](int i) { return factors[i]; }, (row + r) * shape.cols + col));
        }
      }
    }
  }
};

}  // namespace qgrain::detail

#endif
