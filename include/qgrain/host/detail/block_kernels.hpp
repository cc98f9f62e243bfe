// The loops of the host backend, over one block: some rows of at most `max_block_groups` groups side by side.
#ifndef QGRAIN_HOST_DETAIL_BLOCK_KERNELS_HPP
#define QGRAIN_HOST_DETAIL_BLOCK_KERNELS_HPP

#include <qgrain/core/bits.hpp>
#include <qgrain/core/config.hpp>
#include <qgrain/core/half.hpp>
#include <qgrain/core/matrix_view.hpp>
#include <qgrain/host/detail/lane_kernels.hpp>
#include <qgrain/host/detail/lane_rules.hpp>
#include <qgrain/quantizer/element.hpp>
#include <qgrain/scale/range.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace qgrain::detail {

/// Calls `body.template run<Width>(group, first column, columns)` for each group of a row. Common small sizes are
/// constants in the loops, which matters where a group is only a few vectors long; Width 0 means that the size is known
/// at run time only.
template <index_t Width, class Body>
QGRAIN_ALWAYS_INLINE void for_each_whole_group(index_t cols, const Body& body) {
  const index_t whole = cols / Width;
  for (index_t group = 0; group < whole; ++group) body.template run<Width>(group, group * Width, Width);
  if (whole * Width < cols) body.template run<0>(whole, whole * Width, cols - whole * Width);
}

template <class Body>
QGRAIN_ALWAYS_INLINE void for_each_group(index_t cols, index_t group_cols, const Body& body) {
  switch (group_cols) {
    case 16:
      return for_each_whole_group<16>(cols, body);
    case 32:
      return for_each_whole_group<32>(cols, body);
    case 64:
      return for_each_whole_group<64>(cols, body);
    default:
      for (index_t group = 0; group * group_cols < cols; ++group) {
        body.template run<0>(group, group * group_cols, smaller_of(group_cols, cols - group * group_cols));
      }
  }
}

/// The pattern of |x|, in the order of magnitudes, NaN last.
[[nodiscard]] QGRAIN_ALWAYS_INLINE std::int32_t magnitude_pattern(float x) noexcept { return magnitude_bits(x); }
template <class T>
[[nodiscard]] QGRAIN_ALWAYS_INLINE std::uint16_t magnitude_pattern(T x) noexcept {
  return static_cast<std::uint16_t>(x.bits & 0x7FFFU);
}

/// Range stage: the largest magnitude of each group, NaN counting as larger than infinity. `absmax` is widened, not
/// replaced. An exact maximum of integers: any order of elements, rows and blocks gives the same bits. 16-bit elements
/// are compared as they are, as widening keeps their order.
template <class T>
struct absmax_block : absmax_lane_loops<absmax_block<T>, T> {
  using pattern = decltype(magnitude_pattern(T{}));

  [[nodiscard]] QGRAIN_ALWAYS_INLINE static float widened_by(float absmax, pattern largest) {
    if constexpr (std::is_same_v<T, float>) {
      return float_from_magnitude(larger_of(magnitude_bits(absmax), largest));
    } else {
      return float_from_magnitude(larger_of(magnitude_bits(absmax), magnitude_bits(to_float(T{largest}))));
    }
  }

  struct row_body {
    const T* in;
    float* absmax;
    template <index_t Width>
    QGRAIN_ALWAYS_INLINE void run(index_t group, index_t first, index_t count) const {
      const T* x = in + first;
      const index_t size = Width == 0 ? count : Width;
      pattern largest = 0;
      QGRAIN_INDEPENDENT_ITERATIONS
      for (index_t i = 0; i < size; ++i) largest = larger_of(largest, magnitude_pattern(x[i]));
      absmax[group] = widened_by(absmax[group], largest);
    }
  };

  QGRAIN_ALWAYS_INLINE static void run(matrix_view<const T> in, index_t group_cols, float* absmax) {
    for (index_t r = 0; r < in.shape.rows; ++r) {
      const T* x = in.row(r);
      if (group_cols == 1) {
        QGRAIN_INDEPENDENT_ITERATIONS
        for (index_t c = 0; c < in.shape.cols; ++c) absmax[c] = widened_by(absmax[c], magnitude_pattern(x[c]));
      } else {
        for_each_group(in.shape.cols, group_cols, row_body{x, absmax});
      }
    }
  }
};

