#include <common/file.hpp>
#include <common/json_text.hpp>
#include <sweep/results/manifest.hpp>
#include <sweep/results/reports.hpp>
#include <sweep/results/sensitivity_rows.hpp>

#include <algorithm>
#include <string_view>

namespace qgrain::sweep {

json::object json_report(const json::object& manifest) {
  auto rows = sensitivity_rows(mapping_in(manifest, "layer_sensitivity"));
  std::stable_sort(rows.begin(), rows.end(), [](const sensitivity_row& a, const sensitivity_row& b) {
    return a.scores.front() > b.scores.front();
  });
  json::object report;
  for (const std::string_view key : {"scheme", "model", "dataset", "quantization", "run_config", "autoquant_state"}) {
    const auto* part = manifest.if_contains(key);
    report[key] = part != nullptr ? *part : json::object();
  }
  if (const auto* cross = manifest.if_contains("cross_term")) report["cross_term"] = *cross;
  json::array layers;
  for (const auto& row : rows) {
    layers.push_back({{"layer", row.layer},
                      {"num_bits", row.num_bits.empty() ? json::value() : json::value(row.num_bits.front())},
                      {"sensitivity", row.scores.front()},
                      {"size_cost", row.costs.front()}});
  }
  report["layer_sensitivity"] = std::move(layers);
  return report;
}

void write_reports(const json::object& manifest, const std::filesystem::path& folder) {
  const std::string table = common::json_text(json_report(manifest));
  const std::string text = markdown_report(manifest, find_composed_config(manifest, folder));
  common::write_text_file(folder / json_report_name, table);
  common::write_text_file(folder / markdown_report_name, text);
}

}  // namespace qgrain::sweep
