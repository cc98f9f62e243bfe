// The squared error of one group under one range, in one order of summation: scales are chosen by it.
#ifndef QGRAIN_QUANTIZER_GROUP_ERROR_HPP
#define QGRAIN_QUANTIZER_GROUP_ERROR_HPP

#include <qgrain/core/arithmetic.hpp>
#include <qgrain/core/config.hpp>
#include <qgrain/core/matrix_view.hpp>
#include <qgrain/scale/range.hpp>
#include <qgrain/scale/range_choice.hpp>

#include <cstddef>

namespace qgrain {

// The order is part of the result, because a choice depends on it. Elements of a group are numbered row by row. A run
// is error_run_elements consecutive numbers, the last one shorter. Element i of a run adds its term
// fl(fl(y - x)^2), y = fake(x), to lane i mod error_lanes; each lane is a float32 sum that starts at 0 and takes its
// terms by rising i. Lanes are added pairwise, lane l and l + 8, then l + 4, l + 2, l + 1. Sums of runs are added by
// rising number in float64. No product is fused. Threads and kernels may share the work by lanes and by runs.

inline constexpr int error_lanes = 16;               ///< float32 sums of a run
inline constexpr index_t error_run_elements = 4096;  ///< elements that share them

/// The term of one element.
template <class Element>
[[nodiscard]] QGRAIN_ELEMENTWISE constexpr float squared_error(float x, typename Element::factors_type f) noexcept {
  const float difference = sub_rn(Element::fake(x, f), x);
  return mul_rn(difference, difference);
}

/// The sum of the lanes, which are overwritten.
[[nodiscard]] QGRAIN_ELEMENTWISE constexpr float sum_of_lanes(float* lanes) noexcept {
  for (int width = error_lanes / 2; width > 0; width /= 2) {
    for (int lane = 0; lane < width; ++lane) lanes[lane] = add_rn(lanes[lane], lanes[lane + width]);
  }
  return lanes[0];
}

/// The error of elements [first, first + count) of a group; `first` is a multiple of error_lanes. Any leading dimension
/// and shape; one row is the fast case.
template <class Element>
[[nodiscard]] QGRAIN_ELEMENTWISE constexpr float run_error(matrix_view<const float> group, index_t first, index_t count,
                                                           typename Element::factors_type f) noexcept {
  float lanes[error_lanes] = {};
  if (group.shape.rows == 1) {
    const float* x = group.data + first;
    index_t i = 0;
    for (; i + error_lanes <= count; i += error_lanes) {
      for (int lane = 0; lane < error_lanes; ++lane) {
        lanes[lane] = add_rn(lanes[lane], squared_error<Element>(x[i + lane], f));
      }
    }
    for (int lane = 0; i + lane < count; ++lane) {
      lanes[lane] = add_rn(lanes[lane], squared_error<Element>(x[i + lane], f));
    }
  } else {
    index_t row = first / group.shape.cols;
    index_t col = first % group.shape.cols;
    for (index_t i = 0; i < count; ++i) {
      float& lane = lanes[i % error_lanes];
      lane = add_rn(lane, squared_error<Element>(group(row, col), f));
      if (++col == group.shape.cols) {
        col = 0;
        ++row;
      }
    }
  }
  return sum_of_lanes(lanes);
}

/// The error of a whole group.
template <class Element>
[[nodiscard]] QGRAIN_ELEMENTWISE constexpr double group_error(matrix_view<const float> group,
                                                              typename Element::factors_type f) noexcept {
  const index_t elements = group.shape.elements();
  double sum = 0.0;
  for (index_t first = 0; first < elements; first += error_run_elements) {
    const index_t count = smaller_of(error_run_elements, elements - first);
    sum += static_cast<double>(run_error<Element>(group, first, count, f));
  }
  return sum;
}

/// Whether a choice prefers error `a` over `b`, which it saw before: smaller; NaN is never preferred.
[[nodiscard]] QGRAIN_ELEMENTWISE constexpr bool smaller_error(double a, double b) noexcept {
  const bool a_is_number = a == a;  // NOLINT
  const bool b_is_number = b == b;  // NOLINT
  return a_is_number && (!b_is_number || a < b);
}

/// The factors under which `Element` would work with `range`.
template <class Element>
[[nodiscard]] QGRAIN_ELEMENTWISE constexpr typename Element::factors_type factors_for(
    typename Element::range_type range, float tensor_scale) noexcept {
  return Element::factors(Element::scale(range, tensor_scale), tensor_scale);
}

/// What `choice` makes of a group whose data has the given range: the definition, one group at a time.
template <class Element, std::size_t Count>
[[nodiscard]] QGRAIN_ELEMENTWISE constexpr typename Element::range_type least_error_range(
    matrix_view<const float> group, typename Element::range_type range, const mse_range<Count>& choice,
    float tensor_scale) noexcept {
  std::size_t best = 0;
  double least = 0.0;
  for (std::size_t i = 0; i < Count; ++i) {
    const auto f = factors_for<Element>(range_times(range, choice.factors[i]), tensor_scale);
    const double error = group_error<Element>(group, f);
    if (i == 0 || smaller_error(error, least)) {
      best = i;
      least = error;
    }
  }
  return range_times(range, choice.factors[best]);
}

}  // namespace qgrain

#endif
