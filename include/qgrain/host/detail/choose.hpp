// Ranges by choice: which group, which elements of it, on which thread.
#ifndef QGRAIN_HOST_DETAIL_CHOOSE_HPP
#define QGRAIN_HOST_DETAIL_CHOOSE_HPP

#include <qgrain/core/bits.hpp>
#include <qgrain/core/half.hpp>
#include <qgrain/core/matrix_view.hpp>
#include <qgrain/host/detail/block_kernels.hpp>
#include <qgrain/host/detail/error_lanes.hpp>
#include <qgrain/host/detail/lane_rules.hpp>
#include <qgrain/host/run_widest.hpp>
#include <qgrain/host/task_runner.hpp>
#include <qgrain/quantizer/group_error.hpp>
#include <qgrain/scale/range.hpp>
#include <qgrain/scale/range_choice.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <type_traits>
#include <vector>

namespace qgrain::detail {

/// The groups of a matrix, numbered row by row.
template <class T>
struct group_grid {
  matrix_view<const T> in;
  shape2d group;

  [[nodiscard]] index_t groups_per_row() const noexcept { return ceil_div(in.shape.cols, group.cols); }
  [[nodiscard]] index_t count() const noexcept { return ceil_div(in.shape.rows, group.rows) * groups_per_row(); }
  [[nodiscard]] matrix_view<const T> operator[](index_t g) const noexcept {
    const index_t row = g / groups_per_row() * group.rows;
    const index_t col = g % groups_per_row() * group.cols;
    return {in.row(row) + col,
            {std::min(group.rows, in.shape.rows - row), std::min(group.cols, in.shape.cols - col)},
            in.leading_dimension};
  }
};

/// body(x) for elements [first, first + count) of a group, row by row.
template <class T, class Body>
void for_each_element(matrix_view<const T> group, index_t first, index_t count, const Body& body) {
  index_t row = first / group.shape.cols;
  for (index_t col = first % group.shape.cols; count > 0; ++row, col = 0) {
    const index_t here = std::min(count, group.shape.cols - col);
    const T* x = group.row(row) + col;
    for (index_t i = 0; i < here; ++i) body(to_float(x[i]));
    count -= here;
  }
}

/// At most a run of elements as one row of floats: the memory itself, or a copy.
class run_of_elements {
 public:
  template <class T>
  [[nodiscard]] const float* row(matrix_view<const T> group, index_t first, index_t count) {
    if constexpr (std::is_same_v<T, float>) {
      if (group.shape.rows == 1 || group.leading_dimension == group.shape.cols) return group.data + first;
    }
    float* next = copy_.data();
    for_each_element(group, first, count, [&](float x) { *next++ = x; });
    return copy_.data();
  }

 private:
  std::array<float, static_cast<std::size_t>(error_run_elements)> copy_;
};

/// The errors of neighbouring groups of a row, each under its range times `factor`.
template <class Element>
struct group_errors_kernel : error_lane_loops<group_errors_kernel<Element>, Element> {
  using factors_type = typename Element::factors_type;
  using range_type = typename Element::range_type;

  /// Groups of so many elements as there are lanes: a term is a lane, and the lanes of all groups are added together.
  QGRAIN_ALWAYS_INLINE static void run_lanes(const float* x, index_t groups, const factors_type* factors,
                                             float* errors) {
    std::array<float, static_cast<std::size_t>(max_block_groups * error_lanes)> terms;
    for (index_t g = 0; g < groups; ++g) {
      const factors_type shared = factors[g];
      QGRAIN_INDEPENDENT_ITERATIONS
      for (index_t i = 0; i < error_lanes; ++i) {
        terms.data()[g * error_lanes + i] = squared_error<Element>(x[g * error_lanes + i], shared);
      }
    }
    add_all_lanes(terms.data(), groups, errors);
  }
  /// The sum of each group's lanes, which are used up, halves onto halves.
  QGRAIN_ALWAYS_INLINE static void add_all_lanes(float* lanes, index_t groups, float* sums) {
    add_halves<error_lanes / 2>(lanes, groups, lanes);
    add_halves<error_lanes / 4>(lanes, groups, lanes);
    add_halves<error_lanes / 8>(lanes, groups, lanes);
    add_halves<error_lanes / 16>(lanes, groups, sums);
  }
  /// Of each 2 Width lanes the sums of l and l + Width, which take up the first of them.
  template <index_t Width>
  QGRAIN_ALWAYS_INLINE static void add_halves(const float* lanes, index_t groups, float* sums) {
    for (index_t g = 0; g < groups; ++g) {
      QGRAIN_INDEPENDENT_ITERATIONS
      for (index_t i = 0; i < Width; ++i) {
        sums[g * Width + i] = add_rn(lanes[g * 2 * Width + i], lanes[g * 2 * Width + Width + i]);
      }
    }
  }

