// The loop that measures a block while its codes are warm.
#ifndef QGRAIN_HOST_DETAIL_MEASURE_BLOCK_HPP
#define QGRAIN_HOST_DETAIL_MEASURE_BLOCK_HPP

#include <qgrain/core/config.hpp>
#include <qgrain/core/matrix_view.hpp>
#include <qgrain/host/detail/block_kernels.hpp>
#include <qgrain/quantizer/error_sums.hpp>
#include <qgrain/scale/symmetric.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace qgrain::detail {

/// Half the distance between the value at an end of a format and the value next to it. Codes next to each other are
/// values next to each other, but for those that wrap around or are no numbers, which lie further away or nowhere.
template <class Format>
[[nodiscard]] constexpr float half_last_step(float end) noexcept {
  const auto code = static_cast<std::int32_t>(Format::encode(end));
  float least = std::numeric_limits<float>::infinity();
  for (const std::int32_t neighbour : {code - 1, code + 1}) {
    const float value = Format::decode(static_cast<typename Format::code_type>(neighbour));
    const float distance = is_nan(value) ? 0.0F : value < end ? end - value : value - end;
    if (distance > 0.0F && distance < least) least = distance;
  }
  return least / 2;
}

/// Scaled values outside of [least, most] are clipped: they lie more than half a step beyond the ends of the format.
template <class Format>
struct clip_limits {
  static constexpr float highest = Format::max_finite;
  static constexpr float lowest = Format::decode(Format::encode(lowest_value<Format>()));
  static constexpr float most = highest + half_last_step<Format>(highest);
  static constexpr float least = lowest - half_last_step<Format>(lowest);
};

/// 1 or 0, without a branch.
template <class Element>
[[nodiscard]] QGRAIN_ALWAYS_INLINE std::uint8_t is_clipped(float x, typename Element::factors_type factors) noexcept {
  using limits = clip_limits<typename Element::format_type>;
  const float scaled = Element::scale_type::scaled(x, factors);
  const unsigned above = scaled > limits::most ? 1U : 0U;
  const unsigned below = scaled < limits::least ? 1U : 0U;
  return static_cast<std::uint8_t>(above | below);
}

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
