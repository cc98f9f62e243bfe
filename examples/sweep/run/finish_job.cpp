#include <common/file.hpp>
#include <common/json_text.hpp>
#include <engine/measure/method_agreement.hpp>
#include <engine/mix/mix.hpp>
#include <engine/mix/mix_study.hpp>
#include <sweep/results/exports.hpp>
#include <sweep/results/manifest.hpp>
#include <sweep/results/quant_recipe.hpp>
#include <sweep/results/reports.hpp>
#include <sweep/run/finish_job.hpp>
#include <sweep/run/manifest_parts.hpp>
#include <sweep/settings/naming.hpp>
#include <sweep/summary/autoquant_report.hpp>

#include <qgrain/core/status.hpp>
#include <qgrain/version.hpp>

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

namespace qgrain::sweep {
namespace {

// A job with its scores by every method.
class job_results {
 public:
  job_results(const planned_job& job, const opened_pass& pass, const scored_pass& scored)
      : job_(job),
        pass_(pass),
        scored_(scored),
        search_(job, pass),
        shown_linears_(scored_linears(pass, job.settings.autoquant.method)),
        jobs_(jobs_of(job)) {
    for (const score_method method : job.settings.autoquant.methods)
      scores_[method] = scores_of(job, pass, scored, additive_scores(pass, scored, method));
    if (!scored.token_divergence.empty()) divergence_ = scores_of(job, pass, scored, scored.token_divergence);
    calibrations_.entries = scored.result.calibrations.entries;
    calibrations_.weight_amax = scored.result.calibrations.weight_amax;
    for (std::size_t f = 0; f < jobs_.size(); ++f)
      calibrations_.entry_of_job.push_back(scored.result.calibrations.entry_of_job.at(place(f)));
    found_ = search_.search(scores_.at(job.settings.autoquant.method), job.settings.autoquant.method);
  }

  [[nodiscard]] const searched_table& found() const noexcept { return found_; }

  // The chosen formats with what calibration found for them.
  [[nodiscard]] engine::recipe_mix mix() const { return engine::mixes_of(pass_.model, jobs_, calibrations_)(chosen()); }

  [[nodiscard]] json::object manifest(const engine::mix_measure& measure_mix,
                                      const std::function<bool()>& stop_requested) {
    const engine::engine_result& scores_found = scored_.result;
    job_result result;
    result.scheme = job_.settings.scheme.description(base_formats_of(job_));
    result.scheme["auto_quantize_bits"] = search_.effective_bits();
    result.model_id = job_.settings.scoring.model_path;
    for (const std::string& name : pass_.layers.names) result.layers.emplace_back(name, "Linear");
    result.candidates = found_.rows;
    result.outcome = found_.outcome;
    result.method = name_of(job_.settings.autoquant.method);
    result.search = search_.description(found_.outcome);
    for (const size_and_score& corner : front_corners(found_.rows))
      result.pareto.push_back({{"effective_bits", corner.size}, {"score", corner.score}});
    result.dataset = dataset_facts(job_, pass_.rows);
    if (!scores_found.unseen_experts.empty())
      result.dataset["experts_without_tokens"] = json::value_from(scores_found.unseen_experts);
    result.quantization = quantization();
    result.input_amax = input_amax(pass_, scores_found);
    if (job_.formats.size() == 1) {
      const recipe_pair& recipes = job_.formats.front().quantization.recipes;
      const lm::linear_info& first = pass_.model.linears().front();
      result.linear_scores = linear_scores(0);
      result.recipes = {{"weight", recipe_description(recipes.weight, first, true)},
                        {"activation", recipe_description(recipes.activation, first, false)}};
    }
    result.formats = formats();
    result.method_scores = method_scores();
    if (scores_.contains(score_method::kl_div) && scores_.size() > 1) result.method_agreement = agreement();
    result.loss = {{"mean_over_targets", scores_found.loss.mean_over_targets},
                   {"mean_of_batches", finite_or_null(scores_found.loss.mean_of_batches)}};
    if (job_.pass.cross != engine::cross_term::exact) result.cross_term = cross_term_of_first();
    result.mix = engine::mix_json(mix(), pass_.model);
    measure(measure_mix, stop_requested, result);
    result.model_fingerprint = scores_found.model_fingerprint;
    result.identity = job_.identity;
    result.program_version = program_version();
    return make_manifest(result);
  }

 private:
  [[nodiscard]] std::size_t place(std::size_t format) const {
    return static_cast<std::size_t>(std::find(scored_.jobs.begin(), scored_.jobs.end(), jobs_[format]) -
                                    scored_.jobs.begin());
  }

