// Kernel bodies that find ranges which no single block sees: of a tensor, of its columns and of tiles. They widen words
// in memory that starts as zeros; the result does not depend on the order.
#ifndef QGRAIN_CUDA_DETAIL_RANGE_BODIES_HPP
#define QGRAIN_CUDA_DETAIL_RANGE_BODIES_HPP

#include <qgrain/core/config.hpp>
#include <qgrain/core/half.hpp>
#include <qgrain/core/matrix_view.hpp>
#include <qgrain/cuda/detail/group_bodies.hpp>
#include <qgrain/cuda/detail/lanes.hpp>

#include <cstdint>

namespace qgrain::detail {

template <class Range, storage_element T>
struct tensor_range_body {
  static constexpr int size = pack_size<T>;
  static constexpr int packs = 4;            // loads in flight per lane
  static constexpr int resident_blocks = 4;  // per multiprocessor, at least
  static constexpr int least_lanes = 1;      // on a row
  struct shared_memory {
    Range of_warp[block_warps];
  };

  matrix_view<const T> in;
  std::int32_t* words;
  strip_walk walk;

  template <kernel_lane Lane>
  QGRAIN_HOST_DEVICE void operator()(const Lane& lane, shared_memory& shared) const {
    const index_t pack_step = index_t{walk.width()} * size;
    Range range{};
    walk.template for_each_strip<packs, size>(lane, [&](index_t row, index_t first) {
      const T* const x = in.row(row);
      const bool whole = takes_packs<size>(x);
      pack<T, size> values[packs];
      QGRAIN_UNROLLED
      for (int p = 0; p < packs; ++p) {
        const index_t col = first + p * pack_step;
        values[p] = load_pack<size, memory_use::read_only>(x + col, in.shape.cols - col, whole);
      }
      QGRAIN_UNROLLED
      for (int p = 0; p < packs; ++p) range = widened_by(range, values[p]);
    });
    range = block_range(lane, range, shared.of_warp);
    if (lane.thread() == 0) raise_range(lane, words, range);
  }
};

/// Lanes that the columns do not need take other rows; those of a warp on the same columns agree first.
template <class Range, storage_element T>
struct column_range_body {
  static constexpr int size = pack_size<T>;
  static constexpr int rows_at_once = 4;     // loads in flight per lane
  static constexpr int resident_blocks = 4;  // per multiprocessor, at least
  using shared_memory = no_shared_memory;

  matrix_view<const T> in;
  std::int32_t* words;  ///< range_words<Range> per column
  column_walk walk;

  template <kernel_lane Lane>
  QGRAIN_HOST_DEVICE void operator()(const Lane& lane, shared_memory&) const {
    const shape2d shape = in.shape;
    const column_walk::part part = walk.part_of(lane, size, rows_at_once);
    const index_t lane_first = index_t{lane.thread() % walk.lanes_per_row} * size;
    // Lanes of a block stay together: those behind the last column see nothing.
    for (index_t col = part.first_column; col - lane_first < shape.cols; col += part.column_step) {
      Range ranges[static_cast<unsigned>(size)] = {};
      for (index_t row = part.first_row; row < shape.rows; row += part.row_step) {
        pack<T, size> values[rows_at_once];
        QGRAIN_UNROLLED
        for (int r = 0; r < rows_at_once; ++r) {
          if (row + r >= shape.rows) break;
          const T* const x = in.row(row + r);
          values[r] = load_pack<size, memory_use::read_only>(x + col, shape.cols - col, takes_packs<size>(x));
        }
        QGRAIN_UNROLLED
        for (int r = 0; r < rows_at_once; ++r) {
          QGRAIN_UNROLLED
          for (int i = 0; i < size; ++i) ranges[i] = widened(ranges[i], to_float(values[r].at(i)));
        }
      }
      for (int mask = walk.lanes_per_row; mask < warp_lanes; mask *= 2) {
        QGRAIN_UNROLLED
        for (int i = 0; i < size; ++i) ranges[i] = joined(lane, ranges[i], mask);
      }
      if (lane.thread() % warp_lanes >= walk.lanes_per_row) continue;
      QGRAIN_UNROLLED
      for (int i = 0; i < size; ++i) {
        if (col + i < shape.cols) raise_range(lane, words + (col + i) * range_words<Range>, ranges[i]);
      }
    }
  }
};

/// Tiles of `Rows` x `Columns` elements: a lane goes down some rows of one, its neighbours in the tile join it, and one
/// of them widens the tile's words.
template <class Range, storage_element T, index_t Rows, index_t Columns>
struct tile_range_body {
  static constexpr int size = pack_size<T>;
  static constexpr int rows_at_once = 4;     // loads in flight per lane
  static constexpr int resident_blocks = 4;  // per multiprocessor, at least
  static constexpr index_t block_columns = index_t{block_lanes} * size;
  static constexpr index_t block_rows = smaller_of<index_t>(Rows, 32);
  static constexpr index_t parts = ceil_div(Rows, block_rows);  ///< of a tile, from top to bottom
  static constexpr bool one_tile_per_pack = Columns % size == 0;
  /// Lanes whose packs, side by side, lie in one tile.
  static constexpr int team = [] {
    int lanes = 1;
    while (lanes < warp_lanes && Columns % (2 * lanes * size) == 0) lanes *= 2;
    return lanes;
  }();
  using shared_memory = no_shared_memory;

