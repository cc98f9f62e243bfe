// The squared distance of two runs of floats.
#ifndef QGRAIN_ENGINE_SCORE_SQUARED_DISTANCE_HPP
#define QGRAIN_ENGINE_SCORE_SQUARED_DISTANCE_HPP

#include <qgrain/core/config.hpp>
#include <qgrain/core/detail/lane_sum.hpp>
#include <qgrain/host/detail/instruction_set.hpp>

namespace qgrain::engine {

namespace detail {

struct squared_difference {
  const float* a;
  const float* b;

  [[nodiscard]] QGRAIN_ALWAYS_INLINE double operator()(index_t i) const noexcept {
    const auto difference = static_cast<double>(a[i] - b[i]);
    return difference * difference;
  }
};

struct squared_distance_run {
  QGRAIN_ALWAYS_INLINE static void run(const float* a, const float* b, index_t count, double* sum) {
    *sum = qgrain::detail::lane_sum<16>(count, squared_difference{a, b});
  }
};

}  // namespace detail

/// The sum over i of (a[i] - b[i])^2: differences rounded to float32, squares summed in double, with the same bits on
/// every processor. NaN where a difference is.
[[nodiscard]] inline double squared_distance(const float* a, const float* b, index_t count) {
  double sum = 0;
  qgrain::detail::run_widest<detail::squared_distance_run>(a, b, count, &sum);
  return sum;
}

}  // namespace qgrain::engine

#endif
