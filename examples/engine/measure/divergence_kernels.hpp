// Probabilities of a row of logits, and what a change of the logits does to them: the loops over the vocabulary.
#ifndef QGRAIN_ENGINE_MEASURE_DIVERGENCE_KERNELS_HPP
#define QGRAIN_ENGINE_MEASURE_DIVERGENCE_KERNELS_HPP

#include <lm/elementary.hpp>
#include <lm/fused_kernels.hpp>

#include <qgrain/core/arithmetic.hpp>
#include <qgrain/core/config.hpp>
#include <qgrain/core/matrix_view.hpp>

#include <algorithm>
#include <cstdint>

namespace qgrain::engine {

/// Running sums of these kernels; unlike those of lane_sum they are added one after another at the end.
inline constexpr index_t divergence_lanes = 16;
/// Largest change of a logit that is taken as it is; e^d stays far from overflow.
inline constexpr float largest_change = 80.0F;

/// e^d - 1 - d in single precision for |d| <= largest_change: lm::exp_accurate with the parts that cancel near 0 left
/// out.
[[nodiscard]] QGRAIN_ELEMENTWISE float exp_beyond_first_order(float d) {
  const lm::exp_parts e = lm::parts_of_exp(d);
  const float power = power_of_two(static_cast<std::int32_t>(e.power));
  // 2^n (1 + r + r^2 p) - 1 - d; where n is 0, r is d.
  return add_rn(fma_rn(power, mul_rn(mul_rn(e.rest, e.rest), e.tail), fma_rn(power, e.rest, -d)), sub_rn(power, 1.0F));
}

/// p[i] := exp(z[i] - log_sum); adds their sum to *total.
struct probabilities_row {
  QGRAIN_ALWAYS_INLINE static void run(const float* z, index_t n, float log_sum, float* p, double* total) {
    double sums[divergence_lanes] = {};
    const index_t whole = n - n % divergence_lanes;
    for (index_t j = 0; j < whole; j += divergence_lanes) {
      for (index_t i = 0; i < divergence_lanes; ++i) {
        p[j + i] = lm::exp_accurate(sub_rn(z[j + i], log_sum));
        sums[i] += static_cast<double>(p[j + i]);
      }
    }
    for (index_t j = whole; j < n; ++j) {
      p[j] = lm::exp_accurate(sub_rn(z[j], log_sum));
      sums[j - whole] += static_cast<double>(p[j]);
    }
    for (const double s : sums) *total += s;
  }
};

/// Adds sum p (e^d - 1 - d) and sum p d of d = q - z, and raises *top to the largest d.
struct divergence_row {
  QGRAIN_ALWAYS_INLINE static void run(const float* p, const float* z, const float* q, index_t n, double* beyond,
                                       double* shift, float* top) {
    double beyonds[divergence_lanes] = {};
    double shifts[divergence_lanes] = {};
    float tops[divergence_lanes];
    for (index_t i = 0; i < divergence_lanes; ++i) tops[i] = *top;
    const auto add = [&](index_t j, index_t i) {
      const float d = sub_rn(q[j], z[j]);
      // Below -87 e^d is nothing beside 1.
      const float bounded = lm::at_least(-87.0F, lm::at_most(largest_change, d));
      const float rest = exp_beyond_first_order(bounded);
      beyonds[i] += static_cast<double>(mul_rn(p[j], add_rn(rest, sub_rn(bounded, d))));
      shifts[i] += static_cast<double>(mul_rn(p[j], d));
      tops[i] = d > tops[i] ? d : tops[i];
    };
    const index_t whole = n - n % divergence_lanes;
    for (index_t j = 0; j < whole; j += divergence_lanes) {
      for (index_t i = 0; i < divergence_lanes; ++i) add(j + i, i);
    }
    for (index_t j = whole; j < n; ++j) add(j, j - whole);
    for (index_t i = 0; i < divergence_lanes; ++i) {
      *beyond += beyonds[i];
      *shift += shifts[i];
      *top = std::max(*top, tops[i]);
    }
  }
};

}  // namespace qgrain::engine

#endif
