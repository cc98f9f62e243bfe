#include <sweep/settings/config_access.hpp>
#include <sweep/settings/job_settings.hpp>
#include <sweep/settings/naming.hpp>

#include <qgrain/core/nearest_names.hpp>
#include <qgrain/core/status.hpp>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <vector>

namespace qgrain::sweep {
namespace {

// Text that becomes part of a path: null reads "None", as an interpolation in Python would write it.
std::string path_text(const json::object& config, std::string_view key) {
  const auto* value = find_value(config, key);
  return value != nullptr && value->is_null() ? "None" : text_at(config, key);
}

std::filesystem::path with_home(const std::string& path) {
  if (path != "~" && !path.starts_with("~/")) return path;
  const char* home = std::getenv("HOME");
  return home != nullptr ? home + path.substr(1) : path;
}

std::filesystem::path publish_dir(const json::object& config) {
  const auto chosen = [&](std::string_view key) { return optional_text_at(config, key).value_or(""); };
  const auto pair = pair_dir(text_at(config, "quant_pair.weight"), text_at(config, "quant_pair.activation"),
                             chosen("quant_pair.publish_pair_dir"));
  const auto run = run_dir(text_at(config, "model.name"), text_at(config, "quant_pair.name"),
                           text_at(config, "dataset.size"), chosen("quant_pair.publish_run_dir"));
  return with_home(text_at(config, "output_layout.root_dir")) / pair / granularity_of(config).name / run;
}

std::filesystem::path experiment_dir(const json::object& config) {
  return std::filesystem::path("tmp/model-experiments") / path_text(config, "experiment") /
         path_text(config, "model.name");
}

}  // namespace

json::object scheme_of(const json::object& config, std::span<const std::string> quant_formats) {
  const auto given = [&](std::string_view key) {
    const auto* value = find_value(config, key);
    return value != nullptr && !value->is_null();
  };
  constexpr std::string_view mode = "quant_pair.coverage_mode", fraction = "quant_pair.coverage_fraction";
  return {{"name", scheme_name(text_at(config, "quant_pair.name"),
                               optional_text_at(config, "quant_pair.scheme_name").value_or(""))},
          {"auto_quantize_bits", number_at(config, "autoquant.effective_bits")},
          {"auto_quantize_method", text_at(config, "autoquant.method")},
          {"auto_quantize_score_size", integer_at(config, "autoquant.score_size")},
          {"coverage_mode", given(mode) ? text_at(config, mode) : "lm_only"},
          {"coverage_fraction", given(fraction) ? number_at(config, fraction) : 1.0},
          {"quant_formats", json::array(quant_formats.begin(), quant_formats.end())}};
}

std::int64_t max_calib_samples(const json::object& config) {
  const auto* own = find_value(config, "dataset.max_calib_samples");
  if (own != nullptr && !own->is_null()) return integer_at(config, "dataset.max_calib_samples");
  const auto size = text_at(config, "dataset.size");
  const auto* sizes = find_value(config, "dataset.size_to_max_samples");
  std::vector<std::string> known;
  if (sizes != nullptr && sizes->is_object()) {
    for (const auto& entry : sizes->get_object()) known.emplace_back(entry.key());
  }
  if (std::find(known.begin(), known.end(), size) == known.end()) {
    throw error(errc::unknown_name, "dataset.size: no size is called " + size + "; there are " + join_names(known));
  }
  return integer_at(sizes->get_object(), size);
}

granularity_choice granularity_of(const json::object& config) {
  granularity_choice result;
  if (auto name = optional_text_at(config, "quant_granularity.name")) result.name = std::move(*name);
  const auto* overrides = find_value(config, "quant_granularity.quant_cfg_overrides");
  if (overrides == nullptr || overrides->is_null()) return result;
  if (!overrides->is_object()) {
    throw error(errc::invalid_argument, "quant_granularity.quant_cfg_overrides must be a mapping, but is " +
                                            std::string(json::serialize(*overrides)));
  }
  result.overrides = overrides->get_object();
  return result;
}

std::filesystem::path output_dir(const json::object& config, const std::filesystem::path& tmp_dir) {
  if (const auto chosen = optional_text_at(config, "runner.output_dir")) return with_home(*chosen);
  const auto mode = text_at(config, "output_layout.mode");
  if (mode == "tmp") return tmp_dir;
  if (mode == "publish") return publish_dir(config);
  constexpr std::array<std::string_view, 2> modes{"tmp", "publish"};
  throw error(errc::unknown_name, "output_layout.mode: no mode is called " + mode + name_hint(mode, modes));
}

std::filesystem::path tmp_run_dir(const json::object& config, std::string_view time) {
  return experiment_dir(config) / sweep_subdir(config) / time;
}

std::filesystem::path sweep_dir(const json::object& config, std::string_view time) {
  return experiment_dir(config) / "multirun" / time;
}

std::filesystem::path sweep_subdir(const json::object& config) {
  return std::filesystem::path(path_text(config, "quant_pair.name")) / path_text(config, "quant_granularity.name") /
         path_text(config, "dataset.size");
}

}  // namespace qgrain::sweep
