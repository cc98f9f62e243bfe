#include "run.hpp"

#include "sweep_outputs.hpp"

#include <captions.hpp>
#include <config_access.hpp>
#include <constraint.hpp>
#include <job_settings.hpp>
#include <json_file.hpp>
#include <json_text.hpp>
#include <lm/file.hpp>
#include <manifest.hpp>
#include <naming.hpp>
#include <reports.hpp>

#include <engine/engine.hpp>
#include <engine/ranges.hpp>
#include <lm/process.hpp>
#include <lm/tokenizer.hpp>

#include <qgrain/core/status.hpp>
#include <qgrain/host/fake_recipes.hpp>
#include <qgrain/version.hpp>

#include <algorithm>
#include <map>
#include <memory>
#include <utility>

namespace qgrain::sweep {
namespace {

constexpr const char* run_stats_name = "run_stats.json";
constexpr const char* linear_scores_name = "linear-scores.json";

std::string program_version() {
  return "qgrain " + std::to_string(version_major) + "." + std::to_string(version_minor) + "." +
         std::to_string(version_patch);
}

// The texts of a pass as rows.
lm::packed_rows load_rows(const pass_settings& pass, const lm::model& model) {
  const lm::tokenizer tokenizer = lm::tokenizer::load(pass.model / "tokenizer.json");
  const std::vector<std::string> texts =
      pass.samples ? read_captions(pass.captions, *pass.samples) : caption_lines(lm::read_text_file(pass.captions));
  if (texts.empty()) throw error(errc::bad_file, pass.captions.string() + ": the file holds no caption");
  std::vector<lm::token_ids> sequences;
  for (const std::string& text : texts) {
    sequences.push_back(tokenizer.encode(text));
    if (sequences.back().empty())
      throw error(errc::bad_file,
                  pass.captions.string() + ": caption " + std::to_string(sequences.size()) + " has no tokens");
  }
  const std::string token = lm::padding_token(pass.model);
  std::optional<std::int32_t> padding_id = token.empty() ? std::nullopt : tokenizer.id_of(token);
  if (!padding_id) padding_id = model.config().padding_id;
  if (!padding_id && pass.padding == lm::padding::left) {
    throw error(errc::bad_file, pass.model.string() +
                                    ": no padding id: tokenizer_config.json has no pad_token, config.json neither "
                                    "pad_token_id nor eos_token_id");
  }
  return lm::pack(sequences, {pass.padding, pass.sequence_length, pass.batch_size, padding_id.value_or(-1), padding_id},
                  model.config().vocabulary);
}

// A pass with everything that can be refused before scoring opened and checked.
struct prepared_pass {
  prepared_pass(const pass_settings& pass, std::vector<job> jobs_of_pass)
      : settings(pass), jobs(std::move(jobs_of_pass)), model(pass.model), rows(load_rows(pass, model)) {
    check_jobs(model, jobs);
    // Layers that text does not reach come first, as in a model's own order.
    const std::vector<lm::linear_info> others = model.other_layers();
    unreached = others.size();
    for (const std::vector<lm::linear_info>* part : {&others, &model.linears()}) {
      for (const lm::linear_info& l : *part) {
        layers.names.push_back(l.name);
        layers.sizes.push_back(static_cast<double>(l.elements()));
      }
    }
  }

