// What a change of a layer's output costs, to second order and on the diagonal: the gradient (empirical Fisher) score.
#ifndef QGRAIN_SENSITIVITY_GRADIENT_SCORE_HPP
#define QGRAIN_SENSITIVITY_GRADIENT_SCORE_HPP

#include <qgrain/core/config.hpp>
#include <qgrain/core/matrix_view.hpp>
#include <qgrain/host/detail/instruction_set.hpp>

#include <algorithm>

namespace qgrain::sensitivity {

namespace detail {

struct gradient_score_row {
  /// *sum += sum over i of (g[i] * (changed[i] - y[i]))^2. Sixteen running sums in double, added pairwise at the end,
  /// so the result is the same on every processor. A product of two floats is exact in double: fusing it with the sum
  /// changes nothing.
  QGRAIN_ALWAYS_INLINE static void run(const float* g, const float* changed, const float* y, index_t count,
                                       double* sum) {
    constexpr index_t lanes = 16;
    constexpr float limit = 1e10F;
    double sums[lanes] = {};
    index_t i = 0;
    for (; i + lanes <= count; i += lanes) {
      for (index_t l = 0; l < lanes; ++l) {
        const float product = g[i + l] * (changed[i + l] - y[i + l]);
        const auto p = static_cast<double>(std::max(-limit, std::min(limit, product)));
        sums[l] += p * p;
      }
    }
    for (index_t l = 0; l < count - i; ++l) {
      const float product = g[i + l] * (changed[i + l] - y[i + l]);
      const auto p = static_cast<double>(std::max(-limit, std::min(limit, product)));
      sums[l] += p * p;
    }
    for (index_t half = lanes / 2; half > 0; half /= 2) {
      for (index_t l = 0; l < half; ++l) sums[l] += sums[l + half];
    }
    *sum += sums[0];
  }
};

}  // namespace detail

/// The sum over i of (g[i] * (changed[i] - y[i]))^2 for one row of a layer's outputs.
///
/// g: gradient of the loss at the output; y: the output; changed: the output with quantized weight or input. `count`
/// floats each. The difference and its product with g are rounded to float32; products are clamped to +-1e10 as in
/// ModelOpt 0.47, squared and summed in double. A NaN makes the sum NaN or counts as the clamp's bound; check inputs
/// for finiteness beforehand. Source: M. Nagel-style second-order expansion as used by ModelOpt's AutoQuant, method
/// "gradient".
[[nodiscard]] inline double gradient_score(const float* g, const float* changed, const float* y, index_t count) {
  double sum = 0;
  qgrain::detail::run_widest<detail::gradient_score_row>(g, changed, y, count, &sum);
  return sum;
}

}  // namespace qgrain::sensitivity

#endif
