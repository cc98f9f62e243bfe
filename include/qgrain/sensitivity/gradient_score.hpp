// What a change of a layer's output costs, to second order and on the diagonal: the gradient (empirical Fisher) score.
#ifndef QGRAIN_SENSITIVITY_GRADIENT_SCORE_HPP
#define QGRAIN_SENSITIVITY_GRADIENT_SCORE_HPP

#include <qgrain/core/bits.hpp>
#include <qgrain/core/config.hpp>
#include <qgrain/core/exponential.hpp>
#include <qgrain/core/lane_sum.hpp>
#include <qgrain/core/matrix_view.hpp>
#include <qgrain/host/run_widest.hpp>

namespace qgrain::sensitivity {

namespace detail {

/// (g[i] * (changed[i] - y[i]))^2, the product clamped.
struct gradient_term {
  const float* g;
  const float* changed;
  const float* y;

  [[nodiscard]] QGRAIN_ALWAYS_INLINE double operator()(index_t i) const noexcept {
    constexpr float limit = 1e10F;
    const float product = g[i] * (changed[i] - y[i]);
    const auto p = static_cast<double>(at_most(limit, float_from_magnitude(magnitude_bits(product))));
    return p * p;
  }
};

struct gradient_score_row {
  /// *sum += the terms of a row, in sixteen lanes.
  QGRAIN_ALWAYS_INLINE static void run(const float* g, const float* changed, const float* y, index_t count,
                                       double* sum) {
    *sum += qgrain::lane_sum<16>(count, gradient_term{g, changed, y});
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
  qgrain::run_widest<detail::gradient_score_row>(g, changed, y, count, &sum);
  return sum;
}

}  // namespace qgrain::sensitivity

#endif
