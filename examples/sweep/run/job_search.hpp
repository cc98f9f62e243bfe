// The search of a planned job: what its formats cost at every layer, which layers take part, and what it may spend.
#ifndef QGRAIN_SWEEP_RUN_JOB_SEARCH_HPP
#define QGRAIN_SWEEP_RUN_JOB_SEARCH_HPP

#include <sweep/layers/layer_selection.hpp>
#include <sweep/run/plan.hpp>
#include <sweep/run/scoring_pass.hpp>
#include <sweep/search/candidates.hpp>
#include <sweep/search/table_search.hpp>

#include <boost/json.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace qgrain::sweep {

/// Scores of a job's formats: [format][layer], in the order of opened_pass::layers; 0 where text does not reach a
/// layer.
using format_scores = std::vector<std::vector<double>>;

/// Those of a job out of a table of all jobs of the pass.
[[nodiscard]] format_scores scores_of(const planned_job& job, const opened_pass& pass, const scored_pass& scored,
                                      const score_table& of_jobs);

/// What a search adds up: mean squared errors become sums of squares, decibels noise over signal.
[[nodiscard]] score_table additive_scores(const opened_pass& pass, const scored_pass& scored, score_method method);

/// Everything of a search but the scores.
class job_search {
 public:
  /// Reads the latency table, if any. Throws where nothing is left to quantize, a group rule is no regular expression
  /// or latencies are missing. `job` must outlive it.
  job_search(const planned_job& job, const opened_pass& pass);

  /// Throws errc::out_of_range for budgets that cannot be met.
  [[nodiscard]] searched_table search(const format_scores& scores, score_method method) const;
  /// The budgets checked by costs alone.
  void check() const;

  /// Members of a row's group, as places in opened_pass::layers.
  [[nodiscard]] std::vector<std::size_t> members(const candidate_row& row) const;
  [[nodiscard]] double effective_bits() const noexcept { return selection_.effective_bits; }
  /// autoquant_state.search of the manifest.
  [[nodiscard]] json::object description(const search_outcome& outcome) const;
  /// Patterns and rules that match nothing.
  [[nodiscard]] const std::vector<std::string>& warnings() const noexcept { return selection_.warnings; }

 private:
  [[nodiscard]] std::vector<candidate_row> table(const format_scores& scores, score_method method) const;
  [[nodiscard]] search_outcome solve(std::span<const candidate_row> rows, score_method method) const;

  const planned_job& job_;
  layer_selection selection_;
  std::vector<candidate_format> formats_;  // without scores
  std::vector<double> none_latencies_;
  std::vector<search_budget> budgets_;
};

}  // namespace qgrain::sweep

#endif