/// Range stage of scales that ask for a range of another type, such as both sides of zero.
template <class Range>
struct range_block {
  QGRAIN_ALWAYS_INLINE static void run(matrix_view<const float> in, index_t group_cols, Range* ranges) {
    for (index_t r = 0; r < in.shape.rows; ++r) {
      const float* x = in.row(r);
      for (index_t first = 0, group = 0; first < in.shape.cols; first += group_cols, ++group) {
        const index_t end = smaller_of(first + group_cols, in.shape.cols);
        Range range = ranges[group];
        for (index_t c = first; c < end; ++c) range = widened(range, x[c]);
        ranges[group] = range;
      }
    }
  }
};
template <>
struct range_block<float> : absmax_block<float> {};
/// Largest magnitudes with a number beside them, which stays.
template <class Range>
requires requires(Range range) {
  { range.absmax } -> std::same_as<float&>;
  range.expansion;
}
struct range_block<Range> {
  QGRAIN_ALWAYS_INLINE static void run(matrix_view<const float> in, index_t group_cols, Range* ranges) {
    block_factors<float> absmax;
    const index_t most = max_block_groups * group_cols;
    for (index_t first = 0; first < in.shape.cols; first += most, ranges += max_block_groups) {
      const index_t cols = smaller_of(most, in.shape.cols - first);
      const index_t groups = ceil_div(cols, group_cols);
      for (index_t g = 0; g < groups; ++g) absmax.data()[g] = ranges[g].absmax;
      absmax_block<float>::run({in.data + first, {in.shape.rows, cols}, in.leading_dimension}, group_cols,
                               absmax.data());
      for (index_t g = 0; g < groups; ++g) ranges[g].absmax = absmax.data()[g];
    }
  }
};
/// Both ends as maxima of patterns: see widened(signed_range, float).
template <>
struct range_block<signed_range> {
  struct row_body {
    const float* in;
    signed_range* ranges;
    template <index_t Width>
    QGRAIN_ALWAYS_INLINE void run(index_t group, index_t first, index_t count) const {
      const float* x = in + first;
      const index_t size = Width == 0 ? count : Width;
      std::int32_t below = magnitude_bits(ranges[group].below);
      std::int32_t above = magnitude_bits(ranges[group].above);
      QGRAIN_INDEPENDENT_ITERATIONS
      for (index_t i = 0; i < size; ++i) {
        const std::uint32_t bits = bits_of(x[i]);
        above = larger_of(above, static_cast<std::int32_t>(bits));
        below = larger_of(below, static_cast<std::int32_t>(bits ^ f32_sign_bit));
      }
      ranges[group] = {float_from_magnitude(below), float_from_magnitude(above)};
    }
  };

  QGRAIN_ALWAYS_INLINE static void run(matrix_view<const float> in, index_t group_cols, signed_range* ranges) {
    for (index_t r = 0; r < in.shape.rows; ++r) {
      for_each_group(in.shape.cols, group_cols, row_body{in.row(r), ranges});
    }
  }
};

/// Where the elements of a block lie in their matrix: element (r, c) has the row-major index first + r * cols + c.
struct block_place {
  std::uint64_t first = 0;
  std::uint64_t cols = 0;
  bool is_streamed = false;     ///< lanes may store past the caches: what is written is the memory of a large matrix
  bool has_own_ranges = false;  ///< ranges are those of the block's elements
};

/// Element stage: out[r, c] = Operation::apply(in[r, c], factors of the group, index in the matrix, rounding). `out`
/// may be `in` where the types are the same. `sources` has one entry per group of the block, from which the operation
/// makes its factors. Roundings that do not look at the index leave no trace of it in the loops.
template <class Operation>
struct element_block : element_lane_loops<element_block<Operation>, Operation> {
  using factors_type = typename Operation::factors_type;
  using rounding_type = typename Operation::rounding_type;
  using in_type = typename Operation::in_type;
  using out_type = typename Operation::out_type;

  struct row_body {
    const in_type* in;
    out_type* out;
    const factors_type* factors;
    std::uint64_t index;  // of the first element
    rounding_type rounding;
    template <index_t Width>
    QGRAIN_ALWAYS_INLINE void run(index_t group, index_t first, index_t count) const {
      const in_type* x = in + first;
      out_type* y = out + first;
      const index_t size = Width == 0 ? count : Width;
      const factors_type shared = factors[group];
      const std::uint64_t start = index + static_cast<std::uint64_t>(first);
      if constexpr (Width == 16 && std::is_integral_v<out_type> && sizeof(out_type) == 1) {
        // Sixteen bytes fill half a vector: the codes are made in lanes of 32 bits, which fill whole ones.
        std::array<std::int32_t, 16> wide;
        QGRAIN_INDEPENDENT_ITERATIONS
        for (index_t i = 0; i < Width; ++i) {
          wide[static_cast<std::size_t>(i)] =
              Operation::apply(x[i], shared, start + static_cast<std::uint64_t>(i), rounding);
        }
        QGRAIN_INDEPENDENT_ITERATIONS
        for (index_t i = 0; i < Width; ++i) y[i] = static_cast<out_type>(wide[static_cast<std::size_t>(i)]);
      } else {
        QGRAIN_INDEPENDENT_ITERATIONS
        for (index_t i = 0; i < size; ++i) {
          y[i] = Operation::apply(x[i], shared, start + static_cast<std::uint64_t>(i), rounding);
        }
      }
    }
  };

