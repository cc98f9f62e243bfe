// One pass: what jobs with equal settings share.
#ifndef QGRAIN_SWEEP_RUN_SCORING_PASS_HPP
#define QGRAIN_SWEEP_RUN_SCORING_PASS_HPP

#include <common/communicator.hpp>
#include <engine/measure/output_scores.hpp>
#include <engine/score/engine.hpp>
#include <lm/model.hpp>
#include <lm/rows.hpp>
#include <sweep/layers/layer_list.hpp>
#include <sweep/run/plan.hpp>

#include <boost/json.hpp>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace qgrain::sweep {

/// Model and data of a pass, opened and checked as far as that is possible without scoring.
struct opened_pass {
  explicit opened_pass(const pass_settings& pass);

  pass_settings settings;
  lm::model model;
  lm::packed_rows rows;
  layer_list layers;
  std::size_t unreached = 0;  ///< how many of the first layers text does not reach
};

/// What the formats of a planned job are scored as.
[[nodiscard]] std::vector<engine::job> jobs_of(const planned_job& planned);

/// The groups that a pass scores as a whole, members as indices into model.linears().
[[nodiscard]] std::vector<engine::linear_group> linear_groups(const opened_pass& pass);
/// Of these the parts within the experts of one layer, which gradients measure at the output of their block.
[[nodiscard]] std::vector<engine::linear_group> expert_groups(const opened_pass& pass);

using score_table = std::vector<std::vector<double>>;  ///< [job][Linear]

/// Which Linears a method gives a score of their own: one that scores groups only their first members, as gradients do
/// with groups of experts. [Linear]
[[nodiscard]] std::vector<bool> scored_linears(const opened_pass& pass, score_method method);

/// The sweeps that the methods of a pass need.
struct pass_sweeps {
  explicit pass_sweeps(const pass_settings& settings);

  bool gradient = false;           ///< with the text's labels
  bool output_errors = false;      ///< in that sweep
  std::uint64_t fisher_draws = 0;  ///< one sweep each
  bool outputs = false;            ///< of groups, measured at the model's output
  bool weights = false;            ///< no sweep: without data
};

struct scored_pass {
  std::vector<engine::job> jobs;
  engine::engine_result result;  ///< of the gradient sweep; of fisher's where no method needs the text's gradient
  /// [job][Linear] by method. A method that scores groups as a whole gives a group's score to its first member and 0 to
  /// the others.
  std::map<score_method, score_table> scores;
  score_table token_divergence;  ///< as kl_div, padding left out whatever the pass says; empty where that is not scored
  std::map<score_method, double> seconds;  ///< of each sweep, under the first method that it served
  int ranks = 1;
  std::int64_t sent_bytes = 0;  ///< by this rank, since it started
};

/// How a pass is scored.
struct scoring_options {
  std::filesystem::path checkpoint;  ///< see engine_options; each sweep has one of its own, by a further extension
  double checkpoint_seconds = 60;
  std::function<bool()> stop_requested;
  std::function<void(const std::string&)> log;
  std::function<void(double)> progress;
  /// All of which score the pass together (engine_options::ranks); the jobs are those of the first.
  common::communicator* ranks = nullptr;
};

/// Scores `jobs` by every method of the pass, in one sweep where methods can share it: gradient, mse and sqnr_db;
/// kl_div and loss. Where the checkpoint is of a pass with these jobs and more, all of its jobs.
[[nodiscard]] scored_pass score(const opened_pass& pass, std::vector<engine::job> jobs, const scoring_options& options);

/// Times, memory and work, which differ from run to run.
[[nodiscard]] json::object run_stats(const scored_pass& scored, const pass_settings& settings);

}  // namespace qgrain::sweep

#endif
