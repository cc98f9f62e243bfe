// Runs a plan: one pass for all jobs that share model, data and scoring settings, then each job's search and files.
#ifndef QGRAIN_SWEEP_RUN_RUN_HPP
#define QGRAIN_SWEEP_RUN_RUN_HPP

#include <sweep/run/finish_job.hpp>
#include <sweep/run/plan.hpp>
#include <sweep/run/request.hpp>
#include <sweep/run/scoring_pass.hpp>
#include <sweep/search/table_search.hpp>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace qgrain::sweep {

/// Told the share of the whole run that is done, 0 to 1, and what is being done.
using progress_report = std::function<void(double share, const std::string& what)>;

/// A run's two ways to and from the outside.
struct run_control {
  progress_report progress;
  std::function<bool()> stop_requested;  ///< then the run saves its state and throws `interrupted`
  std::function<void(const std::string& warning)> warn;
};

/// A pass and its jobs, by their places in the plan.
struct pass_of_jobs {
  std::unique_ptr<opened_pass> opened;
  std::vector<std::size_t> jobs;
};

/// Opens models and data, in the order of the passes' first jobs. Jobs that do not suit the model's shapes become
/// illegal ones of the plan; these are an error, unless they are to be skipped and others remain. So are targets of the
/// search that cannot be met: they depend on costs alone.
[[nodiscard]] std::vector<pass_of_jobs> open_passes(sweep_plan& plan);

/// Scores all jobs that are not complete yet and writes, per job, composed-config.json (first), run_stats.json, the
/// reports and exports and the manifest (last). Each file appears as a whole; a job's results stay whatever happens
/// later. The run holds the lock of plan.folder and keeps its request, its log and its checkpoints below it; jobs of a
/// pass that was broken off go on where it stood. Illegal jobs are an error, or recorded in skipped-jobs.json.
[[nodiscard]] std::vector<finished_job> run_jobs(sweep_plan& plan, const run_request& request,
                                                 const run_control& control);

/// The same for a list of recipe pairs: linear-scores.json and run_stats.json.
void run_recipe_list(const sweep_plan& plan, const run_request& request, const run_control& control);

/// Makes the reports of every job again from its manifest, which must be of the same model.
void write_reports_again(const sweep_plan& plan);

}  // namespace qgrain::sweep

#endif
