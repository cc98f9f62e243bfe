// What a sweep writes besides the files of its jobs.
#ifndef QGRAIN_SWEEP_RUN_SWEEP_OUTPUTS_HPP
#define QGRAIN_SWEEP_RUN_SWEEP_OUTPUTS_HPP

#include <sweep/run/plan.hpp>
#include <sweep/summary/sweep_summary.hpp>

#include <filesystem>
#include <span>
#include <vector>

namespace qgrain::sweep {

inline constexpr const char* sweep_stats_name = "sweep-run-stats.json";

/// The deepest folder that holds the folders of all jobs; the first job's where that would be the file system's root.
[[nodiscard]] std::filesystem::path common_folder(const std::vector<planned_job>& jobs);

/// Writes the summary (summary_files.hpp) of jobs whose files are all there, and the times and memory of their passes
/// as sweep-run-stats.json, into common_folder(jobs), and each job's CSV into its folder. Everything is read back from
/// the manifests, so a sweep that was interrupted gives the same bytes as one that was not. Throws what reading
/// manifests, opening models and writing files throw.
void write_sweep_outputs(const std::vector<planned_job>& jobs, std::span<const skipped_job> skipped = {});

}  // namespace qgrain::sweep

#endif
