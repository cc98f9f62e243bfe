#include <hydra/job_list.hpp>
#include <hydra/override.hpp>
#include <sweep/run/composition.hpp>
#include <sweep/run/plan.hpp>
#include <sweep/run/swept_keys.hpp>
#include <sweep/settings/composed_pair.hpp>
#include <sweep/settings/naming.hpp>
#include <sweep/settings/output_place.hpp>
#include <sweep/settings/recipe_list_settings.hpp>

#include <qgrain/core/status.hpp>

#include <algorithm>
#include <span>
#include <utility>

namespace qgrain::sweep {
namespace {

stale_results others_of(const runner_settings& runner) {
  return runner.recompute_stale ? stale_results::recomputed : stale_results::refused;
}

// The deepest folder that holds both.
std::filesystem::path common_folder(const std::filesystem::path& one, const std::filesystem::path& other) {
  const auto end = std::mismatch(one.begin(), one.end(), other.begin(), other.end()).first;
  std::filesystem::path common;
  for (auto part = one.begin(); part != end; ++part) common /= *part;
  return common.empty() ? std::filesystem::path(".") : common;
}

// Formats of the search stand in the place of the pair.
void refuse_pair_choices(std::span<const std::string> overrides) {
  for (const std::string& text : overrides) {
    const std::string key = hydra::key_text(hydra::parse_override(text));
    if (key == "quant_pair" || key == "quant_format")
      throw error(errc::invalid_argument, key + " has no effect beside autoquant.formats; leave one of them out");
  }
}

// Plans the jobs of a run one after the other.
class job_planner {
 public:
  job_planner(sweep_plan& plan, const pair_source& source, const hydra::runtime_context& context,
              const base_formats& formats, std::vector<std::string> swept)
      : plan_(plan), source_(source), context_(context), formats_(source, context, formats), swept_(std::move(swept)) {}

  // Adds a job to the plan, or to its illegal ones.
  void add(const std::vector<std::string>& overrides) {
    planned_job job;
    job.config = compose_resolved(overrides, source_, context_);
    settle_pair(job.config);
    job.settings = job_settings_of(job.config);
    const std::vector<quantization_settings> wanted = formats_of(job, overrides);
    job.pass = pass_of(job.settings.dataset, job.settings.scoring, job.settings.autoquant);
    const auto further = further_values(overrides, swept_);
    job.further = swept_dir(further);
    const output_place place = place_of(job.config, plan_.is_multirun, time_text(context_.now));
    job.folder = place.folder;
    if (!job.further.empty()) job.folder /= job.further;
    const std::string& pair = job.settings.pair;
    const std::string& granularity = job.settings.granularity.name;
    job.label = pair + " " + granularity + (further.empty() ? "" : " " + job.further);
    plan_.folder = plan_.folder.empty() ? place.base : common_folder(plan_.folder, place.base);
    try {
      for (const quantization_settings& format : wanted) {
        job.formats.push_back(formats_.resolve(format));
        // ModelOpt numbers configurations that are none of its presets by their place
        std::string& name = job.formats.back().quantization.format_name;
        if (name == "CUSTOM_0") name = "CUSTOM_" + std::to_string(job.formats.size() - 1);
      }
    } catch (const error& fault) {
      plan_.illegal.push_back({job.label, pair, granularity, fault.what()});
      return;
    }
    plan_.jobs.push_back(std::move(job));
  }

 private:
  // Those that the search chooses from, or the job's own pair.
  [[nodiscard]] std::vector<quantization_settings> formats_of(const planned_job& job,
                                                              const std::vector<std::string>& overrides) const {
    std::vector<quantization_settings> formats;
    for (const format_request& request : job.settings.autoquant.formats)
      formats.push_back(formats_.settings_of(request, overrides));
    if (formats.empty()) {
      formats.push_back(quantization_of(job.config));
    } else {
      refuse_pair_choices(overrides);
    }
    for (const quantization_settings& format : formats) formats_.check_base_format(format);
    return formats;
  }

  sweep_plan& plan_;
  const pair_source& source_;
  const hydra::runtime_context& context_;
  format_planner formats_;
  std::vector<std::string> swept_;
};

// Plans the jobs with these overrides; one error names the faults of all.
void add_jobs(sweep_plan& plan, job_planner& planner, const std::vector<std::vector<std::string>>& lists,
              std::span<const std::string> swept) {
  std::vector<std::string> faults;
  errc code = errc::ok;
  for (const std::vector<std::string>& list : lists) {
    try {
      planner.add(list);
    } catch (const error& fault) {
      if (faults.empty()) code = fault.code();
      faults.push_back(swept_text(list, swept) + fault.what());
    }
  }
  if (!faults.empty()) {
    std::string sentence =
        faults.size() > 1 ? std::to_string(faults.size()) + " of " + std::to_string(lists.size()) + " jobs cannot run:"
                          : "";
    for (const std::string& fault : faults) sentence += (sentence.empty() ? "" : "\n  ") + fault;
    throw error(code, sentence);
  }
  if (lists.empty()) throw error(errc::invalid_argument, "the sweep has no jobs");
  if (plan.jobs.empty()) settle_illegal(plan);
}

}  // namespace

sweep_plan make_plan(const command_line& line, const pair_source& source, const hydra::runtime_context& context) {
  sweep_plan plan;
  const run_overrides run = overrides_of(line, source, context);
  plan.is_multirun = run.is_multirun;
  if (!plan.is_multirun) {
    const json::object config = compose_resolved(run.overrides, source, context);
    if (has_recipe_list(config)) {
      plan.runner = runner_of(config);
      plan.recipe_list = plan_recipe_list(config, time_text(context.now), others_of(plan.runner));
      plan.folder = plan.recipe_list->folder;
      return plan;
    }
  }
  const std::vector<std::vector<std::string>> lists = plan.is_multirun
                                                          ? hydra::expand_jobs(run.overrides, source)
                                                          : std::vector<std::vector<std::string>>{run.overrides};
  const std::vector<std::string> swept = plan.is_multirun ? swept_keys(run.overrides) : std::vector<std::string>();
  const base_formats formats(format_folders(line), source.dtypes());
  job_planner planner(plan, source, context, formats, swept);
  add_jobs(plan, planner, lists, swept);
  plan.runner = runner_of(plan.jobs.front().config);
  std::vector<std::filesystem::path> folders;
  for (const planned_job& job : plan.jobs) folders.push_back(job.folder);
  check_distinct(folders);
  if (plan.runner.report_only) return plan;
  for (planned_job& job : plan.jobs)
    job.state = planned_folder_state(job.folder, job.config, job.result_name(), others_of(plan.runner));
  return plan;
}

bool planned_job::has_effect() const {
  return std::any_of(formats.begin(), formats.end(), [](const planned_format& f) { return f.quantization.has_effect; });
}

std::string planned_job::result_name() const { return manifest_name(settings.scheme.name); }

void settle_illegal(const sweep_plan& plan) {
  if (plan.illegal.empty() || (plan.runner.skip_illegal && !plan.jobs.empty())) return;
  const std::size_t all = plan.illegal.size() + plan.jobs.size();
  std::string sentence;
  if (all > 1) sentence = std::to_string(plan.illegal.size()) + " of " + std::to_string(all) + " jobs cannot run:";
  for (const skipped_job& job : plan.illegal) sentence += (all > 1 ? "\n  [" + job.label + "] " : "") + job.reason;
  throw error(errc::unsupported, sentence);
}

}  // namespace qgrain::sweep
