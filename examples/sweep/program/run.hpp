// Runs a plan: one pass for all jobs that share model, data and scoring settings, then each job's search and files.
#ifndef QGRAIN_SWEEP_PROGRAM_RUN_HPP
#define QGRAIN_SWEEP_PROGRAM_RUN_HPP

#include "plan.hpp"

#include <candidates.hpp>

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace qgrain::sweep {

/// What became of one job.
struct finished_job {
  std::string label;
  std::filesystem::path folder;
  std::vector<candidate_row> rows;
  search_outcome outcome;
  bool has_effect = true;
};

/// Told the share of the whole run that is done, 0 to 1, and what is being done.
using progress_report = std::function<void(double share, const std::string& what)>;

/// Scores all jobs and writes, per job, composed-config.json, the manifest, run_stats.json and both reports. Each file
/// appears as a whole; a job's results stay whatever happens later.
[[nodiscard]] std::vector<finished_job> run_jobs(const std::vector<planned_job>& jobs, const progress_report& progress);

/// Scores a list of recipe pairs into linear-scores.json and run_stats.json.
void run_recipe_list(const recipe_list_job& list, const progress_report& progress);

/// Makes the reports of every job again from its manifest, which must be of the same model.
void write_reports_again(const std::vector<planned_job>& jobs);

}  // namespace qgrain::sweep

#endif
