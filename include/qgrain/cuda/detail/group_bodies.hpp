// Kernel bodies that find the ranges of groups within a row and use them at once: one pass over memory.
#ifndef QGRAIN_CUDA_DETAIL_GROUP_BODIES_HPP
#define QGRAIN_CUDA_DETAIL_GROUP_BODIES_HPP

#include <qgrain/core/config.hpp>
#include <qgrain/core/matrix_view.hpp>
#include <qgrain/cuda/detail/lanes.hpp>
#include <qgrain/cuda/detail/maps.hpp>

namespace qgrain::detail {

/// Groups that a warp, or a power-of-two part of it, covers with one pack per lane: 16, 32, 64, 128 elements.
template <class Map, class Scales, index_t Size>
struct small_group_body {
  static constexpr index_t lanes = Size / Map::size;
  static constexpr bool possible = Size % Map::size == 0 && lanes <= warp_lanes && (lanes & (lanes - 1)) == 0;
  static constexpr int packs = 2;            // loads in flight per lane
  static constexpr int resident_blocks = 4;  // per multiprocessor, at least
  static constexpr int size = Map::size;
  static constexpr int least_lanes = warp_lanes;  // on a row: lanes of a warp exchange ranges and so stay together
  static constexpr index_t warp_columns = index_t{warp_lanes} * Map::size;
  using element = typename Map::element_type;
  using shared_memory = no_shared_memory;

  Map map;
  matrix_view<const typename Map::source> in;
  matrix_view<typename Map::target> out;
  Scales scales;
  strip_walk walk;

  template <kernel_lane Lane>
  QGRAIN_HOST_DEVICE void operator()(const Lane& lane, shared_memory&) const {
    const index_t row_groups = ceil_div(in.shape.cols, Size);
    const int number = lane.thread() % warp_lanes;
    const float of_tensor = scales.of_tensor(lane);
    walk.template for_each_strip<packs, size>(lane, [&](index_t row, index_t first) {
      const row_source<Map> x(in, row);
      const row_target<Map> y(out, row);
      source_pack<Map> values[packs];
      QGRAIN_UNROLLED
      for (int p = 0; p < packs; ++p) {
        const index_t col = first + p * warp_columns;
        values[p] = x.load(col, in.shape.cols - col);
      }
      QGRAIN_UNROLLED
      for (int p = 0; p < packs; ++p) {
        const index_t col = first + p * warp_columns;
        const auto range =
            team_range(lane, widened_by(typename element::range_type{}, values[p]), static_cast<int>(lanes));
        if (col >= in.shape.cols) continue;
        const auto stored = element::scale(range, of_tensor);
        if (number % lanes == 0) scales.keep(row * row_groups + col / Size, stored);
        const auto factors = element::factors(stored, of_tensor);
        y.store(col, in.shape.cols - col,
                mapped(
                    map, values[p], [&](int) { return factors; }, row * in.shape.cols + col));
      }
    });
  }
};

/// Whole rows, and groups of any other size: some lanes of a block for each group, a power of two of them.
///
/// A group's packs stay in registers as far as they fit; the rest is read a second time, from the cache.
template <class Map, class Scales>
struct long_group_body {
  static constexpr int size = Map::size;
  static constexpr int kept_packs = 4;
  static constexpr int resident_blocks = 3;  // per multiprocessor, at least
  using element = typename Map::element_type;
  using range_type = typename element::range_type;
  struct shared_memory {
    range_type of_warp[2][block_warps];
  };

  Map map;
  matrix_view<const typename Map::source> in;
  matrix_view<typename Map::target> out;
  Scales scales;
  index_t group_cols;
  int lanes_per_group;

  /// The range of a group from the ranges of its lanes. Two sets of partial ranges in turn: no lane can be two rounds
  /// ahead of another, so one wait per round is enough.
  template <kernel_lane Lane>
  [[nodiscard]] QGRAIN_ELEMENTWISE range_type group_range(const Lane& lane, shared_memory& shared, range_type range,
                                                          int round) const {
    range = team_range(lane, range, smaller_of(lanes_per_group, warp_lanes));
    if (lanes_per_group <= warp_lanes) return range;
    const int warp = lane.thread() / warp_lanes;
    const int warps_per_group = lanes_per_group / warp_lanes;
    range_type* const partial = shared.of_warp[round];
    if (lane.thread() % warp_lanes == 0) partial[warp] = range;
    lane.sync_block();
    const int first = warp / warps_per_group * warps_per_group;
    range = partial[first];
    for (int w = 1; w < warps_per_group; ++w) range = widened(range, partial[first + w]);
    return range;
  }

