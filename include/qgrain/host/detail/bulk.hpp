// The bulk operations, instantiated on elements: granularity is a value here.
#ifndef QGRAIN_HOST_DETAIL_BULK_HPP
#define QGRAIN_HOST_DETAIL_BULK_HPP

#include <qgrain/core/bits.hpp>
#include <qgrain/core/detail/requirements.hpp>
#include <qgrain/core/half.hpp>
#include <qgrain/core/matrix_view.hpp>
#include <qgrain/host/detail/blocks.hpp>
#include <qgrain/host/detail/pieces.hpp>
#include <qgrain/host/detail/row_chunks.hpp>
#include <qgrain/host/detail/streaming.hpp>
#include <qgrain/host/given_ranges.hpp>
#include <qgrain/host/on_host.hpp>
#include <qgrain/layout/layout.hpp>

#include <array>
#include <cstddef>
#include <type_traits>

namespace qgrain::detail {

/// Where the scales of all groups lie: `extent` of them, in the order of a layout.
template <class Stored, layout_policy Layout = row_major>
struct scale_memory {
  Stored* data;
  shape2d extent;       ///< rows of groups, groups per row
  index_t per_row = 1;  ///< rows of groups that count as one: see rows_as_one
  using value_type = std::remove_const_t<Stored>;
  [[nodiscard]] scale_memory folded(index_t rows) const noexcept { return {data, extent, rows}; }

  /// Where the group of a row and column lies, rows counted as per_row says.
  [[nodiscard]] index_t place(index_t row, index_t col) const noexcept {
    if constexpr (std::is_same_v<Layout, row_major>) return row * per_row * extent.cols + col;
    return Layout::index(extent, {row * per_row + col / extent.cols, col % extent.cols});
  }

