// The files that a sweep leaves besides those of its jobs, made from one summary.
#ifndef QGRAIN_SWEEP_SUMMARY_SUMMARY_FILES_HPP
#define QGRAIN_SWEEP_SUMMARY_SUMMARY_FILES_HPP

#include <sweep/summary/sweep_summary.hpp>

#include <boost/json.hpp>

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

namespace qgrain::sweep {

inline constexpr const char* summary_json_name = "sweep-summary.json";
inline constexpr const char* summary_csv_name = "sweep-summary.csv";
inline constexpr const char* summary_scores_csv_name = "sweep-scores.csv";
inline constexpr const char* summary_markdown_name = "sweep-summary.md";
inline constexpr const char* summary_html_name = "sweep-summary.html";
inline constexpr const char* layer_csv_name = "layer-scores.csv";

/// Everything, for programs: docs/schema/sweep-summary.schema.json. Numbers read back exactly.
[[nodiscard]] json::object summary_json(const sweep_summary& summary);

/// A row per job, skipped ones included.
[[nodiscard]] std::string summary_csv(const sweep_summary& summary);

/// A row per layer, a column per job; empty where a job has no score for the layer.
[[nodiscard]] std::string scores_csv(const sweep_summary& summary);

/// A row per layer of every job of a folder; formats of one search share a folder.
[[nodiscard]] std::string layer_csv(const sweep_summary& summary, std::string_view folder);

/// Tables for people: models, jobs by score, granularities as ratio to the default, most sensitive layers, skipped
/// jobs.
[[nodiscard]] std::string summary_markdown(const sweep_summary& summary);

/// A page that needs nothing but a browser: heat map, granularities side by side, score against size, tables. Scores
/// with 4 significant digits.
[[nodiscard]] std::string summary_html(const sweep_summary& summary);

/// Writes the five files of the sweep into `folder` and the layers' CSV into each job's folder below, each in one step.
void write_summary(const sweep_summary& summary, const std::filesystem::path& folder);

}  // namespace qgrain::sweep

#endif
