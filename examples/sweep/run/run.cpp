#include <common/file.hpp>
#include <common/json_text.hpp>
#include <engine/calibrate/ranges.hpp>
#include <engine/score/checkpoint.hpp>
#include <recipes/fake_recipes.hpp>
#include <sweep/results/manifest.hpp>
#include <sweep/results/output_folder.hpp>
#include <sweep/results/reports.hpp>
#include <sweep/run/finish_job.hpp>
#include <sweep/run/job_search.hpp>
#include <sweep/run/run.hpp>
#include <sweep/run/sweep_outputs.hpp>

#include <qgrain/core/status.hpp>
#include <qgrain/version.hpp>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <map>
#include <utility>

namespace qgrain::sweep {
namespace {

constexpr const char* skipped_jobs_name = "skipped-jobs.json";

std::vector<pass_of_jobs> passes_of(const std::vector<planned_job>& jobs) {
  std::vector<pass_of_jobs> passes;
  for (std::size_t j = 0; j < jobs.size(); ++j) {
    const auto same = std::find_if(passes.begin(), passes.end(),
                                   [&](const pass_of_jobs& pass) { return pass.opened->settings == jobs[j].pass; });
    if (same == passes.end()) {
      passes.push_back({std::make_unique<opened_pass>(jobs[j].pass), {j}});
    } else {
      same->jobs.push_back(j);
    }
  }
  return passes;
}

// Why the formats of a job do not suit the model's shapes, or nothing.
std::string fault_of(const planned_job& planned, const lm::model& model) {
  std::string faults;
  for (const engine::job& j : jobs_of(planned)) {
    const std::string fault = engine::job_fault(model, j);
    if (!fault.empty()) faults += (faults.empty() ? "" : "; ") + fault;
  }
  return faults;
}

// Moves the jobs that do not suit the model's shapes to the illegal ones. Those that are left keep their order.
void move_illegal(sweep_plan& plan, const std::vector<pass_of_jobs>& passes) {
  std::vector<std::string> faults(plan.jobs.size());
  for (const pass_of_jobs& pass : passes) {
    for (const std::size_t j : pass.jobs) faults[j] = fault_of(plan.jobs[j], pass.opened->model);
  }
  std::vector<planned_job> legal;
  for (std::size_t j = 0; j < plan.jobs.size(); ++j) {
    if (faults[j].empty()) {
      legal.push_back(std::move(plan.jobs[j]));
    } else {
      const planned_job& job = plan.jobs[j];
      plan.illegal.push_back({job.label, job.settings.pair, job.settings.granularity.name, faults[j]});
    }
  }
  plan.jobs = std::move(legal);
}

std::filesystem::path common_folder_of(const sweep_plan& plan) {
  return plan.jobs.empty() ? plan.folder : common_folder(plan.jobs);
}

// The groups that scores depend on; empty where they depend on none.
std::string groups_text(const pass_settings& pass) {
  std::string text;
  if (!pass.kl_padding) text.append(" tokens");
  if (pass.groups) {
    text.append(pass.groups->how == layer_fusion::none ? " none" : " fused");
    for (const std::string& pattern : pass.groups->patterns) text.append("\n").append(pattern);
  }
  return text;
}

// What a run keeps in its folder while it works.
class run_state {
 public:
  run_state(const sweep_plan& plan, const run_request& request)
      : folder_(make_folder(plan.folder)), lock_(folder_), log_(common::output_target(state_folder(folder_) / "log"), std::ios::app) {
    for (const auto& place : {folder_, state_folder(folder_), common_folder_of(plan)}) remove_leftovers(place);
    if (request.resumed_folder.empty()) write_request(request, folder_);
    log("start");
  }
  void log(const std::string& line) {
    const std::chrono::duration<double> since = std::chrono::steady_clock::now() - start_;
    log_ << since.count() << " " << line << std::endl;
  }
  // One file per settings of a pass.
  [[nodiscard]] std::filesystem::path checkpoint(const pass_settings& pass) const {
    engine::fnv1a hash;
    const std::string text =
        pass.model.string() + "\n" + pass.captions.string() + "\n" + std::to_string(pass.samples.value_or(0)) + " " +
        std::to_string(static_cast<int>(pass.padding)) + " " + std::to_string(pass.sequence_length) + " " +
        std::to_string(pass.batch_size) + " " + std::to_string(pass.score_size) + " " +
        std::string(name_of(pass.cross)) + " " + std::to_string(pass.fisher_draws) + " " +
        std::to_string(pass.fisher_seed) + groups_text(pass);
    hash.add(std::as_bytes(std::span(text)));
    return state_folder(folder_) / ("pass-" + hash.text() + ".safetensors");
  }
  [[nodiscard]] scoring_options options(const sweep_plan& plan, const pass_settings& pass, const run_control& control) {
    scoring_options options;
    options.checkpoint = checkpoint(pass);
    options.checkpoint_seconds = plan.runner.checkpoint_seconds;
    options.stop_requested = control.stop_requested;
    options.log = [this](const std::string& line) { log(line); };
    return options;
  }

