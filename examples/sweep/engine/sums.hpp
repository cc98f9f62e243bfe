// Running sums of a scoring pass.
#ifndef QGRAIN_SWEEP_ENGINE_SUMS_HPP
#define QGRAIN_SWEEP_ENGINE_SUMS_HPP

#include <cstddef>
#include <cstdint>
#include <vector>

namespace qgrain::sweep {

/// How dX dW^T enters the scores of D = X dW^T + dX W^T + dX dW^T.
enum class cross_term : std::uint8_t {
  exact,    ///< a product for every job
  sampled,  ///< its own share, sum (G dX dW^T)^2, is measured on a sample of rows and scales the score without it
  neglect,  ///< left out; the sample only measures the error
};

/// Sums per job and Linear. `score` alone where the cross term is exact; else `score` is without it, and the others are
/// over the sampled rows, in two halves: the score without the cross term, that of the cross term by itself, and, of
/// the half that measures the error, the whole score.
struct score_sums {
  enum table : std::uint8_t { score, fit_without, fit_cross, check_without, check_cross, check_whole };
  static constexpr std::size_t tables = 6;

  score_sums(cross_term mode, std::size_t jobs, std::size_t linears_of_model)
      : linears(linears_of_model), values((mode == cross_term::exact ? 1U : tables) * jobs * linears_of_model, 0.0) {
    stride = jobs * linears;
  }
  [[nodiscard]] double& at(table which, std::size_t job, std::size_t linear) {
    return values[which * stride + job * linears + linear];
  }
  [[nodiscard]] double at(table which, std::size_t job, std::size_t linear) const {
    return values[which * stride + job * linears + linear];
  }

  std::size_t linears;
  std::vector<double> values;  ///< [table][job][Linear]
  std::size_t stride = 0;
};

}  // namespace qgrain::sweep

#endif
