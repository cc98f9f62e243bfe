#include <engine/score/engine.hpp>
#include <lm/pass.hpp>
#include <sweep/run/pass_division.hpp>
#include <sweep/settings/naming.hpp>

#include <qgrain/core/nearest_names.hpp>
#include <qgrain/host/parallel.hpp>

#include <algorithm>

namespace qgrain::sweep {

std::vector<engine::job> missing_jobs(const sweep_plan& plan, const pass_of_jobs& pass) {
  if (plan.recipe_list)
    return plan.recipe_list->state == folder_state::complete ? std::vector<engine::job>() : plan.recipe_list->jobs;
  std::vector<engine::job> missing;
  for (const std::size_t j : pass.jobs) {
    if (plan.jobs[j].state == folder_state::complete) continue;
    for (const engine::job& wanted : jobs_of(plan.jobs[j])) {
      if (std::find(missing.begin(), missing.end(), wanted) == missing.end()) missing.push_back(wanted);
    }
  }
  return missing;
}

pass_division divide_pass(const opened_pass& pass, std::span<const engine::job> jobs, int ranks) {
  const engine::job_plan plan = engine::plan_jobs(jobs);
  const index_t batches = num_score_steps(pass.settings.score_size, pass.settings.batch_size, pass.rows.batches());
  thread_pool pool(1);
  const lm::layer_pass layers({pass.model, pass.rows, pool, engine::limits_of({}, pass.settings.cross), nullptr,
                               engine::load_of(plan, pass.settings.cross)},
                              batches);
  pass_division division{layers.grid(ranks), {}, {}, layers.scored_bundles()};
  const std::vector<index_t> bounds = layers.row_bounds(ranks);
  for (index_t r = 0; r < division.grid.row_shares; ++r) {
    const auto share = static_cast<std::size_t>(r);
    division.rows.push_back(bounds[share + 1] - bounds[share]);
  }
  const auto job_shares = static_cast<std::size_t>(division.grid.job_shares);
  for (std::size_t share = 0; share < job_shares; ++share)
    division.jobs.push_back(static_cast<index_t>(engine::job_share(plan, share, job_shares).scored_jobs()));
  return division;
}

void warn_of_idle_ranks(int ranks, const sweep_plan& plan, std::span<const pass_of_jobs> passes,
                        const std::function<void(const std::string&)>& warn) {
  for (const pass_of_jobs& pass : passes) {
    const std::vector<engine::job> jobs = missing_jobs(plan, pass);
    if (jobs.empty()) continue;
    const pass_division division = divide_pass(*pass.opened, jobs, ranks);
    std::vector<std::string> idle;
    for (index_t r = division.grid.ranks(); r < ranks; ++r) idle.push_back(std::to_string(r));
    if (idle.empty()) continue;
    const auto shares = [](index_t count, const char* of) {
      return std::to_string(count) + (count == 1 ? " share" : " shares") + " of the " + of;
    };
    warn((idle.size() == 1 ? "rank " : "ranks ") + join_names(idle) + " of " + std::to_string(ranks) +
         " will be idle in the backward pass, which is " + shares(division.grid.row_shares, "rows") + " (" +
         std::to_string(division.bundles) + (division.bundles == 1 ? " bundle" : " bundles") + ") x " +
         shares(division.grid.job_shares, "jobs"));
  }
}

}  // namespace qgrain::sweep
