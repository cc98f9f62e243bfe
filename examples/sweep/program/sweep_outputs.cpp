#include "sweep_outputs.hpp"

#include <config_access.hpp>
#include <groups.hpp>
#include <json_file.hpp>
#include <json_text.hpp>
#include <lm/file.hpp>
#include <manifest.hpp>
#include <naming.hpp>
#include <summary/summary_files.hpp>

#include <lm/model.hpp>

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

// What a label holds behind pair and granularity; the data set's size where labels would be equal without it.
std::string variant_of(const planned_job& job, const std::vector<planned_job>& jobs, std::string_view front) {
  std::string variant = job.label.size() > front.size() ? job.label.substr(front.size() + 1) : "";
  const auto same = [&](const planned_job& other) { return other.label == job.label; };
  if (std::count_if(jobs.begin(), jobs.end(), same) > 1) {
    if (const auto size = optional_text_at(job.config, "dataset.size"))
      variant.append(variant.empty() ? "" : " ").append(*size);
  }
  return variant;
}

// Times and memory of each pass with the jobs that it served.
json::object run_stats(const std::vector<planned_job>& jobs, std::span<const summary_source> sources) {
  json::array passes;
  for (std::size_t j = 0; j < jobs.size(); ++j) {
    const std::filesystem::path path = jobs[j].folder / job_stats_name;
    if (!std::filesystem::exists(path)) continue;
    const json::value stats = read_json_object(path);
    const auto same = std::find_if(passes.begin(), passes.end(),
                                   [&](const json::value& pass) { return pass.get_object().at("stats") == stats; });
    if (same == passes.end()) {
      passes.push_back({{"jobs", json::array{sources[j].label}}, {"stats", stats}});
    } else {
      same->get_object().at("jobs").get_array().emplace_back(sources[j].label);
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
    summary_source source;
    source.pair = text_at(job.config, "quant_pair.name");
    source.granularity = job.quantization.granularity.name;
    const std::string front = source.pair + " " + source.granularity;
    source.variant = variant_of(job, jobs, front);
    source.label = front + (source.variant.empty() ? "" : " " + source.variant);
    const std::filesystem::path relative = job.folder.lexically_relative(folder);
    source.folder = (relative.empty() ? job.folder : relative).generic_string();
    source.nominal_bits = 16 * job.quantization.compression;
    source.how = grouping_from(text_at(job.config, "autoquant.grouping"));
    source.layers = layers[job.pass.model];
    source.manifest = read_manifest(job.folder / manifest_name(text_at(job.scheme, "name")));
    sources.push_back(std::move(source));
  }
  write_summary(summarize(sources, skipped), folder);
  lm::write_text_file(folder / sweep_stats_name, json_text(run_stats(jobs, sources)) + "\n");
}

}  // namespace qgrain::sweep
