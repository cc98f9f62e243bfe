// The sums over the vocabulary that the divergence of one row of logits is made of.
#ifndef QGRAIN_ENGINE_MEASURE_ROW_SUMS_HPP
#define QGRAIN_ENGINE_MEASURE_ROW_SUMS_HPP

#include <engine/measure/divergence_kernels.hpp>
#include <engine/measure/head_comparison.hpp>

#include <cstdint>
#include <limits>

namespace qgrain::engine {

/// Of one row, over the slabs of the vocabulary so far: p its probabilities, d the change of its logits.
struct row_sums {
  // Below it the sum of p e^d over 1 loses digits.
  static constexpr double least_excess = -0.9;

  double beyond = 0;  // sum p (e^d - 1 - d)
  double shift = 0;   // sum p d
  float target_change = 0;
  float rise = -std::numeric_limits<float>::infinity();  // largest d
  float largest = -std::numeric_limits<float>::infinity();
  std::int32_t first_choice = 0;

  // sum p d and sum p (e^d - 1) of probabilities that add up to 1; `all` is their sum here.
  [[nodiscard]] double mean_change(double all) const { return shift / all; }
  [[nodiscard]] double excess(double all) const { return beyond / all + mean_change(all); }
  // Whether the excess has digits enough.
  [[nodiscard]] bool carries(double all) const { return excess(all) >= least_excess && rise <= largest_change; }
  // `growth`: log(sum p e^d).
  void finish(double all, double growth, row_comparison& found, bool is_padding, bool has_target) const {
    if (!is_padding) found.divergence = growth - mean_change(all);
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
