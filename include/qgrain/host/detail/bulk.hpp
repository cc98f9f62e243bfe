// The bulk operations, instantiated on elements: granularity is a value here.
#ifndef QGRAIN_HOST_DETAIL_BULK_HPP
#define QGRAIN_HOST_DETAIL_BULK_HPP

#include <qgrain/core/detail/requirements.hpp>
#include <qgrain/core/matrix_view.hpp>
#include <qgrain/host/detail/blocks.hpp>
#include <qgrain/host/detail/row_chunks.hpp>
#include <qgrain/host/given_ranges.hpp>
#include <qgrain/host/on_host.hpp>
#include <qgrain/host/parallel.hpp>

#include <algorithm>
#include <array>
#include <cstddef>

namespace qgrain::detail {

/// Codes and scales, by memory; scales by rows of groups.
template <class Element>
struct coded_memory {
  typename Element::code_type* codes;
  typename Element::stored_scale* scales;
  float* tensor_scale;
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

/// `after(first row of the chunk, block, its values, its codes, its scales, tensor scale)` is called for each block,
/// while it is warm; chunks run at the same time, the blocks of one in order.
template <class Element, class T, class After>
void quantize_matrix(const on_host& where, matrix_view<const T> in, shape2d group, const given_ranges& given,
                     coded_memory<Element> out, typename Element::rounding_type rounding, index_t rows_per_chunk,
                     const After& after) {
  const index_t scales_per_row = ceil_div(in.shape.cols, group.cols);
  float (*const tensor_scale)(float) = tensor_scale_function<Element>();
  with_pool(where, [&](thread_pool& pool) {
    using range_type = typename Element::range_type;
    using stored_scale = typename Element::stored_scale;
    const auto known = ranges_before<range_type>(pool, in, group, given, tensor_scale);
    if (out.tensor_scale != nullptr) *out.tensor_scale = known.tensor_scale;
    for_each_row_chunk(pool, in.shape.rows, rows_per_chunk, [&](index_t row, index_t rows) {
      const float_rows<T> x(in.band(row, rows));
      const matrix_view<typename Element::code_type> codes{out.codes + row * in.shape.cols, {rows, in.shape.cols}};
      const shape2d local{std::min(group.rows, rows), group.cols};
      for_each_ranged_block(x.view(), local, known.from_row(row, group), [&](const block& b, const range_type* ranges) {
        std::array<stored_scale, static_cast<std::size_t>(max_block_groups)> found;
        const stored_scale* scales = found.data();
        const index_t groups = ceil_div(b.shape.cols, group.cols);
        run_widest<scale_block<Element>>(ranges, groups, known.tensor_scale, found.data());
        run_widest<encode_block<Element>>(part(x.view(), b), part(codes, b), group.cols, scales, known.tensor_scale,
                                          place_of(b, row, in.shape.cols), rounding);
        after(row, b, part(x.view(), b), part(codes, b), scales, known.tensor_scale);
        if (row % group.rows != 0) return;  // a group over several chunks: the first one writes its scale
        const index_t at = (row / group.rows + b.group_row) * scales_per_row + b.group_col;
        std::copy_n(scales, groups, out.scales + at);
      });
    });
  });
}

/// Codes under scales that stand in `out` already.
template <class Element, class T>
void encode_matrix(const on_host& where, matrix_view<const T> in, shape2d group, coded_memory<Element> out,
                   typename Element::rounding_type rounding) {
  const index_t scales_per_row = ceil_div(in.shape.cols, group.cols);
  const float tensor_scale = out.tensor_scale == nullptr ? 1.0F : *out.tensor_scale;
  with_pool(where, [&](thread_pool& pool) {
    for_each_row_chunk(pool, in.shape, group, [&](index_t row, index_t rows) {
      const float_rows<T> x(in.band(row, rows));
      const matrix_view<typename Element::code_type> codes{out.codes + row * in.shape.cols, {rows, in.shape.cols}};
      for_each_block(codes.shape, {std::min(group.rows, rows), group.cols}, [&](const block& b) {
        const typename Element::stored_scale* scales =
            out.scales + (row / group.rows + b.group_row) * scales_per_row + b.group_col;
        run_widest<encode_block<Element>>(part(x.view(), b), part(codes, b), group.cols, scales, tensor_scale,
                                          place_of(b, row, in.shape.cols), rounding);
      });
    });
  });
}

template <class Element, class T>
void dequantize_matrix(const on_host& where, coded_memory<Element> in, shape2d group, matrix_view<T> out) {
  const shape2d shape = out.shape;
  const index_t scales_per_row = ceil_div(shape.cols, group.cols);
  const float tensor_scale = in.tensor_scale == nullptr ? 1.0F : *in.tensor_scale;
  with_pool(where, [&](thread_pool& pool) {
    for_each_row_chunk(pool, shape, group, [&](index_t row, index_t rows) {
      const matrix_view<const typename Element::code_type> codes{in.codes + row * shape.cols, {rows, shape.cols}};
      float_sink<T> y(out.band(row, rows));
      for_each_block(codes.shape, {std::min(group.rows, rows), group.cols}, [&](const block& b) {
        const typename Element::stored_scale* scales =
            in.scales + (row / group.rows + b.group_row) * scales_per_row + b.group_col;
        run_widest<decode_block<Element>>(part(codes, b), part(y.view(), b), group.cols, scales, tensor_scale);
      });
      y.store();
    });
  });
}

/// The element stage of a rounding that treats all elements alike: one type for all formats and scales.
template <class Range>
struct uniform_stage {
  ranged_block_function<Range> function;
  void operator()(matrix_view<const float> in, matrix_view<float> out, index_t group_cols, const Range* ranges,
                  float tensor_scale, block_place) const {
    function(in, out, group_cols, ranges, tensor_scale);
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

/// `tensor_scale` is null for scales of one level.
template <class Range, class Stage, class T>
void fake_quantize_matrix(const on_host& where, const Stage& stage, float (*tensor_scale)(float),
                          matrix_view<const T> in, matrix_view<T> out, shape2d group, const given_ranges& given) {
  with_pool(where, [&](thread_pool& pool) {
    const auto known = ranges_before<Range>(pool, in, group, given, tensor_scale);
    for_each_row_chunk(pool, in.shape, group, [&](index_t row, index_t rows) {
      const float_rows<T> x(in.band(row, rows));
      float_sink<T> y(out.band(row, rows));
      const shape2d local{std::min(group.rows, rows), group.cols};
      for_each_ranged_block(x.view(), local, known.from_row(row, group), [&](const block& b, const Range* ranges) {
        stage(part(x.view(), b), part(y.view(), b), group.cols, ranges, known.tensor_scale,
              place_of(b, row, in.shape.cols));
      });
      y.store();
    });
  });
}

}  // namespace qgrain::detail

#endif