 private:
  static std::filesystem::path make_folder(const std::filesystem::path& folder) {
    std::error_code code;
    std::filesystem::create_directories(folder, code);
    if (code) throw error(errc::io_failure, folder.string() + " cannot be made: " + code.message());
    return folder;
  }

  std::filesystem::path folder_;
  folder_lock lock_;
  std::ofstream log_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

// Makes the folder this configuration's, where it is not yet.
folder_state claim(const std::filesystem::path& folder, const json::object& config, std::string_view result_name) {
  const folder_state state = check_output_folder(folder, config, result_name);
  remove_leftovers(folder);  // of a complete job too: the sweep's tables come last
  if (state == folder_state::complete) return state;
  std::error_code code;
  std::filesystem::create_directories(folder, code);
  if (code) throw error(errc::io_failure, folder.string() + " cannot be made: " + code.message());
  if (state == folder_state::empty)
    common::write_text_file(folder / composed_config_name, common::json_text(config) + "\n");
  return state;
}

void write_skipped(const sweep_plan& plan) {
  if (plan.illegal.empty()) return;
  json::array skipped;
  for (const skipped_job& job : plan.illegal) skipped.push_back({{"job", job.label}, {"reason", job.reason}});
  common::write_text_file(plan.folder / skipped_jobs_name, common::json_text(skipped) + "\n");
}

}  // namespace

std::vector<pass_of_jobs> open_passes(sweep_plan& plan) {
  std::vector<pass_of_jobs> passes = passes_of(plan.jobs);
  const std::size_t planned = plan.jobs.size();
  move_illegal(plan, passes);
  settle_illegal(plan);
  if (plan.jobs.size() != planned) passes = passes_of(plan.jobs);
  const auto warn = [&](const std::vector<std::string>& warnings) {
    for (const std::string& warning : warnings) {
      if (std::find(plan.warnings.begin(), plan.warnings.end(), warning) == plan.warnings.end())
        plan.warnings.push_back(warning);
    }
  };
  for (const pass_of_jobs& pass : passes) {
    warn(pass.opened->model.warnings());
    for (const std::size_t j : pass.jobs) {
      const job_search search(plan.jobs[j], *pass.opened);
      search.check();
      warn(search.warnings());
    }
  }
  return passes;
}

std::vector<finished_job> run_jobs(sweep_plan& plan, const run_request& request, const run_control& control) {
  const std::vector<pass_of_jobs> passes = open_passes(plan);
  for (const std::string& warning : plan.warnings) control.warn(warning);
  run_state state(plan, request);
  for (planned_job& job : plan.jobs) job.state = claim(job.folder, job.config, job.result_name());
  write_skipped(plan);

  std::vector<finished_job> done(plan.jobs.size());
  for (std::size_t p = 0; p < passes.size(); ++p) {
    const opened_pass& pass = *passes[p].opened;
    const std::filesystem::path checkpoint = state.checkpoint(pass.settings);
    std::vector<engine::job> missing;  // jobs that come to the same recipes are scored once
    for (const std::size_t j : passes[p].jobs) {
      const planned_job& planned_one = plan.jobs[j];
      if (planned_one.state == folder_state::complete) {
        done[j] = read_finished(planned_one);
        continue;
      }
      for (const engine::job& wanted : jobs_of(planned_one)) {
        if (std::find(missing.begin(), missing.end(), wanted) == missing.end()) missing.push_back(wanted);
      }
    }
    if (!missing.empty()) {
      const std::string what =
          "scoring " + std::to_string(missing.size()) + (missing.size() == 1 ? " job" : " jobs in one pass") +
          (passes.size() > 1 ? ", pass " + std::to_string(p + 1) + " of " + std::to_string(passes.size()) : "");
      scoring_options options = state.options(plan, pass.settings, control);
      options.progress = [&](double share) {
        control.progress((static_cast<double>(p) + share) / static_cast<double>(passes.size()), what);
      };
      const scored_pass scored = score(pass, missing, options);
      mix_bench bench(pass);
      for (const std::size_t j : passes[p].jobs) {
        if (plan.jobs[j].state == folder_state::complete) continue;
        if (control.stop_requested()) throw engine::interrupted();
        done[j] = finish(plan.jobs[j], pass, scored, bench, control.stop_requested);
      }
    }
    remove_checkpoints(checkpoint);
  }
  write_sweep_outputs(plan.jobs, plan.illegal);
  state.log("complete");
  return done;
}

void run_recipe_list(const sweep_plan& plan, const run_request& request, const run_control& control) {
  const recipe_list_job& list = *plan.recipe_list;
  const opened_pass pass(list.pass);
  engine::check_jobs(pass.model, list.jobs);
  run_state state(plan, request);
  if (claim(list.folder, list.config, linear_scores_name) == folder_state::complete) return;
  scoring_options options = state.options(plan, pass.settings, control);
  options.progress = [&](double share) {
    control.progress(share, "scoring " + std::to_string(list.jobs.size()) + " jobs in one pass");
  };
  const scored_pass scored = score(pass, list.jobs, options);
  const engine::engine_result& result = scored.result;
  const std::vector<lm::linear_info>& linears = pass.model.linears();
  const std::vector<score_method>& methods = list.pass.methods;
  std::map<score_method, std::vector<bool>> shown;
  for (const score_method method : methods) shown[method] = scored_linears(pass, method);
  json::array jobs;
  for (std::size_t j = 0; j < scored.jobs.size(); ++j) {
    const auto by_linear = [&](score_method method) {
      json::object scores;
      for (std::size_t l = 0; l < linears.size(); ++l) {
        if (shown.at(method)[l]) scores[linears[l].name] = scored.scores.at(method)[j][l];
      }
      return scores;
    };
    json::object entry{{"weight", scored.jobs[j].weight}, {"activation", scored.jobs[j].activation}};
    if (scored.jobs[j].calibration != "max") entry["calibration"] = scored.jobs[j].calibration;
    if (!result.cross_term_errors.empty()) entry["cross_term_error"] = result.cross_term_errors[j].sum;
    entry["linear_scores"] = by_linear(methods.front());
    for (std::size_t m = 1; m < methods.size(); ++m) {
      if (m == 1) entry["method_scores"] = json::object();
      entry["method_scores"].as_object()[name_of(methods[m])] = by_linear(methods[m]);
    }
    jobs.push_back(std::move(entry));
  }
  json::array losses;
  for (const lm::loss_report::batch& batch : result.loss.batches)
    losses.push_back({{"loss", batch.loss}, {"targets", batch.targets}});
  json::object amax;
  for (std::size_t l = 0; l < linears.size(); ++l) amax[linears[l].name] = json::value_from(result.input_amax[l]);
  const json::object out{{"model", {{"id", list.model_id}, {"fingerprint", result.model_fingerprint}}},
                         {"program", program_version()},
                         {"method", name_of(methods.front())},
                         {"losses", losses},
                         {"jobs", jobs},
                         {"input_amax", amax}};
  common::write_text_file(list.folder / run_stats_name, common::json_text(run_stats(scored, list.pass)) + "\n");
  common::write_text_file(list.folder / linear_scores_name, common::json_text(out) + "\n");
  remove_checkpoints(state.checkpoint(pass.settings));
  state.log("complete");
}

void write_reports_again(const sweep_plan& plan) {
  const std::vector<planned_job>& jobs = plan.jobs;
  std::map<std::filesystem::path, std::string> fingerprints;
  std::vector<json::object> manifests;
  for (const planned_job& job : jobs) {
    if (!fingerprints.contains(job.pass.model)) {
      const lm::model model(job.pass.model);
      thread_pool pool(job.pass.threads);
      fingerprints[job.pass.model] = engine::model_fingerprint(model, engine::find_weight_ranges(model, pool));
    }
    manifests.push_back(read_manifest(job.folder / job.result_name()));
    check_manifest_model(manifests.back(), fingerprints[job.pass.model]);
  }
  for (std::size_t j = 0; j < jobs.size(); ++j) write_job_reports(manifests[j], jobs[j].folder);
  write_sweep_outputs(jobs, plan.illegal);
}

}  // namespace qgrain::sweep
