// What of a pass falls to which rank of a run.
#ifndef QGRAIN_SWEEP_RUN_PASS_DIVISION_HPP
#define QGRAIN_SWEEP_RUN_PASS_DIVISION_HPP

#include <engine/score/job.hpp>
#include <lm/rank_grid.hpp>
#include <sweep/run/open_passes.hpp>
#include <sweep/run/plan.hpp>
#include <sweep/run/scoring_pass.hpp>

#include <functional>
#include <span>
#include <string>
#include <vector>

namespace qgrain::sweep {

/// The jobs of a pass whose results are not there, those that come to the same recipes once.
[[nodiscard]] std::vector<engine::job> missing_jobs(const sweep_plan& plan, const pass_of_jobs& pass);

struct pass_division {
  lm::rank_grid grid;
  std::vector<index_t> rows;  ///< [row shares] that are scored
  std::vector<index_t> jobs;  ///< [job shares]
  index_t bundles = 0;        ///< into which the rows are cut
};
/// How so many ranks score some jobs in a pass.
[[nodiscard]] pass_division divide_pass(const opened_pass& pass, std::span<const engine::job> jobs, int ranks);

/// Names the ranks that have no part in a pass.
void warn_of_idle_ranks(int ranks, const sweep_plan& plan, std::span<const pass_of_jobs> passes,
                        const std::function<void(const std::string&)>& warn);

}  // namespace qgrain::sweep

#endif
