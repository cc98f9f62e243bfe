// The squared distance of two runs of floats.
#ifndef QGRAIN_ENGINE_SCORE_SQUARED_DISTANCE_HPP
#define QGRAIN_ENGINE_SCORE_SQUARED_DISTANCE_HPP

#include <qgrain/core/config.hpp>
#include <qgrain/host/detail/instruction_set.hpp>

namespace qgrain::sweep {

namespace detail {

struct squared_distance_run {
  /// Sixteen running sums, added pairwise at the end. The square of a float is exact in double, so fusing it with the
  /// sum changes nothing.
  QGRAIN_ALWAYS_INLINE static void run(const float* a, const float* b, index_t count, double* sum) {
    constexpr index_t lanes = 16;
    double sums[lanes] = {};
    index_t i = 0;
    for (; i + lanes <= count; i += lanes) {
      for (index_t l = 0; l < lanes; ++l) {
        const auto difference = static_cast<double>(a[i + l] - b[i + l]);
        sums[l] += difference * difference;
      }
    }
    for (index_t l = 0; l < count - i; ++l) {
      const auto difference = static_cast<double>(a[i + l] - b[i + l]);
      sums[l] += difference * difference;
    }
    for (index_t half = lanes / 2; half > 0; half /= 2) {
      for (index_t l = 0; l < half; ++l) sums[l] += sums[l + half];
    }
    *sum = sums[0];
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

}  // namespace qgrain::sweep

#endif
