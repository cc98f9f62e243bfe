#include <common/json.hpp>
#include <sweep/results/identity.hpp>
#include <sweep/results/manifest.hpp>
#include <sweep/results/manifest_access.hpp>

#include <qgrain/core/nearest_names.hpp>
#include <qgrain/core/status.hpp>

#include <algorithm>
#include <cstdint>

namespace qgrain::sweep {
namespace {

json::array numbers(std::span<const double> values) { return json::array(values.begin(), values.end()); }

json::array texts(std::span<const std::string> values) { return json::array(values.begin(), values.end()); }

std::vector<double> numbers_of(const json::value& list) {
  std::vector<double> numbers;
  for (const json::value& number : list.as_array()) numbers.push_back(number.to_number<double>());
  return numbers;
}

struct ranked {
  std::string key;
  double importance;
};

// Least important first; equal ones keep the order of the layers.
std::vector<ranked> ranking_of(std::span<const candidate_row> rows) {
  std::vector<ranked> ranking;
  for (const auto& row : rows) {
    ranking.push_back({row.group.key, *std::max_element(row.scores.begin(), row.scores.end())});
  }
  std::stable_sort(ranking.begin(), ranking.end(),
                   [](const ranked& a, const ranked& b) { return a.importance < b.importance; });
  return ranking;
}

void add_sensitivity(json::object& manifest, std::span<const candidate_row> rows) {
  json::object sensitivity;
  for (const auto& row : rows) {
    sensitivity[row.group.key] = {
        {"formats", texts(row.formats)}, {"scores", numbers(row.scores)}, {"costs", numbers(row.costs)}};
  }
  json::array ranking;
  std::int64_t rank = 0;
  for (const auto& [key, importance] : ranking_of(rows)) {
    auto& entry = sensitivity.at(key).get_object();
    entry["importance"] = importance;
    entry["rank"] = ++rank;
    ranking.push_back({{"name", key}, {"importance", importance}});
  }
  manifest["layer_sensitivity"] = std::move(sensitivity);
  manifest["sensitivity_ranking"] = std::move(ranking);
}

json::object stats_of(const job_result& job) {
  json::object stats;
  for (const candidate_row& row : job.candidates) {
    stats[row.group.key] = {{"formats", texts(row.formats)},
                            {"scores", numbers(row.scores)},
                            {"costs", numbers(row.costs)},
                            {"module_names", texts(row.module_names)}};
  }
  return stats;
}

json::object state_of(const job_result& job) {
  json::object recipe;
  for (std::size_t g = 0; g < job.candidates.size(); ++g) {
    recipe[job.candidates[g].group.key] = job.candidates[g].formats[job.outcome.picks[g]];
  }
  const json::object constraints{{"effective_bits", job.outcome.effective_bits}};
  return {{"keys", json::array{"method", "candidate_stats", "best"}},
          {"constraints", constraints},
          {"score", job.outcome.score},
          {"is_satisfied", job.outcome.is_satisfied},
          {"recipe", recipe},
          {"method", job.method},
          {"search", job.search},
          {"candidate_stats", stats_of(job)},
          {"best",
           {{"recipe", recipe},
            {"constraints", constraints},
            {"score", job.outcome.score},
            {"is_satisfied", job.outcome.is_satisfied}}},
          {"pareto", job.pareto}};
}

json::object layers_of(const job_result& job) {
  json::object layers;
  for (const auto& [name, type] : job.layers) layers[name] = {{"quantized", true}, {"module_type", type}};
  return layers;
}

json::object without_nulls(const json::object& object) {
  json::object result;
  for (const auto& entry : object) {
    if (!entry.value().is_null()) result[entry.key()] = entry.value();
  }
  return result;
}

}  // namespace

json::object make_manifest(const job_result& job) {
  json::object manifest;
  manifest["scheme"] = job.scheme;
  manifest["model"] = job.model_id.empty() ? json::object() : json::object{{"id", job.model_id}};
  manifest["num_quantized_layers"] = job.layers.size();
  manifest["layers"] = layers_of(job);
  manifest["autoquant_state"] = state_of(job);
  add_sensitivity(manifest, job.candidates);
  manifest["dataset"] = without_nulls(job.dataset);
  manifest["quantization"] = job.quantization;
  manifest["run_config"] = {{"composed_yaml_path", composed_config_name}};
  if (!job.linear_scores.empty()) {
    json::object& linear_scores = manifest["linear_scores"].emplace_object();
    for (const auto& [name, score] : job.linear_scores) linear_scores[name] = score;
  }
  manifest["input_amax"] = job.input_amax;
  const auto add = [&](const char* key, const auto& part) {
    if (!part.empty()) manifest[key] = part;
  };
  add("recipes", job.recipes);
  add("loss", job.loss);
  add("cross_term", job.cross_term);
  add("formats", job.formats);
  add("method_scores", job.method_scores);
  add("method_agreement", job.method_agreement);
  add("mix", job.mix);
  add("verification", job.verification);
  add("study", job.study);
  manifest["model_fingerprint"] = job.model_fingerprint;
  add(identity_key.data(), job.identity);
  manifest["program"] = {{"name", "qgrain-sweep"}, {"version", job.program_version}};
  return manifest;
}

json::object read_manifest(const std::filesystem::path& path) {
  json::object manifest = common::read_json_object(path);
  std::vector<std::string> missing;
  for (const char* key : {"scheme", "autoquant_state", "layer_sensitivity"}) {
    const auto* part = manifest.if_contains(key);
    if (part == nullptr || !part->is_object()) missing.emplace_back(key);
  }
  if (!missing.empty()) {
    throw error(errc::bad_file, "the manifest " + path.string() + " lacks the mappings " + join_names(missing));
  }
  return manifest;
}

searched_table search_in(const json::object& manifest) {
  searched_table found;
  const json::object& state = mapping_in(manifest, "autoquant_state");
  for (const auto& entry : mapping_in(state, "candidate_stats")) {
    const json::object& stats = entry.value().as_object();
    candidate_row& row = found.rows.emplace_back();
    row.group.key = entry.key();
    row.group.members.resize(stats.at("module_names").as_array().size());
    for (const json::value& format : stats.at("formats").as_array()) row.formats.emplace_back(format.as_string());
    row.scores = numbers_of(stats.at("scores"));
    row.costs = numbers_of(stats.at("costs"));
  }
  found.outcome.effective_bits = number_at(state, "constraints.effective_bits");
  found.outcome.score = number_at(state, "score");
  found.outcome.is_satisfied = flag_at(state, "is_satisfied");
  found.outcome.gap = number_at(state, "search.gap");
  return found;
}

void check_manifest_model(const json::object& manifest, std::string_view model_fingerprint, std::string_view weights) {
  const auto check = [](const json::value* found, std::string_view wanted, const char* what) {
    if (found == nullptr || *found == json::value(json::string(wanted))) return;
    const std::string shown = found->is_string() ? std::string(found->get_string()) : json::serialize(*found);
    throw error(errc::invalid_argument, std::string("the manifest belongs to the model with ") + what + shown +
                                            ", the configured model has " + std::string(wanted));
  };
  check(manifest.if_contains("model_fingerprint"), model_fingerprint, "fingerprint ");
  if (!weights.empty()) check(find_value(manifest, "identity.weights"), weights, "weights of the hash ");
}

const json::object& mapping_in(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  if (value == nullptr || !value->is_object()) {
    throw error(errc::bad_file, "the manifest has no mapping " + std::string(key));
  }
  return value->get_object();
}

}  // namespace qgrain::sweep
