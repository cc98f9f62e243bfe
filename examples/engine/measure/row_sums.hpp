// The sums over the vocabulary that the divergence of one row of logits is made of.
#ifndef QGRAIN_ENGINE_MEASURE_ROW_SUMS_HPP
#define QGRAIN_ENGINE_MEASURE_ROW_SUMS_HPP

#include <engine/measure/head_comparison.hpp>

#include <qgrain/sensitivity/kl_divergence.hpp>

#include <cstdint>
#include <limits>

namespace qgrain::engine {

/// Of one row, over the slabs of the vocabulary so far: the divergence, and what becomes of target and first choice.
struct row_sums {
  sensitivity::divergence_sums change;
  float target_change = 0;
  float largest = -std::numeric_limits<float>::infinity();
  std::int32_t first_choice = 0;

  // `all`: the sum of the row's probabilities; `growth`: of the logarithm of the denominator.
  void finish(double all, double growth, row_comparison& found, bool is_padding, bool has_target) const {
    if (!is_padding) found.divergence = change.divergence(all, growth);
    if (has_target) found.loss_increase = growth - static_cast<double>(target_change);
  }

  void choose(const float* z, index_t n, index_t first_output) {
    for (index_t i = 0; i < n; ++i) {
      if (z[i] > largest) {
        largest = z[i];
        first_choice = static_cast<std::int32_t>(first_output + i);
      }
    }
  }
};

}  // namespace qgrain::engine

#endif
