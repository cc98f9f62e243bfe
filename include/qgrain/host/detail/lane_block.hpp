// The stages of a block over lanes, from whatever holds its elements to where they belong. What is left of a row, and
// what holds a NaN, goes through the definition. Included once for each instruction set: see lane_loops.hpp.
#ifdef QGRAIN_LANES

/// An operation over a block.
template <class Operation, class In, class Out>
struct lane_block {
  using step_type = step_of<Operation>;
  using factors_type = typename Operation::factors_type;
  using in_type = typename Operation::in_type;
  using out_type = typename Operation::out_type;

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
    run_definition<by_definition>(static_cast<const in_type*>(x.data()), y.data(), count, factors, has_own);
    out.copy(first, count, y.data());
  }

  /// Groups of 1, 16 or 32 elements, which a step has some of.
  template <int Width>
  QGRAIN_LANES static void run_short(In in, Out out, index_t cols, const factors_type* factors,
                                     const group_numbers& numbers) {
    index_t c = 0;
    for (; c + step <= cols; c += step) {
      prefetch(in, c, cols);
      if (run_step<step_type, Width>(in, out, c, numbers, c / Width)) continue;
      for (index_t g = c; g < c + step; g += larger_of(Width, lanes)) {
        put_rest(in, out, g, larger_of(Width, lanes), factors + g / Width, Width == 1);
      }
    }
    constexpr index_t width = Width == 1 ? step : Width;
    for (; c < cols; c += width) put_rest(in, out, c, smaller_of(width, cols - c), factors + c / Width, Width == 1);
  }

  /// Groups of any number of steps, or one of any size.
  QGRAIN_LANES static void run_long(In in, Out out, index_t cols, index_t group_cols, const factors_type* factors,
                                    const group_numbers& numbers) {
    for (index_t group = 0; group * group_cols < cols; ++group) {
      const index_t end = smaller_of((group + 1) * group_cols, cols);
      index_t c = group * group_cols;
      const lane_factors shared = lane_factors::held(numbers, group);
      for (; c + step <= end; c += step) {
        prefetch(in, c, cols);
        if (!run_step<step_type>(in, out, c, shared, numbers.has_wide))
          put_rest(in, out, c, step, factors + group, false);
      }
      if (c < end) put_rest(in, out, c, end - c, factors + group, false);
    }
  }

  /// Whether it has done so: false for groups that steps do not begin with, and for scales that lanes do not divide by.
  QGRAIN_LANES static bool try_run(In in, Out out, shape2d shape, index_t group_cols,
                                   const typename Operation::source_type* sources, float tensor_scale) {
    const index_t groups = ceil_div(shape.cols, group_cols);
    const bool is_short = (group_cols == 1 || group_cols == 16 || group_cols == 32) && group_cols <= step;
    if (groups < 1 || (!is_short && group_cols % step != 0 && groups != 1)) return false;
    block_factors<factors_type> factors;
    group_numbers numbers;
    QGRAIN_INDEPENDENT_ITERATIONS
    for (index_t g = 0; g < groups; ++g) factors.data()[g] = Operation::factors(sources[g], tensor_scale);
    if (!step_type::prepare(factors.data(), groups, numbers)) return false;
    for (index_t r = 0; r < shape.rows; ++r) {
      if (!is_short) {
        run_long(in, out, shape.cols, group_cols, factors.data(), numbers);
      } else if (group_cols == 1) {
        run_short<1>(in, out, shape.cols, factors.data(), numbers);
      } else if (group_cols == 16) {
        run_short<16>(in, out, shape.cols, factors.data(), numbers);
      } else if constexpr (step >= 32) {
        run_short<32>(in, out, shape.cols, factors.data(), numbers);
      }
      in.next();
      out.next();
    }
    return true;
  }

  QGRAIN_LANES static void run(In in, Out out, shape2d shape, index_t group_cols,
                               const typename Operation::source_type* sources, float tensor_scale, bool* is_done) {
    *is_done = try_run(in, out, shape, group_cols, sources, tensor_scale);
  }
};

/// A kernel of the element stage, element_block<Operation>, over lanes where its scales allow.
template <class Kernel, class Operation>
struct element_loop {
  using in_type = typename Operation::in_type;
  using out_type = typename Operation::out_type;
  using source = std::conditional_t<Operation::lanes == lane_work::decode, code_source<in_type>, value_source<float>>;
  using target = std::conditional_t<Operation::lanes == lane_work::encode, code_target<out_type>, value_target<float>>;

  template <class... More>
  QGRAIN_LANES static void run(matrix_view<const in_type> in, matrix_view<out_type> out, index_t group_cols,
                               const typename Operation::source_type* sources, float tensor_scale, More... more) {
    if (lane_block<Operation, source, target>::try_run(source{in.data, in.leading_dimension},
                                                       target{out.data, out.leading_dimension}, in.shape, group_cols,
                                                       sources, tensor_scale)) {
      return;
    }
    run_definition<Kernel>(in, out, group_cols, sources, tensor_scale, more...);
  }
};

/// absmax_block<T>: some groups of whole vectors at a time; a single group of them in its lanes.
template <class Kernel, class T>
struct absmax_loop {
  QGRAIN_LANES static void run(matrix_view<const T> in, index_t group_cols, float* absmax) {
    const index_t cols = in.shape.cols;
    if (group_cols >= cols && cols >= 8 * lanes) return run_single(in, absmax);
    if (group_cols % lanes != 0) return run_definition<Kernel>(in, group_cols, absmax);
    const index_t groups = cols / group_cols;
    for (index_t r = 0; r < in.shape.rows; ++r) {
      index_t g = 0;
      for (; g + lanes <= groups; g += lanes) widen_groups(in.row(r) + g * group_cols, group_cols, absmax + g);
      if (g < groups) widen_few_groups(in.row(r) + g * group_cols, group_cols, groups - g, absmax + g);
    }
    const index_t done = groups * group_cols;
    if (done == cols) return;
    run_definition<Kernel>(matrix_view<const T>{in.data + done, {in.shape.rows, cols - done}, in.leading_dimension},
                           group_cols, absmax + groups);
  }

 private:
  QGRAIN_LANES static void run_single(matrix_view<const T> in, float* absmax) {
    const index_t whole = in.shape.cols / lanes * lanes;
    integers largest{};
    for (index_t r = 0; r < in.shape.rows; ++r) largest = larger(largest, largest_lanes(in.row(r), whole));
    float all[lanes];
    stored(largest, all);
    for (const float x : all) *absmax = qgrain::widened(*absmax, x);
    for (index_t r = 0; r < in.shape.rows; ++r) {
      for (index_t c = whole; c < in.shape.cols; ++c) *absmax = qgrain::widened(*absmax, to_float(in.row(r)[c]));
    }
  }
};

#endif
