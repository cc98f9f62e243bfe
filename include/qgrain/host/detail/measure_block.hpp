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

template <class Element>
[[nodiscard]] QGRAIN_ALWAYS_INLINE bool is_clipped(float x, typename Element::factors_type factors) noexcept {
  using limits = clip_limits<typename Element::format_type>;
  const float scaled = Element::scale_type::scaled(x, factors);
  return scaled > limits::most || scaled < limits::least;
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
      // Values and flags of a strip first, in a loop without order that vectorizes; then the sums, which have one.
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
          clipped[static_cast<std::size_t>(i)] = is_clipped<Element>(x[i], shared) ? 1 : 0;
        }
        for (index_t i = 0; i < size; ++i) {
          total.add(x[i], values[static_cast<std::size_t>(i)], clipped[static_cast<std::size_t>(i)] != 0);
        }
      }
      sums[group * stride] = total;
    }
  };

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
      for_each_group(in.shape.cols, group_cols, row_body{in.row(r), codes.row(r), factors.data(), sums, stride});
    }
  }
};

}  // namespace qgrain::detail

#endif
