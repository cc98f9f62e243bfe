#include <common/file.hpp>
#include <common/json.hpp>
#include <common/json_text.hpp>
#include <lm/model.hpp>
#include <sweep/results/manifest.hpp>
#include <sweep/run/sweep_outputs.hpp>
#include <sweep/summary/summary_files.hpp>

#include <algorithm>
#include <map>
#include <string>
#include <utility>

namespace qgrain::sweep {
namespace {

constexpr const char* job_stats_name = "run_stats.json";

std::vector<layer_shape> layers_of(const std::filesystem::path& path) {
  const lm::model model(path);
  std::vector<layer_shape> layers;
  for (const lm::linear_info& linear : model.linears()) layers.push_back({linear.name, linear.out, linear.in});
  return layers;
}

// The data set's size where the labels of two jobs would be equal without it.
std::string size_mark(const planned_job& job, const std::vector<planned_job>& jobs) {
  const auto same = [&](const planned_job& other) { return other.label == job.label; };
  return std::count_if(jobs.begin(), jobs.end(), same) > 1 ? job.settings.dataset.size.value_or("") : "";
}

// Both with a space between them, where both are there.
std::string joined(const std::string& front, const std::string& back) {
  return front + (front.empty() || back.empty() ? "" : " ") + back;
}

// The manifest as that of one of its formats alone.
json::object format_view(const json::object& manifest, std::size_t format) {
  json::object view = manifest;
  const json::object& own = manifest.at("formats").as_array().at(format).as_object();
  view["recipes"] = {{"weight", {{"name", own.at("weight")}}}, {"activation", {{"name", own.at("activation")}}}};
  view["linear_scores"] = own.at("linear_scores");
  view["quantization"] = {{"base_format_name", own.at("name")}, {"has_effect", own.at("has_effect")}};
  return view;
}

// Times and memory of each pass with the jobs that it served.
json::object run_stats(const std::vector<planned_job>& jobs) {
  json::array passes;
  for (std::size_t j = 0; j < jobs.size(); ++j) {
    const std::filesystem::path path = jobs[j].folder / job_stats_name;
    if (!std::filesystem::exists(path)) continue;
    const json::value stats = common::read_json_object(path);
    const std::string label = joined(jobs[j].label, size_mark(jobs[j], jobs));
    const auto same = std::find_if(passes.begin(), passes.end(),
                                   [&](const json::value& pass) { return pass.get_object().at("stats") == stats; });
    if (same == passes.end()) {
      passes.push_back({{"jobs", json::array{label}}, {"stats", stats}});
    } else {
      same->get_object().at("jobs").get_array().emplace_back(label);
    }
  }
  return {{"passes", std::move(passes)}};
}

}  // namespace

std::filesystem::path common_folder(const std::vector<planned_job>& jobs) {
  std::filesystem::path common = jobs.front().folder;
  for (const planned_job& job : jobs) {
    const auto [end, ignored] = std::mismatch(common.begin(), common.end(), job.folder.begin(), job.folder.end());
    std::filesystem::path shared;
    for (auto part = common.begin(); part != end; ++part) shared /= *part;
    common = shared;
  }
  return common == common.root_path() && common.has_root_directory() ? jobs.front().folder : common;
}

void write_sweep_outputs(const std::vector<planned_job>& jobs, std::span<const skipped_job> skipped) {
  const std::filesystem::path folder = common_folder(jobs);
  std::map<std::filesystem::path, std::vector<layer_shape>> layers;
  std::vector<summary_source> sources;
  for (const planned_job& job : jobs) {
    if (!layers.contains(job.pass.model)) layers[job.pass.model] = layers_of(job.pass.model);
    const std::string variant = joined(job.further, size_mark(job, jobs));
    json::object manifest = read_manifest(job.folder / job.result_name());
    const std::filesystem::path relative = job.folder.lexically_relative(folder);
    for (std::size_t f = 0; f < job.formats.size(); ++f) {
      const planned_format& format = job.formats[f];
      summary_source source;
      source.pair = format.pair;
      source.granularity = format.quantization.granularity.name;
      source.variant = variant;
      source.label = joined(source.pair + " " + source.granularity, variant);
      source.folder = (relative.empty() ? job.folder : relative).generic_string();
      source.nominal_bits = 16 * format.quantization.compression;
      source.layers = layers[job.pass.model];
      source.manifest = job.formats.size() == 1 ? std::move(manifest) : format_view(manifest, f);
      sources.push_back(std::move(source));
    }
  }
  write_summary(summarize(sources, skipped), folder);
  common::write_text_file(folder / sweep_stats_name, common::json_text(run_stats(jobs)) + "\n");
}

}  // namespace qgrain::sweep