  [[nodiscard]] json::object quantization() const {
    if (job_.formats.size() == 1) {
      json::object text = job_.formats.front().quantization.description();
      text["has_effect"] = job_.has_effect();
      return text;
    }
    return {{"base_format_name", "mixed"}, {"has_effect", job_.has_effect()}};
  }

  [[nodiscard]] json::object cross_term_of_first() const {
    const engine::cross_term_error& error = scored_.result.cross_term_errors[place(0)];
    return {{"mode", name_of(job_.pass.cross)},
            {"measured_error", {{"sum", error.sum}, {"largest_of_a_linear", error.largest}}}};
  }

  // By the method of the search, as it gives them; of one that scores groups, only their first members have one. None
  // where nothing changed and decibels are infinite.
  [[nodiscard]] std::vector<std::pair<std::string, double>> linear_scores(std::size_t format) const {
    const std::vector<double>& values = scored_.scores.at(job_.settings.autoquant.method)[place(format)];
    const std::vector<lm::linear_info>& linears = pass_.model.linears();
    std::vector<std::pair<std::string, double>> scores;
    for (std::size_t l = 0; l < linears.size(); ++l) {
      if (shown_linears_[l] && std::isfinite(values[l])) scores.emplace_back(linears[l].name, values[l]);
    }
    return scores;
  }

  [[nodiscard]] json::array formats() const {
    json::array list;
    for (std::size_t f = 0; f < job_.formats.size(); ++f) {
      json::object scores;
      for (const auto& [name, score] : linear_scores(f)) scores[name] = score;
      list.push_back(format_entry(job_.formats[f], std::move(scores)));
    }
    return list;
  }

  [[nodiscard]] std::vector<std::vector<double>> harm(score_method method) const {
    return by_group(scores_.at(method));
  }

  // [group][format]
  [[nodiscard]] std::vector<std::vector<double>> by_group(const format_scores& scores) const {
    std::vector<std::vector<double>> groups;
    for (const candidate_row& row : found_.rows) {
      groups.emplace_back();
      for (const std::vector<double>& layers : scores) {
        double sum = 0;
        for (const std::size_t member : search_.members(row)) sum += layers[member];
        groups.back().push_back(sum);
      }
    }
    return groups;
  }

  [[nodiscard]] json::object method_scores() const {
    json::object all;
    for (const score_method method : job_.settings.autoquant.methods) {
      json::object& groups = all[name_of(method)].emplace_object();
      const std::vector<std::vector<double>> of_groups = harm(method);
      for (std::size_t g = 0; g < of_groups.size(); ++g) {
        json::array values;
        for (const double value : of_groups[g])
          values.push_back(method == score_method::sqnr_db && value > 0 ? -10 * std::log10(value) : value);
        groups[found_.rows[g].group.key] = std::move(values);
      }
    }
    return all;
  }

  // With the divergence of the tokens, over the groups that may be quantized and are reached by the text, all formats.
  [[nodiscard]] json::array agreement() const {
    const auto flat = [&](const std::vector<std::vector<double>>& of_groups) {
      std::vector<double> values;
      for (std::size_t g = 0; g < of_groups.size(); ++g) {
        const candidate_row& row = found_.rows[g];
        if (row.formats.size() > 1 && search_.members(row).front() >= pass_.unreached)
          values.insert(values.end(), of_groups[g].begin(), of_groups[g].end());
      }
      return values;
    };
    std::vector<engine::method_scores> methods;
    for (const score_method method : job_.settings.autoquant.methods)
      methods.push_back({std::string(name_of(method)), flat(harm(method))});
    json::array list;
    for (const engine::method_agreement& entry : engine::compare_methods(methods, flat(by_group(divergence_)))) {
      list.push_back({{"method", entry.method}, {"spearman", finite_or_null(entry.correlation)}});
    }
    return list;
  }

  [[nodiscard]] std::vector<engine::study_group> study_groups() const {
    std::vector<engine::study_group> groups;
    for (const candidate_row& row : found_.rows) {
      engine::study_group& group = groups.emplace_back();
      for (const std::size_t member : search_.members(row)) {
        if (member >= pass_.unreached) group.members.push_back(member - pass_.unreached);
      }
      for (const std::size_t f : row.format_indices) group.formats.push_back(f < jobs_.size() ? f : engine::no_format);
      group.costs = row.costs;
    }
    return groups;
  }

  [[nodiscard]] std::vector<std::size_t> chosen() const {
    std::vector<std::size_t> format(pass_.model.linears().size(), engine::no_format);
    const std::vector<engine::study_group> groups = study_groups();
    for (std::size_t g = 0; g < groups.size(); ++g) {
      for (const std::size_t member : groups[g].members) format[member] = groups[g].formats[found_.outcome.picks[g]];
    }
    return format;
  }