  /// Some neighbours of a row: the memory itself, or copies in `room`.
  [[nodiscard]] const value_type* get(index_t row, index_t col, index_t count, value_type* room) const noexcept {
    if constexpr (std::is_same_v<Layout, row_major>) {
      return data + place(row, col);
    } else {
      for (index_t i = 0; i < count; ++i) room[i] = data[place(row, col + i)];
      return room;
    }
  }
  void put(index_t row, index_t col, index_t count, const value_type* scales) const noexcept {
    if constexpr (std::is_same_v<Layout, row_major>) {
      value_type* to = data + place(row, col);
      for (index_t i = 0; i < count; ++i) to[i] = scales[i];
    } else {
      for (index_t i = 0; i < count; ++i) data[place(row, col + i)] = scales[i];
    }
  }
  /// Zeros where the layout has positions that belong to no group.
  void clear_padding() const {
    if (Layout::padded(extent) == extent) return;
    const index_t size = layout_size<Layout>(extent);
    for (index_t i = 0; i < size; ++i) data[i] = value_type{};
  }
};

/// What makes the tensor's scale from its largest magnitude; null for scales of one level.
template <class Element>
[[nodiscard]] constexpr auto tensor_scale_function() noexcept -> float (*)(float) {
  if constexpr (Element::scale_type::tensor_bits == 0) {
    return nullptr;
  } else {
    return [](float absmax) { return Element::tensor_scale(absmax); };
  }
}

/// Quantization without anything after it.
struct nothing_more {
  template <class... Arguments>
  void operator()(const Arguments&...) const noexcept {}
};

/// Ranges and scales of all groups of `in`, then its codes. `after(first row of the chunk, block, first group of the
/// run in the block, values, codes, their scales, tensor scale)` is called for each run of a block while it is warm;
/// chunks run at the same time, the runs of one in order.
template <class Element, class T, class Codes, class Scales, class After = nothing_more>
void quantize_matrix(const on_host& where, matrix_view<const T> whole, shape2d whole_group, const given_ranges& given,
                     const Codes& all_codes, const Scales& all_scales, float* tensor_scale,
                     typename Element::rounding_type rounding, index_t chunk, const After& after = {}) {
  constexpr bool is_looked_at = !std::is_same_v<After, nothing_more>;
  constexpr index_t most_elements = 16384 / static_cast<index_t>(sizeof(T));  // half of a first cache
  const index_t fold =
      rows_as_one(whole.shape, whole_group, is_looked_at || has_gaps(whole) || chunk < 8, most_elements);
  const matrix_view<const T> in = folded(whole, fold);
  const shape2d group = folded_group(whole.shape, whole_group, fold);
  const Codes codes = all_codes.folded(fold);
  const Scales scales = all_scales.folded(fold);
  const index_t rows_per_chunk = larger_of<index_t>(1, chunk / fold);
  using range_type = typename Element::range_type;
  using stored_scale = typename Element::stored_scale;
  constexpr index_t most_groups = sizeof(T) == 2 && !is_looked_at ? max_half_block_groups : max_block_groups;
  scales.clear_padding();
  with_runner(where, [&](task_runner& runner) {
    const auto known = ranges_before<range_type>(runner, in, group, given, tensor_scale_function<Element>());
    const float_source<T> values{in, ahead_in(in, known.groups.data != nullptr)};
    if (tensor_scale != nullptr) *tensor_scale = known.tensor_scale;
    for_each_row_chunk(runner, in.shape.rows, rows_per_chunk, [&](index_t row, index_t rows) {
      const auto quantize_block = [&](const block& b) {
        const index_t groups = ceil_div(b.shape.cols, group.cols);
        std::array<range_type, static_cast<std::size_t>(most_groups)> found;
        const range_type* const ranges = known.of_block(values, row, group, b, found.data());
        std::array<stored_scale, static_cast<std::size_t>(most_groups)> made;
        run_widest<scale_block<Element>>(ranges, groups, known.tensor_scale, made.data());
        if (is_looked_at || !run_in_lanes<encode_operation<Element>>(values, codes, row, b, group.cols, made.data(),
                                                                     known.tensor_scale)) {
          convert_block(values, codes, in.shape.cols, row, b, group.cols,
                        [&](auto x, auto y, index_t first_group, block_place place) {
                          const stored_scale* const of_run = made.data() + first_group;
                          run_widest<encode_block<Element>>(x, y, group.cols, of_run, known.tensor_scale, place,
                                                            rounding);
                          after(row, b, first_group, x, y, of_run, known.tensor_scale);
                        });
        }
        // A group over several chunks: the first one writes its scale.
        if (row % group.rows == 0) scales.put(row / group.rows + b.group_row, b.group_col, groups, made.data());
      };
      for_each_block({rows, in.shape.cols}, {smaller_of(group.rows, rows), group.cols}, quantize_block, most_groups);
    });
  });
}

/// Codes under scales that are known.
template <class Element, class T, class Codes, class Scales>
void encode_matrix(const on_host& where, matrix_view<const T> whole, shape2d whole_group, const Scales& all_scales,
                   float tensor_scale, const Codes& all_codes, typename Element::rounding_type rounding) {
  const index_t fold = rows_as_one(whole.shape, whole_group, has_gaps(whole));
  const matrix_view<const T> in = folded(whole, fold);
  const shape2d group = folded_group(whole.shape, whole_group, fold);
  const Codes codes = all_codes.folded(fold);
  const Scales scales = all_scales.folded(fold);
  const float_source<T> values{in, read_ahead::none};
  with_runner(where, [&](task_runner& runner) {
    for_each_row_chunk(runner, in.shape, group, [&](index_t row, index_t rows) {
      for_each_block({rows, in.shape.cols}, {smaller_of(group.rows, rows), group.cols}, [&](const block& b) {
        std::array<typename Element::stored_scale, static_cast<std::size_t>(max_block_groups)> room;
        const auto* const of_block =
            scales.get(row / group.rows + b.group_row, b.group_col, ceil_div(b.shape.cols, group.cols), room.data());
        if (run_in_lanes<encode_operation<Element>>(values, codes, row, b, group.cols, of_block, tensor_scale)) return;
        convert_block(values, codes, in.shape.cols, row, b, group.cols,
                      [&](auto x, auto y, index_t first_group, block_place place) {
                        run_widest<encode_block<Element>>(x, y, group.cols, of_block + first_group, tensor_scale, place,
                                                          rounding);
                      });
      });
    });
  });
}

template <class Element, class T, class Codes, class Scales>
void dequantize_matrix(const on_host& where, const Codes& all_codes, const Scales& all_scales, float tensor_scale,
                       shape2d whole_group, matrix_view<T> whole) {
  const index_t fold = rows_as_one(whole.shape, whole_group, has_gaps(whole));
  const matrix_view<T> out = folded(whole, fold);
  const shape2d group = folded_group(whole.shape, whole_group, fold);
  const Codes codes = all_codes.folded(fold);
  const Scales scales = all_scales.folded(fold);
  const shape2d shape = out.shape;
  const float_target<T> values{out, is_to_be_streamed(out)};
  with_runner(where, [&](task_runner& runner) {
    for_each_row_chunk(runner, shape, group, [&](index_t row, index_t rows) {
      for_each_block({rows, shape.cols}, {smaller_of(group.rows, rows), group.cols}, [&](const block& b) {
        std::array<typename Element::stored_scale, static_cast<std::size_t>(max_block_groups)> room;
        const auto* const of_block =
            scales.get(row / group.rows + b.group_row, b.group_col, ceil_div(b.shape.cols, group.cols), room.data());
        if (run_in_lanes<decode_operation<Element>>(codes, values, row, b, group.cols, of_block, tensor_scale)) return;
        convert_block(codes, values, shape.cols, row, b, group.cols,
                      [&](auto x, auto y, index_t first_group, block_place) {
                        run_widest<decode_block<Element>>(x, y, group.cols, of_block + first_group, tensor_scale);
                      });
      });
      if (values.is_streamed) end_of_streaming();
    });
  });
}

/// The element stage of a rounding that treats all elements alike: one type for all formats and scales.
template <class Range>
struct uniform_stage {
  ranged_block_function<Range> function;
  void operator()(matrix_view<const float> in, matrix_view<float> out, index_t group_cols, const Range* ranges,
                  float tensor_scale, block_place place) const {
    function(in, out, group_cols, ranges, tensor_scale, place);
  }
};

/// The element stage of other roundings.
template <class Element>
struct placed_stage {
  typename Element::rounding_type rounding;
  void operator()(matrix_view<const float> in, matrix_view<float> out, index_t group_cols,
                  const typename Element::range_type* ranges, float tensor_scale, block_place place) const {
    run_widest<fake_block<Element>>(in, out, group_cols, ranges, tensor_scale, place, rounding);
  }
};

template <class Element>
[[nodiscard]] auto fake_stage(typename Element::rounding_type rounding) noexcept {
  if constexpr (rounds_alike<typename Element::rounding_type>) {
    return uniform_stage<typename Element::range_type>{&fake_quantize_block<Element>};
  } else {
    return placed_stage<Element>{rounding};
  }
}

/// The element stage of a block of 16-bit values over lanes, from a matrix to another, as run_in_lanes. (That of floats
/// is in the stage itself, one function for all granularities.)
template <class Range, class T>
using lane_stage = bool (*)(const float_source<T>& in, const float_target<T>& out, index_t first_row, const block& b,
                            index_t group_cols, const Range* ranges, float tensor_scale);

template <class Element, class T>
[[nodiscard]] constexpr auto fake_lane_stage() noexcept -> lane_stage<typename Element::range_type, T> {
  if constexpr (std::is_same_v<T, bfloat16> && fake_operation<Element>::lanes != lane_work::none) {
    return &run_in_lanes<fake_operation<Element>, float_source<T>, float_target<T>>;
  } else {
    return nullptr;
  }
}

/// The element stage over all of a matrix; ranges of groups within a row may be found on the way.
template <class Range, class Stage, class T>
void fake_quantize_known(task_runner& runner, const Stage& stage, lane_stage<Range, T> in_lanes,
                         const known_ranges<Range>& all_known, matrix_view<const T> whole_in, matrix_view<T> whole_out,
                         shape2d whole_group) {
  const index_t fold = rows_as_one(whole_in.shape, whole_group, has_gaps(whole_in) || has_gaps(whole_out));
  const matrix_view<const T> in = folded(whole_in, fold);
  const matrix_view<T> out = folded(whole_out, fold);
  const shape2d group = folded_group(whole_in.shape, whole_group, fold);
  known_ranges<Range> known;  // the same, but for its shape
  const bool is_single = all_known.groups.data == nullptr || is_whole(whole_in.shape, whole_group);
  known.groups = is_single ? all_known.groups : folded(all_known.groups, fold);
  known.tensor_scale = all_known.tensor_scale;
  const float_source<T> values{in};
  const float_target<T> results{out, is_to_be_streamed(out) && static_cast<const void*>(in.data) != out.data};
  for_each_row_chunk(runner, in.shape, group, [&](index_t row, index_t rows) {
    for_each_block({rows, in.shape.cols}, {smaller_of(group.rows, rows), group.cols}, [&](const block& b) {
      std::array<Range, static_cast<std::size_t>(max_block_groups)> found;
      const Range* const ranges = known.of_block(values, row, group, b, found.data());
      if (in_lanes != nullptr && in_lanes(values, results, row, b, group.cols, ranges, known.tensor_scale)) return;
      convert_block(values, results, in.shape.cols, row, b, group.cols,
                    [&](auto x, auto y, index_t first_group, block_place place) {
                      place.has_own_ranges = known.groups.data == nullptr;
                      stage(x, y, group.cols, ranges + first_group, known.tensor_scale, place);
                    });
    });
    if (results.is_streamed) end_of_streaming();
  });
}

/// `tensor_scale` is null for scales of one level.
template <class Range, class Stage, class T>
void fake_quantize_matrix(const on_host& where, const Stage& stage, lane_stage<Range, T> in_lanes,
                          float (*tensor_scale)(float), matrix_view<const T> in, matrix_view<T> out, shape2d group,
                          const given_ranges& given) {
  with_runner(where, [&](task_runner& runner) {
    fake_quantize_known(runner, stage, in_lanes, ranges_before<Range>(runner, in, group, given, tensor_scale), in, out,
                        group);
  });
}

}  // namespace qgrain::detail

#endif
