// The loop that measures a block while its codes are warm.
#ifndef QGRAIN_HOST_DETAIL_MEASURE_BLOCK_HPP
#define QGRAIN_HOST_DETAIL_MEASURE_BLOCK_HPP

#include <qgrain/core/config.hpp>
#include <qgrain/core/matrix_view.hpp>
#include <qgrain/host/detail/block_kernels.hpp>
#include <qgrain/quantizer/clip_limits.hpp>
#include <qgrain/quantizer/error_sums.hpp>
#include <qgrain/scale/symmetric.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace qgrain::detail {

/// Adds what became of the elements of a block to the sums of their groups: those of group g at sums[g * stride], so
/// that a stride of 0 has one sum for all. Row by row, left to right.
template <class Element>
struct measure_block {
  using factors_type = typename Element::factors_type;
  using code_type = typename Element::code_type;

  struct row_body {
    const float* in;
    const code_type* codes;
    const factors_type* factors;
    error_sums* sums;
    index_t stride;
    template <index_t Width>
    QGRAIN_ALWAYS_INLINE void run(index_t group, index_t first, index_t count) const {
      // Values and flags of a strip first, in a loop without order that vectorizes; then the sums, which have one of
      // their own.
      constexpr index_t strip = Width == 0 ? 256 : Width;
      std::array<float, static_cast<std::size_t>(strip)> values;
      std::array<std::uint8_t, static_cast<std::size_t>(strip)> clipped;
      const factors_type shared = factors[group];
      error_sums total = sums[group * stride];
      for (index_t begin = 0; begin < count; begin += strip) {
        const float* x = in + first + begin;
        const code_type* code = codes + first + begin;
        const index_t size = Width == 0 ? std::min(strip, count - begin) : Width;
        QGRAIN_INDEPENDENT_ITERATIONS
        for (index_t i = 0; i < size; ++i) {
          values[static_cast<std::size_t>(i)] = Element::decode(code[i], shared);
          clipped[static_cast<std::size_t>(i)] = is_clipped<Element>(x[i], shared);
        }
        total.add_run(x, values.data(), clipped.data(), size);
      }
      sums[group * stride] = total;
    }
  };

  /// Groups of one column: the elements of a row go to different sums.
  QGRAIN_ALWAYS_INLINE static void add_columns(const float* x, const code_type* codes, index_t cols,
                                               const block_factors<factors_type>& factors, error_sums* sums,
                                               index_t stride) {
    std::array<float, static_cast<std::size_t>(max_block_groups)> values;
    std::array<std::uint8_t, static_cast<std::size_t>(max_block_groups)> clipped;
    QGRAIN_INDEPENDENT_ITERATIONS
    for (index_t c = 0; c < cols; ++c) {
      const auto at = static_cast<std::size_t>(c);
      values[at] = Element::decode(codes[c], factors[at]);
      clipped[at] = is_clipped<Element>(x[c], factors[at]);
    }
    for (index_t c = 0; c < cols; ++c) {
      const auto at = static_cast<std::size_t>(c);
      sums[c * stride].add(x[c], values[at], clipped[at] != 0);
    }
  }

  QGRAIN_ALWAYS_INLINE static void run(matrix_view<const float> in, matrix_view<const code_type> codes,
                                       index_t group_cols, const typename Element::stored_scale* scales,
                                       float tensor_scale, error_sums* sums, index_t stride) {
    block_factors<factors_type> factors;
    const index_t groups = ceil_div(in.shape.cols, group_cols);
    if (groups < 1) return;
    QGRAIN_INDEPENDENT_ITERATIONS
    for (index_t g = 0; g < groups; ++g) {
      factors[static_cast<std::size_t>(g)] = Element::factors(scales[g], tensor_scale);
    }
    for (index_t r = 0; r < in.shape.rows; ++r) {
      if (group_cols == 1) {
        add_columns(in.row(r), codes.row(r), groups, factors, sums, stride);
      } else {
        for_each_group(in.shape.cols, group_cols, row_body{in.row(r), codes.row(r), factors.data(), sums, stride});
      }
    }
  }
};

}  // namespace qgrain::detail

#endif