  matrix_view<const T> in;
  std::int32_t* words;  ///< range_words<Range> per tile

  template <kernel_lane Lane>
  QGRAIN_HOST_DEVICE void operator()(const Lane& lane, shared_memory&) const {
    const shape2d shape = in.shape;
    const int number = lane.thread() % warp_lanes;
    const index_t row_tiles = ceil_div(shape.cols, Columns);
    const index_t units = ceil_div(shape.rows, Rows) * parts;
    const index_t warp_first = (static_cast<index_t>(lane.block_x()) * block_lanes + (lane.thread() - number)) * size;
    const index_t step = static_cast<index_t>(lane.grid_x()) * block_columns;
    for (index_t unit = static_cast<index_t>(lane.block_y()); unit < units;
         unit += static_cast<index_t>(lane.grid_y())) {
      const index_t tile_row = unit / parts;
      const index_t begin = tile_row * Rows + unit % parts * block_rows;
      const index_t end = smaller_of(smaller_of(begin + block_rows, (tile_row + 1) * Rows), shape.rows);
      // Lanes of a warp stay together: those behind the last column see nothing.
      for (index_t first = warp_first; first < shape.cols; first += step) {
        const index_t col = first + number * size;
        Range ranges[static_cast<unsigned>(one_tile_per_pack ? 1 : size)] = {};
        for (index_t row = begin; row < end; row += rows_at_once) {
          pack<T, size> values[rows_at_once];
          QGRAIN_UNROLLED
          for (int r = 0; r < rows_at_once; ++r) {
            if (row + r >= end) break;
            const T* const x = in.row(row + r);
            values[r] = load_pack<size, memory_use::read_only>(x + col, shape.cols - col, takes_packs<size>(x));
          }
          QGRAIN_UNROLLED
          for (int r = 0; r < rows_at_once; ++r) {
            if constexpr (one_tile_per_pack) {
              ranges[0] = widened_by(ranges[0], values[r]);
            } else {
              QGRAIN_UNROLLED
              for (int i = 0; i < size; ++i) ranges[i] = widened(ranges[i], to_float(values[r].at(i)));
            }
          }
        }
        const auto widen_tile = [&](index_t at, Range range) {
          raise_range(lane, words + (tile_row * row_tiles + at / Columns) * range_words<Range>, range);
        };
        if constexpr (one_tile_per_pack) {
          const Range of_team = team_range(lane, ranges[0], team);
          if (number % team == 0 && col < shape.cols) widen_tile(col, of_team);
        } else {
          QGRAIN_UNROLLED
          for (int i = 0; i < size; ++i) {
            if (col + i < shape.cols) widen_tile(col + i, ranges[i]);
          }
        }
      }
    }
  }
};

}  // namespace qgrain::detail

#endif
