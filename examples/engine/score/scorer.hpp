// Scores all jobs at each Linear that the backward pass shows.
#ifndef QGRAIN_ENGINE_SCORE_SCORER_HPP
#define QGRAIN_ENGINE_SCORE_SCORER_HPP

#include <engine/score/checkpoint.hpp>
#include <engine/score/cross_term.hpp>
#include <engine/score/engine.hpp>
#include <engine/score/exact_products.hpp>
#include <engine/score/expert_groups.hpp>
#include <engine/score/job.hpp>
#include <engine/score/progress.hpp>
#include <engine/score/rank_sums.hpp>
#include <engine/score/sums.hpp>
#include <engine/score/variants.hpp>
#include <lm/buffer.hpp>
#include <lm/pass_context.hpp>
#include <lm/visitor.hpp>

#include <qgrain/host/parallel.hpp>

#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace qgrain::engine {

/// Adds to the sums and to costs. Each weight variant is quantized once per sample, each activation variant once per
/// sample and portion, whichever jobs and Linears take it. Weight variants are taken in portions that fit into
/// memory; behind a portion the state may be saved. In a divided pass, on every rank, it may be saved by the first one
/// and stopped at the boundaries of blocks alone, where the ranks add their sums. All arguments but the identity and
/// the rows of the ranks must outlive the scorer.
class scorer final : public lm::backward_visitor {
 public:
  /// What a scorer adds to.
  struct results {
    score_sums& sums;
    engine_costs& costs;
    progress_meter& meter;
  };
  /// `rows`: that are scored; `identity`: of the pass.
  scorer(const lm::pass_context& context, const job_plan& plan, variant_maker& variants, expert_group_scorer& experts,
         const engine_options& options, const results& into, index_t rows, pass_identity identity,
         rank_rows ranks = {});

  /// Goes on from a checkpoint: what it has scored is not scored again.
  void resume(pass_checkpoint state);
  void boundary(index_t layer, lm::const_matrix gradient) override;
  void visit(const lm::linear_sample& whole) override;
  void visit_expert(const lm::expert_sample& expert) override;
  void experts_begin(const lm::expert_rows& rows) override;
  void experts_end() override;
  /// Saves that the pass is complete.
  void finish();

 private:
  /// Jobs of weight variants [first, end).
  [[nodiscard]] std::vector<std::size_t> jobs_between(std::size_t first, std::size_t end) const;
  void score_portion(const lm::linear_sample& sample, const std::vector<index_t>& rows, std::size_t first,
                     std::size_t end, const std::vector<std::size_t>& jobs);
  /// False where it was stopped: the sums are as they were.
  [[nodiscard]] bool score_exactly(const lm::linear_sample& sample, const std::vector<index_t>& rows,
                                   const std::vector<std::size_t>& jobs, const exact_products::weights& weights);
  void add_outputs(const lm::linear_sample& sample, const std::vector<index_t>& rows);
  [[nodiscard]] bool is_divided() const { return common::is_divided(ranks_.ranks); }
  [[nodiscard]] bool is_stopped() const {
    return !is_divided() && options_.stop_requested && options_.stop_requested();
  }
  [[nodiscard]] bool is_due() const;
  void divided_boundary(lm::const_matrix gradient);
  void keep_gradient(lm::const_matrix gradient);
  /// Adds the sums of all ranks.
  [[nodiscard]] rank_news exchange();
  void scored(const pass_place& place);
  void save();
  [[noreturn]] void stop_here();

  const job_plan& plan_;
  variant_maker& variants_;
  expert_group_scorer& experts_;
  thread_pool& pool_;
  const engine_options& options_;
  progress_meter& meter_;
  engine_costs& costs_;
  score_sums& sums_;
  pass_identity identity_;
  rank_rows ranks_;
  exact_products products_;
  separate_terms terms_;

  pass_place place_;              // scored so far
  index_t samples_ = 0;           // seen behind the boundary
  pass_place resumed_{-1, 0, 0};  // what needs no scoring
  std::vector<double> boundary_sums_;
  double boundary_flops_ = 0;
  // While experts are scored together: the state in front of the first of them, which alone can be gone on from.
  struct safe_state {
    pass_place place;
    std::vector<double> sums;
    double flops;
  };
  std::optional<safe_state> before_experts_;
  lm::buffer gradient_;  // at the boundary; kept where checkpoints are written
  std::chrono::steady_clock::time_point saved_ = std::chrono::steady_clock::now();
};

}  // namespace qgrain::engine

#endif