  const pass_settings& settings;
  std::vector<job> jobs;
  lm::model model;
  lm::packed_rows rows;
  layer_list layers;
  std::size_t unreached = 0;
};

struct scored_pass {
  engine_result result;
  std::vector<lm::linear_info> linears;
  index_t batches = 0;
  index_t sequences = 0;
};

scored_pass score(const prepared_pass& pass, const std::function<void(double)>& progress) {
  thread_pool pool(pass.settings.threads);
  engine_options options;
  options.score_batches = num_score_steps(pass.settings.score_size, pass.settings.batch_size, pass.rows.batches());
  options.progress = progress;
  return {score_jobs(pass.model, pass.rows, pass.jobs, pool, options), pass.model.linears(), pass.rows.batches(),
          static_cast<index_t>(pass.rows.sequences.size())};
}

json::object scores_by_linear(const scored_pass& pass, std::size_t job) {
  json::object scores;
  for (std::size_t l = 0; l < pass.linears.size(); ++l) scores[pass.linears[l].name] = pass.result.scores[job][l];
  return scores;
}

json::object input_amax(const scored_pass& pass) {
  json::object ranges;
  for (std::size_t l = 0; l < pass.linears.size(); ++l) {
    const std::vector<float>& channels = pass.result.input_amax[l];
    ranges[pass.linears[l].name] = *std::max_element(channels.begin(), channels.end());
  }
  return ranges;
}

// Times and memory, which differ from run to run.
json::object run_stats(const scored_pass& pass, std::size_t jobs, int threads) {
  const engine_costs& costs = pass.result.costs;
  return {{"jobs_in_pass", jobs},
          {"threads", threads},
          {"seconds",
           {{"total", costs.total_seconds},
            {"weight_ranges", costs.weight_range_seconds},
            {"forward_and_calibration", costs.pass.forward_seconds},
            {"loss", costs.pass.loss_seconds},
            {"backward", costs.pass.backward_seconds},
            {"quantize_weights", costs.weight_seconds},
            {"score", costs.scoring_seconds}}},
          {"matrix_product_flops",
           {{"linears", costs.pass.linear_flops},
            {"attention", costs.pass.attention_flops},
            {"jobs", costs.scoring_flops}}},
          {"peak_resident_bytes", lm::peak_resident_bytes()}};
}

json::value recipe_description(const std::string& name, const lm::linear_info& linear, bool is_weight) {
  if (name == unquantized) return {{"name", name}};
  const fake_recipe recipe = find_fake_recipe(name);
  json::object text{{"name", name},
                    {"format", recipe.elements.format},
                    {"scale", recipe.elements.scale},
                    {"rounding", recipe.elements.rounding}};
  if (is_weight) text["bits_per_element"] = recipe.bits_per_element({linear.out, linear.in});
  return text;
}

json::object dataset_of(const planned_job& job, const scored_pass& pass) {
  const auto text_or_null = [&](std::string_view key) -> json::value {
    const auto text = optional_text_at(job.config, key);
    return text ? json::value(*text) : json::value();
  };
  return {{"name", text_or_null("dataset.name")},      {"size", text_or_null("dataset.size")},
          {"root", text_or_null("dataset.root")},      {"captions_path", text_at(job.config, "dataset.captions_path")},
          {"max_calib_samples", *job.pass.samples},    {"num_calib_samples", pass.sequences},
          {"calib_seq_len", job.pass.sequence_length}, {"batch_size", job.pass.batch_size},
          {"num_calib_batches", pass.batches}};
}

// The table of a job and the choice from it, given the score of each Linear; layers that text does not reach score 0.
struct searched_job {
  bit_constraint constraint;
  std::vector<candidate_row> rows;
  search_outcome outcome;
};

searched_job search(const planned_job& job, const prepared_pass& pass, const std::vector<double>& linear_scores) {
  std::vector<double> scores(pass.unreached, 0.0);
  scores.insert(scores.end(), linear_scores.begin(), linear_scores.end());
  searched_job found;
  found.constraint =
      constraint_for(text_at(job.scheme, "coverage_mode"), number_at(job.scheme, "auto_quantize_bits"), pass.layers);
  const candidate_format format{job.quantization.format_name, job.quantization.compression,
                                json::serialize(job.quantization.config), scores};
  found.rows = candidate_table(pass.layers, grouping_from(text_at(job.config, "autoquant.grouping")), {format},
                               found.constraint.disabled_layers);
  found.outcome = search_bits(found.rows, found.constraint.effective_bits);
  return found;
}

finished_job finish(const planned_job& job, const prepared_pass& prepared, const scored_pass& pass,
                    std::size_t scored_as) {
  const std::vector<double>& scored = pass.result.scores[scored_as];
  searched_job found = search(job, prepared, scored);
  finished_job done{job.label, job.folder, std::move(found.rows), std::move(found.outcome),
                    job.quantization.has_effect};

  job_result result;
  result.scheme = job.scheme;
  result.scheme["auto_quantize_bits"] = found.constraint.effective_bits;
  result.model_id = text_at(job.config, "model.path");
  for (const std::string& name : prepared.layers.names) result.layers.emplace_back(name, "Linear");
  result.candidates = done.rows;
  result.outcome = done.outcome;
  result.dataset = dataset_of(job, pass);
  result.quantization = job.quantization.description();
  result.quantization["has_effect"] = job.quantization.has_effect;
  for (std::size_t l = 0; l < pass.linears.size(); ++l)
    result.linear_scores.emplace_back(pass.linears[l].name, scored[l]);
  result.input_amax = input_amax(pass);
  result.recipes = {
      {"weight", recipe_description(job.quantization.recipes.weight, pass.linears.front(), true)},
      {"activation", recipe_description(job.quantization.recipes.activation, pass.linears.front(), false)}};
  result.loss = {{"mean_over_targets", pass.result.loss.mean_over_targets},
                 {"mean_of_batches", pass.result.loss.mean_of_batches}};
  result.model_fingerprint = pass.result.model_fingerprint;
  result.program_version = program_version();
  const json::object manifest = make_manifest(result);

  std::filesystem::create_directories(job.folder);
  lm::write_text_file(job.folder / composed_config_name, json_text(job.config) + "\n");
  lm::write_text_file(job.folder / run_stats_name,
                      json_text(run_stats(pass, prepared.jobs.size(), job.pass.threads)) + "\n");
  lm::write_text_file(job.folder / manifest_name(text_at(job.scheme, "name")), json_text(manifest) + "\n");
  write_reports(manifest, job.folder);
  return done;
}

}  // namespace

std::vector<finished_job> run_jobs(const std::vector<planned_job>& jobs, const progress_report& progress) {
  // Jobs of one pass, passes in the order of their first jobs.
  std::vector<std::vector<std::size_t>> passes;
  for (std::size_t j = 0; j < jobs.size(); ++j) {
    const auto same = std::find_if(passes.begin(), passes.end(),
                                   [&](const auto& pass) { return jobs[pass.front()].pass == jobs[j].pass; });
    if (same == passes.end()) {
      passes.push_back({j});
    } else {
      same->push_back(j);
    }
  }
  std::vector<std::unique_ptr<prepared_pass>> prepared;
  std::vector<std::size_t> scored_as(jobs.size());
  for (const std::vector<std::size_t>& pass : passes) {
    // Jobs that come to the same recipes are scored once.
    std::vector<job> distinct;
    for (const std::size_t j : pass) {
      const job wanted{jobs[j].quantization.recipes.weight, jobs[j].quantization.recipes.activation};
      const auto found = std::find(distinct.begin(), distinct.end(), wanted);
      scored_as[j] = static_cast<std::size_t>(found - distinct.begin());
      if (found == distinct.end()) distinct.push_back(wanted);
    }
    prepared.push_back(std::make_unique<prepared_pass>(jobs[pass.front()].pass, std::move(distinct)));
    // Whether a target can be met depends on costs alone: known before any score is.
    const std::vector<double> no_scores(prepared.back()->model.linears().size(), 0.0);
    for (const std::size_t j : pass) static_cast<void>(search(jobs[j], *prepared.back(), no_scores));
  }
  std::vector<finished_job> finished(jobs.size());
  for (std::size_t p = 0; p < passes.size(); ++p) {
    const std::size_t count = prepared[p]->jobs.size();
    const std::string what =
        "scoring " + std::to_string(count) + (count == 1 ? " job" : " jobs in one pass") +
        (passes.size() > 1 ? ", pass " + std::to_string(p + 1) + " of " + std::to_string(passes.size()) : "");
    const scored_pass pass = score(*prepared[p], [&](double share) {
      progress((static_cast<double>(p) + share) / static_cast<double>(passes.size()), what);
    });
    for (const std::size_t j : passes[p]) finished[j] = finish(jobs[j], *prepared[p], pass, scored_as[j]);
  }
  write_sweep_outputs(jobs);
  return finished;
}

void run_recipe_list(const recipe_list_job& list, const progress_report& progress) {
  const scored_pass pass = score(prepared_pass(list.pass, list.jobs), [&](double share) {
    progress(share, "scoring " + std::to_string(list.jobs.size()) + " jobs in one pass");
  });
  json::array jobs;
  for (std::size_t j = 0; j < list.jobs.size(); ++j) {
    jobs.push_back({{"weight", list.jobs[j].weight},
                    {"activation", list.jobs[j].activation},
                    {"linear_scores", scores_by_linear(pass, j)}});
  }
  json::array losses;
  for (const lm::loss_report::batch& batch : pass.result.loss.batches)
    losses.push_back({{"loss", batch.loss}, {"targets", batch.targets}});
  json::object amax;
  for (std::size_t l = 0; l < pass.linears.size(); ++l)
    amax[pass.linears[l].name] = json::value_from(pass.result.input_amax[l]);
  const json::object out{
      {"model", {{"id", text_at(list.config, "model.path")}, {"fingerprint", pass.result.model_fingerprint}}},
      {"program", program_version()},
      {"losses", losses},
      {"jobs", jobs},
      {"input_amax", amax}};
  std::filesystem::create_directories(list.folder);
  lm::write_text_file(list.folder / composed_config_name, json_text(list.config) + "\n");
  lm::write_text_file(list.folder / run_stats_name,
                      json_text(run_stats(pass, list.jobs.size(), list.pass.threads)) + "\n");
  lm::write_text_file(list.folder / linear_scores_name, json_text(out) + "\n");
}

void write_reports_again(const std::vector<planned_job>& jobs) {
  std::map<std::filesystem::path, std::string> fingerprints;
  std::vector<json::object> manifests;
  for (const planned_job& job : jobs) {
    if (!fingerprints.contains(job.pass.model)) {
      const lm::model model(job.pass.model);
      thread_pool pool(job.pass.threads);
      fingerprints[job.pass.model] = model_fingerprint(model, find_weight_ranges(model, pool));
    }
    manifests.push_back(read_manifest(job.folder / manifest_name(text_at(job.scheme, "name"))));
    check_manifest_model(manifests.back(), fingerprints[job.pass.model]);
  }
  for (std::size_t j = 0; j < jobs.size(); ++j) write_reports(manifests[j], jobs[j].folder);
  write_sweep_outputs(jobs);
}

}  // namespace qgrain::sweep