  template <kernel_lane Lane>
  QGRAIN_HOST_DEVICE void operator()(const Lane& lane, shared_memory& shared) const {
    const index_t row_groups = ceil_div(in.shape.cols, group_cols);
    const index_t groups = in.shape.rows * row_groups;
    const int block_groups = block_lanes / lanes_per_group;
    const int step = lanes_per_group * size;
    const int start = lane.thread() % lanes_per_group * size;
    const index_t grid_step = static_cast<index_t>(lane.grid_x()) * block_groups;
    const float of_tensor = scales.of_tensor(lane);
    int round = 0;
    for (index_t base = static_cast<index_t>(lane.block_x()) * block_groups; base < groups; base += grid_step) {
      const index_t group = base + lane.thread() / lanes_per_group;
      const bool exists = group < groups;
      const index_t row = !exists ? 0 : row_groups == 1 ? group : quotient(group, row_groups);
      const index_t first = (exists ? group - row * row_groups : 0) * group_cols;
      const index_t count = exists ? smaller_of(group_cols, in.shape.cols - first) : 0;
      const row_source<Map> x(in, row, first);
      const row_target<Map> y(out, row, first);

      source_pack<Map> kept[kept_packs];
      range_type range{};
      QGRAIN_UNROLLED
      for (int p = 0; p < kept_packs; ++p) {
        const index_t col = start + p * step;
        kept[p] = x.load(col, count - col);
      }
      QGRAIN_UNROLLED
      for (int p = 0; p < kept_packs; ++p) range = widened_by(range, kept[p]);
      for (index_t col = index_t{start} + kept_packs * step; col < count; col += step) {
        range = widened_by(range, x.load(col, count - col));
      }
      range = group_range(lane, shared, range, round);
      round = 1 - round;
      if (!exists) continue;

      const auto stored = element::scale(range, of_tensor);
      const auto factors = element::factors(stored, of_tensor);
      const auto factors_of = [&](int) { return factors; };
      if (start == 0) scales.keep(group, stored);
      const index_t element_index = row * in.shape.cols + first;
      QGRAIN_UNROLLED
      for (int p = 0; p < kept_packs; ++p) {
        const index_t col = start + p * step;
        if (col < count) y.store(col, count - col, mapped(map, kept[p], factors_of, element_index + col));
      }
      for (index_t col = index_t{start} + kept_packs * step; col < count; col += step) {
        y.store(col, count - col, mapped(map, x.load(col, count - col), factors_of, element_index + col));
      }
    }
  }
};

/// A small tensor with one scale, by one block: its elements are read a second time, from the cache.
template <class Map, class Scales>
struct one_block_body {
  static constexpr int packs = 4;            // loads in flight per lane
  static constexpr int resident_blocks = 1;  // there is no other
  static constexpr int size = Map::size;
  static constexpr int least_lanes = 1;  // on a row
  using element = typename Map::element_type;
  using range_type = typename element::range_type;
  struct shared_memory {
    range_type of_warp[block_warps];
  };

  Map map;
  matrix_view<const typename Map::source> in;
  matrix_view<typename Map::target> out;
  Scales scales;
  strip_walk walk;

  template <kernel_lane Lane>
  QGRAIN_HOST_DEVICE void operator()(const Lane& lane, shared_memory& shared) const {
    const index_t pack_step = index_t{walk.width()} * size;
    // visit(row, column, pack) for all packs of this lane
    const auto for_each_pack = [&](const auto& visit) {
      walk.template for_each_strip<packs, size>(lane, [&](index_t row, index_t first) {
        const row_source<Map> x(in, row);
        source_pack<Map> values[packs];
        QGRAIN_UNROLLED
        for (int p = 0; p < packs; ++p) {
          const index_t col = first + p * pack_step;
          values[p] = x.load(col, in.shape.cols - col);
        }
        QGRAIN_UNROLLED
        for (int p = 0; p < packs; ++p) visit(row, first + p * pack_step, values[p]);
      });
    };
    range_type range{};
    for_each_pack([&](index_t, index_t, const source_pack<Map>& values) { range = widened_by(range, values); });
    range = block_range(lane, range, shared.of_warp);
    const float of_tensor = scales.of_tensor(lane);
    const auto stored = element::scale(range, of_tensor);
    const auto factors = element::factors(stored, of_tensor);
    if (lane.thread() == 0) scales.keep(0, stored);
    for_each_pack([&](index_t row, index_t col, const source_pack<Map>& values) {
      if (col >= in.shape.cols) return;
      row_target<Map>(out, row).store(col, in.shape.cols - col,
                                      mapped(
                                          map, values, [&](int) { return factors; }, row * in.shape.cols + col));
    });
  }
};

}  // namespace qgrain::detail

#endif
