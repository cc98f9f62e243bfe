// Errors of Linears as scores that a search may add up.
#ifndef QGRAIN_ENGINE_SCORE_ADDITIVE_SCORES_HPP
#define QGRAIN_ENGINE_SCORE_ADDITIVE_SCORES_HPP

#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

namespace qgrain::engine {

/// [job][Linear] sums of squared errors from their means: `counts` [Linear] is over how many elements each mean is
/// (engine_result::scored_outputs for mse, the number of weights for weight_errors). The sum of a group is the sum over
/// its members; means would not add up.
[[nodiscard]] inline std::vector<std::vector<double>> squared_errors(std::vector<std::vector<double>> means,
                                                                     std::span<const double> counts) {
  for (std::vector<double>& job : means) {
    for (std::size_t l = 0; l < job.size(); ++l) job[l] *= counts[l];
  }
  return means;
}

/// [job][Linear] power of the error over that of the signal, 10^(-dB / 10): decibels do not add up, and more of them is
/// better. 0 where nothing changed.
[[nodiscard]] inline std::vector<std::vector<double>> noise_to_signal(std::vector<std::vector<double>> sqnr_db) {
  for (std::vector<double>& job : sqnr_db) {
    for (double& value : job) value = std::pow(10.0, -value / 10);
  }
  return sqnr_db;
}

}  // namespace qgrain::engine

#endif
