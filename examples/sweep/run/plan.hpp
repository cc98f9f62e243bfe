// From overrides to jobs that are ready to run: everything that can be refused is refused here, before any work.
#ifndef QGRAIN_SWEEP_RUN_PLAN_HPP
#define QGRAIN_SWEEP_RUN_PLAN_HPP

#include <hydra/runtime_context.hpp>
#include <sweep/results/output_folder.hpp>
#include <sweep/run/command_line.hpp>
#include <sweep/run/format_planner.hpp>
#include <sweep/run/pair_source.hpp>
#include <sweep/run/pass_settings.hpp>
#include <sweep/run/recipe_list.hpp>
#include <sweep/settings/job_settings.hpp>
#include <sweep/settings/runner_settings.hpp>
#include <sweep/summary/sweep_summary.hpp>

#include <boost/json.hpp>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace qgrain::sweep {

namespace json = boost::json;

struct planned_job {
  std::string label;                    ///< for people: pair, granularity and whatever else is swept
  std::string further;                  ///< whatever else is swept
  json::object config;                  ///< composed, as it is stored with the results
  job_settings settings;                ///< what it says
  std::vector<planned_format> formats;  ///< at least one
  pass_settings pass;
  std::filesystem::path folder;
  folder_state state = folder_state::empty;
  json::object identity = {};  ///< what its results depend on (identity.hpp), known once the pass is opened

  /// False where the granularity leaves the recipes of every format as they are.
  [[nodiscard]] bool has_effect() const;
  /// The name of its last file: with it the job is complete.
  [[nodiscard]] std::string result_name() const;
};

struct sweep_plan {
  std::vector<planned_job> jobs;
  std::optional<recipe_list_job> recipe_list;  ///< then there are no jobs
  std::filesystem::path folder;                ///< of the run as a whole: its state lies there
  runner_settings runner;
  std::vector<skipped_job> illegal;   ///< jobs that no recipe can follow; not among the others
  std::vector<std::string> warnings;  ///< for people: patterns that match nothing
  bool is_multirun = false;
};

/// Composes and checks every job. Faults of the jobs are collected: one error names them all, but for pairs and
/// granularities that no recipe can follow: those become plan.illegal.
[[nodiscard]] sweep_plan make_plan(const command_line& line, const pair_source& source,
                                   const hydra::runtime_context& context);

/// Throws errc::unsupported naming all illegal jobs, unless they are to be skipped and others remain.
void settle_illegal(const sweep_plan& plan);

}  // namespace qgrain::sweep

#endif