  QGRAIN_ALWAYS_INLINE static void run(matrix_view<const in_type> in, matrix_view<out_type> out, index_t group_cols,
                                       const typename Operation::source_type* sources, float tensor_scale,
                                       block_place place = {}, rounding_type rounding = {}) {
    block_factors<factors_type> factors;
    const index_t groups = ceil_div(in.shape.cols, group_cols);
    if (groups < 1) return;
    QGRAIN_INDEPENDENT_ITERATIONS
    for (index_t g = 0; g < groups; ++g) {
      factors[static_cast<std::size_t>(g)] = Operation::factors(sources[g], tensor_scale);
    }
    for (index_t r = 0; r < in.shape.rows; ++r) {
      const in_type* x = in.row(r);
      out_type* y = out.row(r);
      const std::uint64_t index = place.first + static_cast<std::uint64_t>(r) * place.cols;
      if (group_cols == 1) {
        QGRAIN_INDEPENDENT_ITERATIONS
        for (index_t c = 0; c < in.shape.cols; ++c) {
          y[c] = Operation::apply(x[c], factors[static_cast<std::size_t>(c)], index + static_cast<std::uint64_t>(c),
                                  rounding);
        }
      } else {
        for_each_group(in.shape.cols, group_cols, row_body{x, y, factors.data(), index, rounding});
      }
    }
  }
};

/// Values to the values that their codes stand for, from the ranges of the groups.
template <class Element>
struct fake_operation {
  static constexpr lane_work lanes =
      encodes_in_lanes<Element> && restores_in_lanes<Element> ? lane_work::fake : lane_work::none;
  using element_type = Element;
  using factors_type = typename Element::factors_type;
  using rounding_type = typename Element::rounding_type;
  using source_type = typename Element::range_type;
  using in_type = float;
  using out_type = float;
  QGRAIN_ALWAYS_INLINE static factors_type factors(source_type range, float tensor_scale) {
    return Element::factors(Element::scale(range, tensor_scale), tensor_scale);
  }
  QGRAIN_ALWAYS_INLINE static float apply(float x, factors_type factors, std::uint64_t index, rounding_type rounding) {
    return Element::fake(x, factors, index, rounding);
  }
};
template <class Element>
using fake_block = element_block<fake_operation<Element>>;

/// Values to codes, from the stored scales.
template <class Element>
struct encode_operation {
  static constexpr lane_work lanes = encodes_in_lanes<Element> ? lane_work::encode : lane_work::none;
  using element_type = Element;
  using factors_type = typename Element::factors_type;
  using rounding_type = typename Element::rounding_type;
  using source_type = typename Element::stored_scale;
  using in_type = float;
  using out_type = typename Element::code_type;
  QGRAIN_ALWAYS_INLINE static factors_type factors(source_type scale, float tensor_scale) {
    return Element::factors(scale, tensor_scale);
  }
  QGRAIN_ALWAYS_INLINE static out_type apply(float x, factors_type factors, std::uint64_t index,
                                             rounding_type rounding) {
    return Element::encode(x, factors, index, rounding);
  }
};
template <class Element>
using encode_block = element_block<encode_operation<Element>>;

/// Codes to values, from the stored scales; nothing is rounded.
template <class Element>
struct decode_operation {
  static constexpr lane_work lanes = decodes_in_lanes<Element> ? lane_work::decode : lane_work::none;
  using element_type = Element;
  struct rounding_type {};
  using factors_type = typename Element::factors_type;
  using source_type = typename Element::stored_scale;
  using in_type = typename Element::code_type;
  using out_type = float;
  QGRAIN_ALWAYS_INLINE static factors_type factors(source_type scale, float tensor_scale) {
    return Element::factors(scale, tensor_scale);
  }
  QGRAIN_ALWAYS_INLINE static float apply(in_type code, factors_type factors, std::uint64_t, rounding_type) {
    return Element::decode(code, factors);
  }
};
template <class Element>
using decode_block = element_block<decode_operation<Element>>;

/// The stored scales of `groups` groups, from their ranges.
template <class Element>
struct scale_block {
  QGRAIN_ALWAYS_INLINE static void run(const typename Element::range_type* ranges, index_t groups, float tensor_scale,
                                       typename Element::stored_scale* scales) {
    QGRAIN_INDEPENDENT_ITERATIONS
    for (index_t g = 0; g < groups; ++g) scales[g] = Element::scale(ranges[g], tensor_scale);
  }
};

}  // namespace qgrain::detail

#endif
