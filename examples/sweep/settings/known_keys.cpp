#include <sweep/settings/config_access.hpp>
#include <sweep/settings/known_keys.hpp>

#include <qgrain/core/nearest_names.hpp>
#include <qgrain/core/status.hpp>

#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <string_view>

namespace qgrain::sweep {
namespace {

using key_names = std::span<const std::string_view>;

constexpr std::array<std::string_view, 14> root_keys{
    "model",       "dataset",   "quant_pair", "quant_format",  "quant_granularity",
    "calibration", "autoquant", "compat",     "output_layout", "experiment",
    "runner",      "jobs",      "sweep",      "export"};
constexpr std::array<std::string_view, 6> model_keys{"name", "family", "variant", "format", "path", "description"};
constexpr std::array<std::string_view, 14> dataset_keys{"name",
                                                        "root",
                                                        "size",
                                                        "captions_path",
                                                        "format",
                                                        "field",
                                                        "size_to_max_samples",
                                                        "max_calib_samples",
                                                        "calib_seq_len",
                                                        "padding",
                                                        "image_list",
                                                        "imgsz",
                                                        "sampling",
                                                        "description"};
constexpr std::array<std::string_view, 12> quant_pair_keys{
    "name",        "weight",           "activation",      "format_name",   "modelopt_format_name", "experimental",
    "scheme_name", "publish_pair_dir", "publish_run_dir", "coverage_mode", "coverage_fraction",    "description"};
constexpr std::array<std::string_view, 4> output_layout_keys{"name", "mode", "root_dir", "description"};
constexpr std::array<std::string_view, 3> quant_granularity_keys{"name", "quant_cfg_overrides", "description"};
constexpr std::array<std::string_view, 5> quant_format_keys{"name", "quant_cfg", "disabled_by_default", "algorithm",
                                                            "description"};
constexpr std::array<std::string_view, 3> calibration_keys{"name", "algorithm", "description"};
constexpr std::array<std::string_view, 24> autoquant_keys{
    "method",       "methods",         "device",        "batch_size", "formats",    "effective_bits",
    "weight_bytes", "latency_ms",      "latency_table", "cost",       "score_size", "grouping",
    "group_rules",  "disabled_layers", "exclude",       "cross_term", "kl_padding", "fisher",
    "verify",       "study_bits",      "shared_ranges", "routers",    "verbose",    "description"};
constexpr std::array<std::string_view, 2> fisher_keys{"draws", "seed"};
constexpr std::array<std::string_view, 3> export_keys{"to", "engine", "untie"};
constexpr std::array<std::string_view, 8> runner_keys{
    "report_only", "output_dir",         "threads",    "kept_weight_megabytes",
    "resume",      "checkpoint_seconds", "on_illegal", "stale"};

enum class unknown_keys : bool { near_ones_refused, refused };

void check(const json::object& config, std::string_view group, key_names known, unknown_keys policy) {
  const json::value* found = group.empty() ? nullptr : given(config, group);
  if (!group.empty() && found == nullptr) return;
  if (found != nullptr && !found->is_object()) refuse_as_mapping(group, *found);
  const json::object& mapping = group.empty() ? config : found->get_object();
  for (const auto& entry : mapping) {
    const std::string_view key = entry.key();
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    if (policy == unknown_keys::near_ones_refused && nearest_names(key, known).empty()) continue;
    const std::string path = std::string(group) + (group.empty() ? "" : ".") + std::string(key);
    throw error(errc::unknown_name, "there is no key '" + path + "'" + name_hint(key, known));
  }
}

}  // namespace

void require_known_keys(const json::object& config) {
  check(config, "quant_granularity", quant_granularity_keys, unknown_keys::refused);
  check(config, "quant_format", quant_format_keys, unknown_keys::refused);
  check(config, "calibration", calibration_keys, unknown_keys::refused);
  check(config, "autoquant", autoquant_keys, unknown_keys::refused);
  check(config, "autoquant.fisher", fisher_keys, unknown_keys::refused);
  check(config, "runner", runner_keys, unknown_keys::refused);
  check(config, "export", export_keys, unknown_keys::refused);
  check(config, "", root_keys, unknown_keys::near_ones_refused);
  check(config, "model", model_keys, unknown_keys::near_ones_refused);
  check(config, "dataset", dataset_keys, unknown_keys::near_ones_refused);
  check(config, "quant_pair", quant_pair_keys, unknown_keys::near_ones_refused);
  check(config, "output_layout", output_layout_keys, unknown_keys::near_ones_refused);
}

}  // namespace qgrain::sweep
