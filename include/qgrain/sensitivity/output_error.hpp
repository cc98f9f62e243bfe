// What a change does to an output: squared distances, in sums that have the same bits on every processor.
#ifndef QGRAIN_SENSITIVITY_OUTPUT_ERROR_HPP
#define QGRAIN_SENSITIVITY_OUTPUT_ERROR_HPP

#include <qgrain/core/config.hpp>
#include <qgrain/core/lane_sum.hpp>
#include <qgrain/core/matrix_view.hpp>
#include <qgrain/host/run_widest.hpp>

namespace qgrain::sensitivity {

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
    *sum = qgrain::lane_sum<16>(count, squared_difference{a, b});
  }
};

}  // namespace detail

/// The sum over i of (a[i] - b[i])^2: differences rounded to float32, squares summed in double in sixteen lanes that
/// are folded in a fixed order. NaN where a difference is. Allocates nothing; safe to call from any thread.
[[nodiscard]] inline double squared_distance(const float* a, const float* b, index_t count) {
  double sum = 0;
  qgrain::run_widest<detail::squared_distance_run>(a, b, count, &sum);
  return sum;
}

}  // namespace qgrain::sensitivity

#endif
