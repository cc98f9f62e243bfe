#include <common/file.hpp>
#include <common/json_text.hpp>
#include <engine/calibrate/ranges.hpp>
#include <engine/score/checkpoint.hpp>
#include <sweep/results/manifest.hpp>
#include <sweep/results/output_folder.hpp>
#include <sweep/run/export_mixes.hpp>
#include <sweep/run/linear_scores.hpp>
#include <sweep/run/open_passes.hpp>
#include <sweep/run/pass_division.hpp>
#include <sweep/run/pass_state.hpp>
#include <sweep/run/ranks.hpp>
#include <sweep/run/run.hpp>
#include <sweep/run/sweep_outputs.hpp>
#include <sweep/run/weights_scan.hpp>

#include <qgrain/core/status.hpp>
#include <qgrain/host/parallel.hpp>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <map>
#include <span>
#include <utility>

namespace qgrain::sweep {
namespace {

constexpr const char* skipped_jobs_name = "skipped-jobs.json";

std::filesystem::path common_folder_of(const sweep_plan& plan) {
  return plan.jobs.empty() ? plan.folder : common_folder(plan.jobs);
}

// What a run keeps in its folder while it works.
class run_state {
 public:
  run_state(const sweep_plan& plan, const run_request& request)
      : folder_(make_folder(plan.folder)),
        lock_(folder_),
        log_(common::output_target(state_folder(folder_) / "log"), std::ios::app) {
    for (const auto& place : {folder_, state_folder(folder_), common_folder_of(plan)}) remove_leftovers(place);
    if (request.resumed_folder.empty()) write_request(request, folder_);
    log("start");
  }
  void log(const std::string& line) {
    const std::chrono::duration<double> since = std::chrono::steady_clock::now() - start_;
    log_ << since.count() << " " << line << std::endl;
  }
  [[nodiscard]] scoring_options options(const sweep_plan& plan, const pass_settings& pass, const run_control& control) {
    scoring_options options;
    options.checkpoint = checkpoint_path(folder_, pass);
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

// Makes the folder this configuration's, where it is not yet; `planned`: its state as the plan knows it.
folder_state claim(const std::filesystem::path& folder, const json::object& config, std::string_view result_name,
                   folder_state planned) {
  const bool is_stale = planned == folder_state::stale;
  const folder_state found =
      check_output_folder(folder, config, result_name, is_stale ? stale_results::recomputed : stale_results::refused);
  const folder_state state = is_stale && found != folder_state::empty ? folder_state::stale : found;
  remove_leftovers(folder);  // of a complete job too: the sweep's tables come last
  if (state == folder_state::complete) return state;
  std::error_code code;
  std::filesystem::create_directories(folder, code);
  if (code) throw error(errc::io_failure, folder.string() + " cannot be made: " + code.message());
  if (state != folder_state::begun)
    common::write_text_file(folder / composed_config_name, common::json_text(config) + "\n");
  return state;
}

// Why the files of jobs could not be made: one job does not keep the others from theirs.
class job_faults {
 public:
  template <class Finish>
  void collect(const std::string& label, const Finish& finish) {
    try {
      finish();
    } catch (const error& fault) {
      faults_.emplace_back(label, fault);
    }
  }
  [[nodiscard]] bool empty() const noexcept { return faults_.empty(); }
  // Throws one error of all, of a run of `jobs` jobs.
  void settle(std::size_t jobs) const {
    if (empty()) return;
    if (jobs == 1) throw faults_.front().second;
    std::string text =
        std::to_string(faults_.size()) + " of " + std::to_string(jobs) + " jobs failed, the others are " + "complete:";
    for (const auto& [label, fault] : faults_) text.append("\n  [").append(label).append("] ").append(fault.what());
    throw error(faults_.front().second.code(), text);
  }

 private:
  std::vector<std::pair<std::string, error>> faults_;
};

void write_skipped(const sweep_plan& plan) {
  if (plan.illegal.empty()) return;
  json::array skipped;
  for (const skipped_job& job : plan.illegal) skipped.push_back({{"job", job.label}, {"reason", job.reason}});
  common::write_text_file(plan.folder / skipped_jobs_name, common::json_text(skipped) + "\n");
}

// What all ranks do before the work starts.
std::vector<pass_of_jobs> opened_passes(sweep_plan& plan, const run_control& control) {
  std::vector<pass_of_jobs> passes;
  together(control.ranks, [&] { passes = open_passes(plan); });
  identify_passes(passes, control.ranks);
  if (common::is_divided(control.ranks)) require_agreement(*control.ranks, plan, passes, control.warn);
  together(control.ranks, [&] { settle_stale(plan, passes); });
  if (common::is_divided(control.ranks) && control.ranks->rank() == 0)
    warn_of_idle_ranks(control.ranks->size(), plan, passes, control.warn);
  return passes;
}

// Whether this is not the first rank: then its share of all passes is done.
bool is_served(const std::vector<pass_of_jobs>& passes, const run_control& control) {
  if (!common::is_divided(control.ranks) || control.ranks->rank() == 0) return false;
  serve_passes(*control.ranks, passes);
  return true;
}

void warn_of_unseen(const scored_pass& scored, const run_control& control) {
  const std::vector<std::string>& experts = scored.result.unseen_experts;
  if (experts.empty()) return;
  constexpr std::size_t shown = 8;
  std::string names;
  for (std::size_t e = 0; e < std::min(shown, experts.size()); ++e) names += (e > 0 ? ", " : "") + experts[e];
  if (experts.size() > shown) names += " and " + std::to_string(experts.size() - shown) + " more";
  control.warn("no token of the calibration data reaches " + names + ": their ranges are the largest of their layer's");
}

// Scores are safe by now: a refused export leaves them and the others.
void export_mixes(const sweep_plan& plan, const run_control& control, job_faults& faults) {
  for (const planned_job& job : plan.jobs) {
    if (control.stop_requested()) throw engine::interrupted();
    faults.collect(job.label, [&] { export_mix(job); });
    if (control.stop_requested()) throw engine::interrupted();
  }
}

std::vector<finished_job> run_passes(sweep_plan& plan, const run_request& request, const run_control& control,
                                     std::span<const pass_of_jobs> passes) {
  pass_caller caller(control.ranks);
  for (const std::string& warning : plan.warnings) control.warn(warning);
  run_state state(plan, request);
  for (planned_job& job : plan.jobs) job.state = claim(job.folder, job.config, job.result_name(), job.state);
  write_skipped(plan);

  std::vector<finished_job> done(plan.jobs.size());
  job_faults faults;
  for (std::size_t p = 0; p < passes.size(); ++p) {
    const opened_pass& pass = *passes[p].opened;
    const std::filesystem::path checkpoint = checkpoint_path(plan.folder, pass.settings);
    for (const std::size_t j : passes[p].jobs) {
      if (plan.jobs[j].state == folder_state::complete) done[j] = read_finished(plan.jobs[j]);
    }
    const std::vector<engine::job> missing = missing_jobs(plan, passes[p]);
    if (!missing.empty()) {
      const std::string what =
          "scoring " + std::to_string(missing.size()) + (missing.size() == 1 ? " job" : " jobs in one pass") +
          (passes.size() > 1 ? ", pass " + std::to_string(p + 1) + " of " + std::to_string(passes.size()) : "");
      scoring_options options = state.options(plan, pass.settings, control);
      options.progress = [&](double share) {
        control.progress((static_cast<double>(p) + share) / static_cast<double>(passes.size()), what);
      };
      claim_checkpoint(checkpoint, passes[p].identity);
      const scored_pass scored = caller.score(p, pass, missing, options);
      const auto is_measured = [&](std::size_t j) { return has_measured_mixes(plan.jobs[j]); };
      if (p + 1 == passes.size() && std::none_of(passes[p].jobs.begin(), passes[p].jobs.end(), is_measured))
        caller.dismiss();
      warn_of_unseen(scored, control);
      const auto measure = [&](const engine::recipe_mix& mix) { return caller.measure(p, pass, mix); };
      for (const std::size_t j : passes[p].jobs) {
        if (plan.jobs[j].state == folder_state::complete) continue;
        if (control.stop_requested()) throw engine::interrupted();
        faults.collect(plan.jobs[j].label,
                       [&] { done[j] = finish(plan.jobs[j], pass, scored, measure, control.stop_requested); });
      }
    }
    if (faults.empty()) remove_checkpoints(checkpoint);
  }
  caller.dismiss();
  faults.settle(plan.jobs.size());
  export_mixes(plan, control, faults);
  write_sweep_outputs(plan.jobs, plan.illegal);
  faults.settle(plan.jobs.size());
  state.log("complete");
  return done;
}

void score_list(sweep_plan& plan, const run_request& request, const run_control& control, const pass_of_jobs& opened) {
  pass_caller caller(control.ranks);
  for (const std::string& warning : plan.warnings) control.warn(warning);
  const recipe_list_job& list = *plan.recipe_list;
  const opened_pass& pass = *opened.opened;
  run_state state(plan, request);
  const std::filesystem::path checkpoint = checkpoint_path(plan.folder, pass.settings);
  if (claim(list.folder, list.config, linear_scores_name, list.state) == folder_state::complete)
    return remove_checkpoints(checkpoint);  // removing may have been what failed
  claim_checkpoint(checkpoint, opened.identity);
  scoring_options options = state.options(plan, pass.settings, control);
  options.progress = [&](double share) {
    control.progress(share, "scoring " + std::to_string(list.jobs.size()) + " jobs in one pass");
  };
  const scored_pass scored = caller.score(0, pass, list.jobs, options);
  caller.dismiss();
  warn_of_unseen(scored, control);
  common::write_text_file(list.folder / run_stats_name, common::json_text(run_stats(scored, list.pass)) + "\n");
  common::write_text_file(list.folder / linear_scores_name,
                          common::json_text(linear_scores_of(list, pass, scored)) + "\n");
  remove_checkpoints(checkpoint);
  state.log("complete");
}

}  // namespace

std::vector<finished_job> run_jobs(sweep_plan& plan, const run_request& request, const run_control& control) {
  const std::vector<pass_of_jobs> passes = opened_passes(plan, control);
  std::vector<finished_job> done;
  if (!is_served(passes, control)) alone(control.ranks, [&] { done = run_passes(plan, request, control, passes); });
  return done;
}

void run_recipe_list(sweep_plan& plan, const run_request& request, const run_control& control) {
  const std::vector<pass_of_jobs> passes = opened_passes(plan, control);
  if (!is_served(passes, control)) alone(control.ranks, [&] { score_list(plan, request, control, passes.front()); });
}

std::vector<json::object> manifests_of(const sweep_plan& plan) {
  std::map<std::filesystem::path, std::pair<std::string, std::string>> models;  // fingerprint, hash of the weights
  std::vector<json::object> manifests;
  for (const planned_job& job : plan.jobs) {
    manifests.push_back(read_manifest(job.folder / job.result_name()));
    if (!models.contains(job.pass.model)) {
      const lm::model model(job.pass.model);
      thread_pool pool(job.pass.threads);
      models[job.pass.model] = {engine::model_fingerprint(model, engine::find_weight_ranges(model, pool)),
                                weights_hash(model, pool)};
    }
    check_manifest_model(manifests.back(), models[job.pass.model].first, models[job.pass.model].second);
  }
  return manifests;
}

void write_reports_again(const sweep_plan& plan) {
  const std::vector<json::object> manifests = manifests_of(plan);
  for (std::size_t j = 0; j < manifests.size(); ++j) write_job_reports(manifests[j], plan.jobs[j].folder);
  write_sweep_outputs(plan.jobs, plan.illegal);
}

}  // namespace qgrain::sweep