  // Scores that are a measure of the whole model's output add up to a prediction for the mix, where all texts are
  // scored.
  [[nodiscard]] json::value predicted(const format_scores& scores, double divisor) const {
    const bool is_all =
        num_score_steps(job_.pass.score_size, job_.pass.batch_size, pass_.rows.batches()) == pass_.rows.batches();
    if (scores.empty() || !is_all) return {};
    const std::vector<std::vector<double>> of_groups = by_group(scores);
    double sum = 0;
    for (std::size_t g = 0; g < of_groups.size(); ++g) {
      const std::size_t format = found_.rows[g].format_indices[found_.outcome.picks[g]];
      if (format < jobs_.size()) sum += of_groups[g][format];
    }
    return sum / divisor;
  }

  void measure(const engine::mix_measure& measure_mix, const std::function<bool()>& stop_requested,
               job_result& result) {
    const autoquant_settings& settings = job_.settings.autoquant;
    if (!has_measured_mixes(job_)) return;
    engine::study_request request;
    request.groups = study_groups();
    for (const score_method method : settings.methods) {
      engine::method_table& table =
          request.methods.emplace_back(engine::method_table{std::string(name_of(method)), {}});
      const std::vector<std::vector<double>> of_groups = harm(method);
      for (std::size_t g = 0; g < request.groups.size(); ++g) {
        table.scores.emplace_back();
        for (const std::size_t f : request.groups[g].formats)
          table.scores.back().push_back(f == engine::no_format ? 0 : of_groups[g][f]);
      }
    }
    request.effective_bits = settings.study_bits;
    request.make_mix = engine::mixes_of(pass_.model, jobs_, calibrations_);
    engine::study_options options;
    options.stop_requested = stop_requested;
    const engine::study_result study = engine::mix_study(pass_.model, measure_mix, request, options);
    result.study = study_rows(study);
    if (!settings.verify) return;
    const engine::mix_report measured = measure_mix(mix());
    const auto loss = scores_.find(score_method::loss);
    result.verification =
        verification_of(measured, study.uniform, job_.formats,
                        {{"score", found_.outcome.score},
                         {"mean_divergence", predicted(divergence_, static_cast<double>(measured.positions))},
                         {"loss_increase", predicted(loss != scores_.end() ? loss->second : format_scores(), 1)}});
  }

  const planned_job& job_;
  const opened_pass& pass_;
  const scored_pass& scored_;
  job_search search_;
  std::vector<bool> shown_linears_;
  std::vector<engine::job> jobs_;           // of the formats
  engine::calibration_table calibrations_;  // of the formats
  std::map<score_method, format_scores> scores_;
  format_scores divergence_;  // of the tokens; empty where it was not scored
  searched_table found_;
};

}  // namespace

std::string program_version() {
  return "qgrain " + std::to_string(version_major) + "." + std::to_string(version_minor) + "." +
         std::to_string(version_patch);
}

bool has_measured_mixes(const planned_job& job) {
  return job.settings.autoquant.verify || !job.settings.autoquant.study_bits.empty();
}

finished_job finish(const planned_job& job, const opened_pass& pass, const scored_pass& scored,
                    const engine::mix_measure& measure, const std::function<bool()>& stop_requested) {
  job_results results(job, pass, scored);
  const json::object manifest = results.manifest(measure, stop_requested);
  common::write_text_file(job.folder / run_stats_name, common::json_text(run_stats(scored, job.pass)) + "\n");
  write_job_reports(manifest, job.folder);
  common::write_text_file(job.folder / job.result_name(), common::json_text(manifest) + "\n");
  return {job.label, job.folder, results.found().rows, results.found().outcome, job.has_effect()};
}

finished_job read_finished(const planned_job& job) {
  const std::filesystem::path path = job.folder / job.result_name();
  const json::object manifest = read_manifest(path);
  try {
    searched_table found = search_in(manifest);
    return {job.label, job.folder, std::move(found.rows), std::move(found.outcome), job.has_effect()};
  } catch (const std::exception& fault) {
    throw error(errc::bad_file, path.string() + ": " + fault.what());
  }
}

void write_job_reports(const json::object& manifest, const std::filesystem::path& folder) {
  write_reports(manifest, folder);
  write_autoquant_report(manifest, read_exports(folder), folder);
  common::write_text_file(folder / quant_recipe_name, common::json_text(quant_recipe(manifest)) + "\n");
  common::write_text_file(folder / mix_name, common::json_text(mapping_in(manifest, "mix")) + "\n");
}

}  // namespace qgrain::sweep
