// The two reports of a job, made from its manifest alone.
#ifndef QGRAIN_SWEEP_RESULTS_REPORTS_HPP
#define QGRAIN_SWEEP_RESULTS_REPORTS_HPP

#include <boost/json.hpp>

#include <filesystem>
#include <optional>
#include <string>

namespace qgrain::sweep {

namespace json = boost::json;

inline constexpr const char* markdown_report_name = "layer-sensitivity-report.md";
inline constexpr const char* json_report_name = "layer-sensitivity-report.json";

/// The composed configuration as it is quoted in the Markdown report.
struct composed_config {
  std::string file_name;
  std::string text;
};

/// The configuration that `run_config.composed_yaml_path` of a manifest in `folder` names; nothing where the manifest
/// names none or the file cannot be read.
[[nodiscard]] std::optional<composed_config> find_composed_config(const json::object& manifest,
                                                                  const std::filesystem::path& folder);

/// Markdown for people: tables of summary, dataset and quantization, then the groups by their largest score, most
/// sensitive first, equal ones in manifest order. Starts with an empty line, as the Python driver's reports do. Throws
/// errc::bad_file where a part of the manifest that is needed has another kind.
[[nodiscard]] std::string markdown_report(const json::object& manifest, const std::optional<composed_config>& config);

/// JSON for programs: the manifest's scheme, model, dataset, quantization, run_config and autoquant_state ({} where
/// missing) and `layer_sensitivity` as a list of {layer, num_bits, sensitivity, size_cost} by falling sensitivity.
[[nodiscard]] json::object json_report(const json::object& manifest);

/// Writes both reports into `folder`, where the manifest lies, each in one step. Nothing is written where the manifest
/// is damaged.
void write_reports(const json::object& manifest, const std::filesystem::path& folder);

}  // namespace qgrain::sweep

#endif
