// Runs a plan: one pass for all jobs that share model, data and scoring settings, then each job's search and files.
#ifndef QGRAIN_SWEEP_RUN_RUN_HPP
#define QGRAIN_SWEEP_RUN_RUN_HPP

#include <common/communicator.hpp>
#include <sweep/run/finish_job.hpp>
#include <sweep/run/plan.hpp>
#include <sweep/run/request.hpp>

#include <functional>
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
  common::communicator* ranks = nullptr;  ///< that score together; all of them make the same call
};

/// Scores all jobs that are not complete yet and writes, per job, composed-config.json (first), run_stats.json, the
/// reports and exports and the manifest (last). Each file appears as a whole; a job's results stay whatever happens
/// later. The run holds the lock of plan.folder and keeps its request, its log and its checkpoints below it; jobs of a
/// pass that was broken off go on where it stood. Illegal jobs are an error, or recorded in skipped-jobs.json. Where
/// the files or the exports of a job cannot be made the other jobs are finished all the same, then one error names all
/// such jobs. Of several ranks the first alone sees folders of results; the others return nothing.
[[nodiscard]] std::vector<finished_job> run_jobs(sweep_plan& plan, const run_request& request,
                                                 const run_control& control);

/// The same for a list of recipe pairs: linear-scores.json and run_stats.json.
void run_recipe_list(sweep_plan& plan, const run_request& request, const run_control& control);

/// The manifests of all jobs. Throws where one is missing or of another model.
[[nodiscard]] std::vector<json::object> manifests_of(const sweep_plan& plan);

/// Makes the reports of every job again from its manifest, which must be of the same model.
void write_reports_again(const sweep_plan& plan);

}  // namespace qgrain::sweep

#endif
