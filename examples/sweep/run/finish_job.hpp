// From the scores of a pass to the files of a job.
#ifndef QGRAIN_SWEEP_RUN_FINISH_JOB_HPP
#define QGRAIN_SWEEP_RUN_FINISH_JOB_HPP

#include <engine/mix/mix_study.hpp>
#include <sweep/run/job_search.hpp>
#include <sweep/run/plan.hpp>
#include <sweep/run/scoring_pass.hpp>

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

/// Whether a job asks for mixes to be measured.
[[nodiscard]] bool has_measured_mixes(const planned_job& job);

/// Searches, measures what the job asks for and writes its files: run_stats.json, reports, quant_recipe.json, mix.json
/// and the manifest, last: with it the job is complete. Throws `interrupted` between two measured mixes.
[[nodiscard]] finished_job finish(const planned_job& job, const opened_pass& pass, const scored_pass& scored,
                                  const engine::mix_measure& measure, const std::function<bool()>& stop_requested);

/// A job whose results are there already. Throws errc::bad_file where its manifest is damaged.
[[nodiscard]] finished_job read_finished(const planned_job& job);

/// What follows from a manifest and exports.json, where that is there: the reports of the layers and of the search,
/// quant_recipe.json, mix.json.
void write_job_reports(const json::object& manifest, const std::filesystem::path& folder);

inline constexpr const char* run_stats_name = "run_stats.json";
inline constexpr const char* mix_name = "mix.json";

/// "qgrain <version>".
[[nodiscard]] std::string program_version();

}  // namespace qgrain::sweep

#endif
