// The element stage of a block over lanes of AVX-512: 64 elements of a row at a time, from whatever holds them to where
// they belong. What is left of a row, and what holds a NaN, goes through the definition.
#ifndef QGRAIN_HOST_DETAIL_AVX512_BLOCK_HPP
#define QGRAIN_HOST_DETAIL_AVX512_BLOCK_HPP

#include <qgrain/core/bits.hpp>
#include <qgrain/core/config.hpp>
#include <qgrain/core/matrix_view.hpp>
#include <qgrain/host/detail/avx512_loops.hpp>
#include <qgrain/host/detail/avx512_ports.hpp>
#include <qgrain/host/run_widest.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

#if QGRAIN_HOST_INSTRUCTION_SETS == 3

namespace qgrain::detail::avx512 {

/// An operation with a `lane_step` over a block of at most `Groups` groups.
template <class Operation, class In, class Out, std::size_t Groups>
struct lane_block {
  using step_type = typename Operation::lane_step;
  using factors_type = typename Operation::factors_type;
  using in_type = typename Operation::in_type;
  using out_type = typename Operation::out_type;
  using numbers_type = group_numbers<Groups>;

  /// A few elements by the definition, under one group's factors or each its own.
  struct by_definition {
    QGRAIN_ALWAYS_INLINE static void run(const in_type* in, out_type* out, index_t count, const factors_type* factors,
                                         bool has_own) {
      if (has_own) {
        QGRAIN_INDEPENDENT_ITERATIONS
        for (index_t i = 0; i < count; ++i) out[i] = Operation::apply(in[i], factors[i], 0, {});
      } else {
        const factors_type shared = *factors;
        QGRAIN_INDEPENDENT_ITERATIONS
        for (index_t i = 0; i < count; ++i) out[i] = Operation::apply(in[i], shared, 0, {});
      }
    }
  };
  __attribute__((noinline)) static void put_rest(In in, Out out, index_t first, index_t count,
                                                 const factors_type* factors, bool has_own) {
    std::array<in_type, step> x{};
    std::array<out_type, step> y{};
    in.copied(first, count, x.data());
    run_avx2<by_definition>(static_cast<const in_type*>(x.data()), y.data(), count, factors, has_own);
    out.copy(first, count, y.data());
  }

  /// The block to the right, or the next row, whose ranges are found next.
  QGRAIN_AVX512 static void prefetch(In in, index_t i) {
    if constexpr (requires { in.prefetch(i); }) in.prefetch(i);
  }

  /// Groups of 1, 16 or 32 lanes.
  template <int Width>
  QGRAIN_AVX512 static void run_short(In in, Out out, index_t cols, const factors_type* factors,
                                      const numbers_type& numbers) {
    index_t c = 0;
    for (; c + step <= cols; c += step) {
      prefetch(in, c + cols);
      if (run_step<step_type, Width>(in, out, c, numbers, c / Width)) continue;
      for (index_t g = c; g < c + step; g += larger_of(Width, lanes)) {
        put_rest(in, out, g, larger_of(Width, lanes), factors + g / Width, Width == 1);
      }
    }
    constexpr index_t width = Width == 1 ? step : Width;
    for (; c < cols; c += width) put_rest(in, out, c, smaller_of(width, cols - c), factors + c / Width, Width == 1);
  }

  /// Groups of any number of steps, or one of any size.
  QGRAIN_AVX512 static void run_long(In in, Out out, index_t cols, index_t group_cols, const factors_type* factors,
                                     const numbers_type& numbers) {
    for (index_t group = 0; group * group_cols < cols; ++group) {
      const index_t end = smaller_of((group + 1) * group_cols, cols);
      index_t c = group * group_cols;
      const lane_factors shared = lane_factors::held(numbers, group);
      for (; c + step <= end; c += step) {
        prefetch(in, c + cols);
        if (!run_step<step_type>(in, out, c, shared, numbers.has_wide))
          put_rest(in, out, c, step, factors + group, false);
      }
      if (c < end) put_rest(in, out, c, end - c, factors + group, false);
    }
  }

  /// Whether it has done so: false for groups that steps do not begin with, and for scales that lanes do not divide by.
  QGRAIN_AVX512 static bool run(In in, Out out, shape2d shape, index_t group_cols,
                                const typename Operation::source_type* sources, float tensor_scale) {
    const index_t groups = ceil_div(shape.cols, group_cols);
    const bool is_long = group_cols % step == 0 || groups == 1;
    if (groups < 1 || (!is_long && group_cols != 1 && group_cols != 16 && group_cols != 32)) return false;
    std::array<factors_type, Groups> factors;
    numbers_type numbers;
    QGRAIN_INDEPENDENT_ITERATIONS
    for (index_t g = 0; g < groups; ++g) factors.data()[g] = Operation::factors(sources[g], tensor_scale);
    if (!step_type::prepare(factors.data(), groups, numbers)) return false;
    for (index_t r = 0; r < shape.rows; ++r) {
      if (is_long) {
        run_long(in, out, shape.cols, group_cols, factors.data(), numbers);
      } else if (group_cols == 1) {
        run_short<1>(in, out, shape.cols, factors.data(), numbers);
      } else if (group_cols == 16) {
        run_short<16>(in, out, shape.cols, factors.data(), numbers);
      } else {
        run_short<32>(in, out, shape.cols, factors.data(), numbers);
      }
      in.next();
      out.next();
    }
    return true;
  }

  struct call {
    QGRAIN_AVX512 static void run_avx512(In in, Out out, shape2d shape, index_t group_cols,
                                         const typename Operation::source_type* sources, float tensor_scale,
                                         bool* is_done) {
      *is_done = lane_block::run(in, out, shape, group_cols, sources, tensor_scale);
    }
  };
};

}  // namespace qgrain::detail::avx512

#endif

#endif
