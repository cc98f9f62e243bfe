#include <common/json.hpp>
#include <sweep/results/identity.hpp>
#include <sweep/results/manifest.hpp>
#include <sweep/run/identify.hpp>
#include <sweep/run/job_search.hpp>
#include <sweep/run/open_passes.hpp>
#include <sweep/run/pass_state.hpp>

#include <qgrain/core/status.hpp>

#include <algorithm>
#include <string>
#include <utility>

namespace qgrain::sweep {
namespace {

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

void add_warning(sweep_plan& plan, const std::string& warning) {
  if (std::find(plan.warnings.begin(), plan.warnings.end(), warning) == plan.warnings.end())
    plan.warnings.push_back(warning);
}

void add_warnings(sweep_plan& plan, const std::vector<std::string>& warnings) {
  for (const std::string& warning : warnings) add_warning(plan, warning);
}

// What stands in the way of using what is there, one sentence each.
class stale_findings {
 public:
  explicit stale_findings(sweep_plan& plan) : plan_(plan) {}

  // A finished job becomes one to be computed anew, where it is of another identity.
  void check_result(folder_state& state, const std::filesystem::path& path, const json::object& result,
                    const json::object& identity) {
    const std::string fault = identity_fault(path.string(), identity_in(result), identity);
    if (fault.empty()) return;
    state = folder_state::stale;
    faults_.push_back(fault);
  }

  void check_checkpoint(const pass_settings& pass, const json::object& identity) {
    const std::string fault = checkpoint_fault(checkpoint_path(plan_.folder, pass), identity);
    if (!fault.empty()) faults_.push_back(fault);
  }

  void settle() const {
    if (faults_.empty()) return;
    if (plan_.runner.recompute_stale) {
      for (const std::string& fault : faults_) add_warning(plan_, fault + "; it is computed anew");
      return;
    }
    std::string sentence;
    for (const std::string& fault : faults_) sentence.append(fault).append("\n  ");
    throw error(errc::invalid_argument,
                sentence.append("choose another folder, or compute anew with runner.stale=recompute"));
  }

 private:
  sweep_plan& plan_;
  std::vector<std::string> faults_;
};

void settle_list(sweep_plan& plan, const pass_of_jobs& pass) {
  recipe_list_job& list = *plan.recipe_list;
  list.identity = list_identity(pass.identity, list);
  stale_findings findings(plan);
  if (list.state == folder_state::complete) {
    const std::filesystem::path path = list.folder / linear_scores_name;
    findings.check_result(list.state, path, common::read_json_object(path), list.identity);
  }
  if (list.state != folder_state::complete) findings.check_checkpoint(list.pass, pass.identity);
  findings.settle();
}

std::vector<pass_of_jobs> open_recipe_list(sweep_plan& plan) {
  const recipe_list_job& list = *plan.recipe_list;
  std::vector<pass_of_jobs> passes;
  passes.push_back({std::make_unique<opened_pass>(list.pass), {}});
  engine::check_jobs(passes.front().opened->model, list.jobs);
  add_warnings(plan, passes.front().opened->model.warnings());
  return passes;
}

}  // namespace

void settle_stale(sweep_plan& plan, std::span<const pass_of_jobs> passes) {
  if (plan.recipe_list) return settle_list(plan, passes.front());
  stale_findings findings(plan);
  for (const pass_of_jobs& pass : passes) {
    bool is_missing_some = false;
    for (const std::size_t j : pass.jobs) {
      planned_job& job = plan.jobs[j];
      const folder_state planned_state = job.state;
      job.identity = job_identity(pass.identity, job);
      if (job.state == folder_state::complete) {
        const std::filesystem::path path = job.folder / job.result_name();
        findings.check_result(job.state, path, read_manifest(path), job.identity);
      }
      if (planned_state == folder_state::stale)
        add_warning(plan, job.folder.string() + " holds results of another configuration; they are computed anew");
      is_missing_some = is_missing_some || job.state != folder_state::complete;
    }
    if (is_missing_some) findings.check_checkpoint(pass.opened->settings, pass.identity);
  }
  findings.settle();
}

void identify_passes(std::vector<pass_of_jobs>& passes, common::communicator* ranks) {
  std::vector<const opened_pass*> opened;
  for (const pass_of_jobs& pass : passes) opened.push_back(pass.opened.get());
  const std::vector<json::object> identities = pass_identities(opened, ranks);
  for (std::size_t p = 0; p < passes.size(); ++p) passes[p].identity = identities[p];
}

std::vector<pass_of_jobs> open_passes(sweep_plan& plan) {
  if (plan.recipe_list) return open_recipe_list(plan);
  std::vector<pass_of_jobs> passes = passes_of(plan.jobs);
  const std::size_t planned = plan.jobs.size();
  move_illegal(plan, passes);
  settle_illegal(plan);
  if (plan.jobs.size() != planned) passes = passes_of(plan.jobs);
  for (const pass_of_jobs& pass : passes) {
    add_warnings(plan, pass.opened->model.warnings());
    for (const std::size_t j : pass.jobs) {
      const job_search search(plan.jobs[j], *pass.opened);
      search.check();
      add_warnings(plan, search.warnings());
    }
  }
  return passes;
}

std::vector<pass_of_jobs> open_settled_passes(sweep_plan& plan) {
  std::vector<pass_of_jobs> passes = open_passes(plan);
  identify_passes(passes, nullptr);
  settle_stale(plan, passes);
  return passes;
}

}  // namespace qgrain::sweep
