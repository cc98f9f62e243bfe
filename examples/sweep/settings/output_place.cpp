#include <sweep/settings/config_access.hpp>
#include <sweep/settings/naming.hpp>
#include <sweep/settings/output_place.hpp>
#include <sweep/settings/quantization_settings.hpp>

#include <qgrain/core/nearest_names.hpp>
#include <qgrain/core/status.hpp>

#include <array>
#include <cstdlib>
#include <string>

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
  check_components("quant_pair.publish_pair_dir", pair);
  check_components("quant_pair.publish_run_dir", run);
  check_component("quant_granularity.name", granularity_of(config).name);
  return with_home(filled_text_at(config, "output_layout.root_dir")) / pair / granularity_of(config).name / run;
}

std::filesystem::path experiment_dir(const json::object& config) {
  return std::filesystem::path("tmp/model-experiments") / path_text(config, "experiment") /
         path_text(config, "model.name");
}

// Every key that becomes part of a path below the folder of the run or of the experiment.
void check_names(const json::object& config) {
  for (const char* key : {"model.name", "quant_pair.name", "quant_granularity.name", "dataset.size"})
    check_component(key, path_text(config, key));
  check_components("experiment", path_text(config, "experiment"));
  for (const char* key : {"quant_pair.publish_pair_dir", "quant_pair.publish_run_dir"}) {
    if (const auto chosen = optional_text_at(config, key)) check_components(key, *chosen);
  }
  if (const auto scheme = optional_text_at(config, "quant_pair.scheme_name"))
    check_component("quant_pair.scheme_name", *scheme);
}

}  // namespace

output_place place_of(const json::object& config, bool is_multirun, std::string_view time) {
  const bool by_user = optional_text_at(config, "runner.output_dir").has_value();
  const bool is_tmp = text_at(config, "output_layout.mode") == "tmp";
  check_names(config);
  output_place place;
  place.base = output_dir(config, is_multirun ? sweep_dir(config, time) : tmp_run_dir(config, time));
  place.folder = place.base;
  if (is_multirun && (by_user || is_tmp)) place.folder /= sweep_subdir(config);
  return place;
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
