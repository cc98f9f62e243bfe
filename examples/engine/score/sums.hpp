// Running sums of a scoring pass.
#ifndef QGRAIN_ENGINE_SCORE_SUMS_HPP
#define QGRAIN_ENGINE_SCORE_SUMS_HPP

#include <cstddef>
#include <cstdint>
#include <vector>

namespace qgrain::engine {

/// How dX dW^T enters the scores of D = X dW^T + dX W^T + dX dW^T.
enum class cross_term : std::uint8_t {
  exact,    ///< a product for every job
  sampled,  ///< its own share, sum (G dX dW^T)^2, is measured on a sample of rows and scales the score without it
  neglect,  ///< left out; the sample only measures the error
};

/// Sums per job and Linear. `score` alone where the cross term is exact, or with `output_error`, the sum of squared
/// output errors; else `score` is without the cross term, and the others are over the sampled rows, in two halves: the
/// score without the cross term, that of the cross term by itself, and, of the half that measures the error, the whole
/// score. With output errors also what all jobs share: of each Linear the sum of squared outputs and their number.
struct score_sums {
  enum table : std::uint8_t {
    score,
    fit_without,
    fit_cross,
    check_without,
    check_cross,
    check_whole,
    output_error = fit_without,  ///< in exact sums
  };
  static constexpr std::size_t tables = 6;

  /// `output_errors` only with cross_term::exact.
  score_sums(cross_term mode, std::size_t jobs, std::size_t linears_of_model, bool output_errors = false)
      : linears(linears_of_model), stride(jobs * linears_of_model) {
    shared = (mode != cross_term::exact ? tables : output_errors ? 2 : 1) * stride;
    values.assign(shared + (output_errors ? 2 * linears : 0), 0.0);
  }
  [[nodiscard]] double at(table which, std::size_t job, std::size_t linear) const {
    return values[which * stride + job * linears + linear];
  }

  [[nodiscard]] double squared_outputs(std::size_t linear) const { return values[shared + linear]; }
  [[nodiscard]] double outputs(std::size_t linear) const { return values[shared + linears + linear]; }

  void add(table which, std::size_t job, std::size_t linear, double value) {
    add_at(which * stride + job * linears + linear, value);
  }
  void add_squared_outputs(std::size_t linear, double value) { add_at(shared + linear, value); }
  void add_outputs(std::size_t linear, double value) { add_at(shared + linears + linear, value); }

  std::size_t linears;
  std::size_t stride;
  std::size_t shared = 0;      ///< where that of all jobs begins
  std::vector<double> values;  ///< [table][job][Linear], then [squared outputs, number of outputs][Linear]

  /// A sum that was not added but written down, as its order is that of all ranks' rows. Of the head's, which all ranks
  /// see slab by slab, those of one slab are together.
  struct entry {
    std::uint64_t place = 0;
    double value = 0;
  };
  struct slab_entries {
    std::int64_t first_output = 0;
    std::vector<entry> entries;
  };
  /// Until the next call sums are those of the head's outputs from `first_output` on, or of a block.
  void begin_slab(std::int64_t first_output) {
    if (is_divided && (written.empty() || written.back().first_output != first_output))
      written.push_back({first_output, {}});
  }
  bool is_divided = false;            ///< then `add` writes down
  std::vector<slab_entries> written;  ///< ascending by first_output

 private:
  void add_at(std::size_t place, double value) {
    if (is_divided) {
      written.back().entries.push_back({place, value});
    } else {
      values[place] += value;
    }
  }
};

}  // namespace qgrain::engine

#endif
