// Ranges by choice: which group, which elements of it, on which thread.
#ifndef QGRAIN_HOST_DETAIL_CHOOSE_HPP
#define QGRAIN_HOST_DETAIL_CHOOSE_HPP

#include <qgrain/core/bits.hpp>
#include <qgrain/core/half.hpp>
#include <qgrain/core/matrix_view.hpp>
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

template <class Element>
struct run_error_kernel {
  QGRAIN_ALWAYS_INLINE static void run(const float* x, index_t count, typename Element::factors_type f, float* error) {
    *error = run_error<Element>(matrix_view<const float>{x, {1, count}}, 0, count, f);
  }
};

/// The error of at most a run.
template <class Element>
[[nodiscard]] float error_of_row(const float* x, index_t count, typename Element::range_type range,
                                 float tensor_scale) {
  float error = 0.0F;
  run_widest<run_error_kernel<Element>>(x, count, factors_for<Element>(range, tensor_scale), &error);
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

/// Replaces the ranges of the data by those with the least error.
template <class Element, class T, std::size_t Count>
void choose(task_runner& runner, const group_grid<T>& groups, const mse_range<Count>& choice, float tensor_scale,
            std::vector<typename Element::range_type>& ranges) {
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
          errors[i] =
              static_cast<double>(error_of_row<Element>(x, count, range_times(range, choice.factors[i]), tensor_scale));
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
      errors[static_cast<std::size_t>(task)][i] = error_of_row<Element>(
          x, count, range_times(ranges[static_cast<std::size_t>(g)], choice.factors[i]), tensor_scale);
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

/// The percentile of values given as ordered integers, which are rearranged.
[[nodiscard]] inline float percentile(std::vector<std::int32_t>& values, const percentile_range& choice) {
  const auto place = choice.place_among(static_cast<index_t>(values.size()));
  const auto at = values.begin() + place.below;
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
    const auto percentile_with = [&](matrix_view<const T> group, auto key) {
      values.clear();
      for_each_element(group, 0, group.shape.elements(), [&](float x) { values.push_back(key(x)); });
      return percentile(values, choice);
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