  struct row_body {
    const float* x;
    const factors_type* factors;
    float* errors;
    template <index_t Width>
    QGRAIN_ALWAYS_INLINE void run(index_t group, index_t first, index_t count) const {
      const index_t size = Width == 0 ? count : Width;
      errors[group] = run_error<Element>(matrix_view<const float>{x + first, {1, size}}, 0, size, factors[group]);
    }
  };

  QGRAIN_ALWAYS_INLINE static void run(const float* x, index_t count, index_t group_cols, const range_type* ranges,
                                       float factor, float tensor_scale, float* errors) {
    block_factors<factors_type> factors;
    const index_t groups = ceil_div(count, group_cols);
    block_factors<typename Element::stored_scale> scales;
    QGRAIN_INDEPENDENT_ITERATIONS
    for (index_t g = 0; g < groups; ++g) {
      scales.data()[g] = Element::scale(range_times(ranges[g], factor), tensor_scale);
    }
    QGRAIN_INDEPENDENT_ITERATIONS
    for (index_t g = 0; g < groups; ++g) factors.data()[g] = Element::factors(scales.data()[g], tensor_scale);
    const index_t whole = group_cols == error_lanes ? count / error_lanes : 0;
    run_lanes(x, whole, factors.data(), errors);
    if (whole < groups) {
      const index_t first = whole * group_cols;
      for_each_group(count - first, group_cols, row_body{x + first, factors.data() + whole, errors + whole});
    }
  }
};

/// The error of at most a run under a group's range times `factor`.
template <class Element>
[[nodiscard]] float error_of_row(const float* x, index_t count, const typename Element::range_type& range, float factor,
                                 float tensor_scale) {
  float error = 0.0F;
  run_widest<group_errors_kernel<Element>>(x, count, count, &range, factor, tensor_scale, &error);
  return error;
}

/// body(g) for each group, several groups to a task.
template <class T, class Body>
void for_each_group_of(task_runner& runner, const group_grid<T>& groups, const Body& body) {
  constexpr index_t task_elements = 1 << 16;
  const index_t per_task = std::max<index_t>(1, task_elements / groups.group.elements());
  for_each_chunk(runner, groups.count(), per_task, body);
}

/// The place of the least error, the first of equal ones.
template <std::size_t Count>
[[nodiscard]] std::size_t least_of(const std::array<double, Count>& errors) noexcept {
  return static_cast<std::size_t>(std::min_element(errors.begin(), errors.end(), smaller_error) - errors.begin());
}

/// The same for groups within rows, some neighbours at a time.
template <class Element, class T, std::size_t Count>
void choose_along_rows(task_runner& runner, const group_grid<T>& groups, const mse_range<Count>& choice,
                       float tensor_scale, std::vector<typename Element::range_type>& ranges) {
  const shape2d shape = groups.in.shape;
  const index_t per_row = groups.groups_per_row();
  const index_t most = std::min(max_block_groups, error_run_elements / groups.group.cols);
  constexpr index_t task_elements = 1 << 16;
  for_each_chunk(runner, shape.rows, std::max<index_t>(1, task_elements / shape.cols), [&](index_t begin, index_t end) {
    run_of_elements elements;
    std::array<block_factors<float>, Count> errors;
    for (index_t r = begin; r < end; ++r) {
      for (index_t g = 0; g < per_row; g += most) {
        const index_t first = g * groups.group.cols;
        const index_t here = std::min(most, per_row - g);
        const index_t count = std::min(here * groups.group.cols, shape.cols - first);
        const float* x = elements.row(groups.in.band(r, 1), first, count);
        auto* const range = ranges.data() + r * per_row + g;
        for (std::size_t i = 0; i < Count; ++i) {
          run_widest<group_errors_kernel<Element>>(x, count, groups.group.cols,
                                                   static_cast<const typename Element::range_type*>(range),
                                                   choice.factors[i], tensor_scale, errors[i].data());
        }
        for (index_t k = 0; k < here; ++k) {
          std::array<double, Count> of_group;
          for (std::size_t i = 0; i < Count; ++i) of_group[i] = static_cast<double>(errors[i].data()[k]);
          range[k] = range_times(range[k], choice.factors[least_of(of_group)]);
        }
      }
    }
  });
}

/// Replaces the ranges of the data by those with the least error.
template <class Element, class T, std::size_t Count>
void choose(task_runner& runner, const group_grid<T>& groups, const mse_range<Count>& choice, float tensor_scale,
            std::vector<typename Element::range_type>& ranges) {
  if (groups.group.rows == 1 && groups.group.cols <= error_run_elements) {
    return choose_along_rows<Element>(runner, groups, choice, tensor_scale, ranges);
  }
  if (groups.group.elements() <= error_run_elements) {
    for_each_group_of(runner, groups, [&](index_t begin, index_t end) {
      run_of_elements elements;
      for (index_t g = begin; g < end; ++g) {
        const matrix_view<const T> group = groups[g];
        const index_t count = group.shape.elements();
        const float* x = elements.row(group, 0, count);
        auto& range = ranges[static_cast<std::size_t>(g)];
        std::array<double, Count> errors;
        for (std::size_t i = 0; i < Count; ++i) {
          errors[i] = static_cast<double>(error_of_row<Element>(x, count, range, choice.factors[i], tensor_scale));
        }
        range = range_times(range, choice.factors[least_of(errors)]);
      }
    });
    return;
  }
  // Groups of several runs: the runs are shared out, their sums are added in order afterwards.
  const index_t most_runs = ceil_div(groups.group.elements(), error_run_elements);
  std::vector<std::array<float, Count>> errors(static_cast<std::size_t>(groups.count() * most_runs));
  runner.run(groups.count() * most_runs, [&](index_t task) {
    const index_t g = task / most_runs;
    const index_t first = task % most_runs * error_run_elements;
    const matrix_view<const T> group = groups[g];
    const index_t count = std::min(error_run_elements, group.shape.elements() - first);
    if (count <= 0) return;  // a smaller group at the edge: its last sums stay 0
    run_of_elements elements;
    const float* x = elements.row(group, first, count);
    for (std::size_t i = 0; i < Count; ++i) {
      errors[static_cast<std::size_t>(task)][i] =
          error_of_row<Element>(x, count, ranges[static_cast<std::size_t>(g)], choice.factors[i], tensor_scale);
    }
  });
  for (index_t g = 0; g < groups.count(); ++g) {
    std::array<double, Count> sums{};
    for (index_t run = 0; run < most_runs; ++run) {
      for (std::size_t i = 0; i < sums.size(); ++i) {
        sums[i] += static_cast<double>(errors[static_cast<std::size_t>(g * most_runs + run)][i]);
      }
    }
    auto& range = ranges[static_cast<std::size_t>(g)];
    range = range_times(range, choice.factors[least_of(sums)]);
  }
}

/// Integers in the order of the floats, and back: the same exchange both ways.
[[nodiscard]] constexpr std::int32_t ordered(std::int32_t bits) noexcept {
  return bits < 0 ? bits ^ std::numeric_limits<std::int32_t>::max() : bits;
}

/// The largest number of each piece of so many; a few at the end belong to none.
inline constexpr index_t percentile_piece = 16;
struct largest_of_pieces {
  QGRAIN_ALWAYS_INLINE static void run(const std::int32_t* values, index_t pieces, std::int32_t* largest) {
    for (index_t p = 0; p < pieces; ++p) {
      std::int32_t most = values[p * percentile_piece];
      QGRAIN_INDEPENDENT_ITERATIONS
      for (index_t i = 0; i < percentile_piece; ++i) {
        most = larger_of(most, values[p * percentile_piece + i]);
      }
      largest[p] = most;
    }
  }
};

/// Keeps the numbers that the `count` largest ones are among, in any order. Of the pieces as many have a largest number
/// that is not below `least`: so many numbers are not, and lie in those pieces or behind the last one.
inline void keep_largest(std::vector<std::int32_t>& values, index_t count, std::vector<std::int32_t>& largest) {
  const index_t pieces = static_cast<index_t>(values.size()) / percentile_piece;
  if (count > pieces / 4) return;
  largest.resize(static_cast<std::size_t>(2 * pieces));
  run_widest<largest_of_pieces>(static_cast<const std::int32_t*>(values.data()), pieces, largest.data());
  const auto copy = std::copy_n(largest.begin(), pieces, largest.begin() + pieces) - pieces;
  std::nth_element(copy, copy + (pieces - count), copy + pieces);
  const std::int32_t least = copy[pieces - count];
  auto kept = values.begin();
  for (index_t p = 0; p < pieces; ++p) {
    if (largest[static_cast<std::size_t>(p)] < least) continue;
    const auto piece = values.begin() + p * percentile_piece;
    kept = std::copy_if(piece, piece + percentile_piece, kept, [&](std::int32_t x) { return x >= least; });
  }
  values.erase(std::copy(values.begin() + pieces * percentile_piece, values.end(), kept), values.end());
}

/// The percentile of values given as ordered integers, which are rearranged.
[[nodiscard]] inline float percentile(std::vector<std::int32_t>& values, const percentile_range& choice,
                                      std::vector<std::int32_t>& scratch) {
  const auto place = choice.place_among(static_cast<index_t>(values.size()));
  const index_t not_below = static_cast<index_t>(values.size()) - place.below;
  keep_largest(values, not_below, scratch);
  const auto at = values.end() - not_below;
  std::nth_element(values.begin(), at, values.end());
  const auto value = [](std::int32_t key) { return float_from_magnitude(ordered(key)); };
  if (at + 1 == values.end()) return value(*at);
  return percentile_range::between(value(*at), value(*std::min_element(at + 1, values.end())), place.fraction);
}

/// Ranges of groups without NaN are replaced by percentiles.
template <class Element, class T>
void choose(task_runner& runner, const group_grid<T>& groups, const percentile_range& choice, float,
            std::vector<typename Element::range_type>& ranges) {
  using range_type = typename Element::range_type;
  static_assert(std::is_same_v<range_type, float> || std::is_same_v<range_type, signed_range>,
                "qgrain::percentile_range: this scale asks for more than magnitudes; use data_range or mse_range with "
                "it, or a scale of the largest magnitude or of both ends");
  for_each_group_of(runner, groups, [&](index_t begin, index_t end) {
    std::vector<std::int32_t> values;
    std::vector<std::int32_t> scratch;
    const auto percentile_with = [&](matrix_view<const T> group, auto key) {
      values.resize(static_cast<std::size_t>(group.shape.elements()));
      std::int32_t* next = values.data();
      for (index_t r = 0; r < group.shape.rows; ++r, next += group.shape.cols) {
        const T* x = group.row(r);
        QGRAIN_INDEPENDENT_ITERATIONS
        for (index_t c = 0; c < group.shape.cols; ++c) next[c] = key(to_float(x[c]));
      }
      return percentile(values, choice, scratch);
    };
    for (index_t g = begin; g < end; ++g) {
      range_type& range = ranges[static_cast<std::size_t>(g)];
      if (is_nan(range)) continue;
      if constexpr (std::is_same_v<range_type, float>) {
        range = percentile_with(groups[g], [](float x) { return magnitude_bits(x); });
      } else {
        const auto signed_key = [](std::uint32_t bits) { return ordered(static_cast<std::int32_t>(bits)); };
        const float above = percentile_with(groups[g], [&](float x) { return signed_key(bits_of(x)); });
        const float below = percentile_with(groups[g], [&](float x) { return signed_key(bits_of(x) ^ f32_sign_bit); });
        range = {below > 0.0F ? below : 0.0F, above > 0.0F ? above : 0.0F};
      }
    }
  });
}

template <class Element, class T>
void choose(task_runner&, const group_grid<T>&, const data_range&, float,
            std::vector<typename Element::range_type>&) noexcept {}

}  // namespace qgrain::detail

#endif
