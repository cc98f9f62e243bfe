#include <sweep/run/recipe_list.hpp>
#include <sweep/settings/output_place.hpp>
#include <sweep/settings/recipe_list_settings.hpp>

#include <qgrain/core/status.hpp>

#include <variant>

namespace qgrain::sweep {
namespace {

engine::job job_from(const recipe_list_entry& entry) {
  if (const auto* parts = std::get_if<recipe_pair>(&entry))
    return {parts->weight, parts->activation, parts->calibration};
  try {
    return engine::parse_job(std::get<std::string>(entry));
  } catch (const error& fault) {
    throw error(fault.code(), std::string("jobs: ") + fault.what());
  }
}

}  // namespace

recipe_list_job plan_recipe_list(const json::object& config, const std::string& time, stale_results others) {
  const recipe_list_settings settings = recipe_list_of(config);
  recipe_list_job list;
  for (const recipe_list_entry& entry : settings.entries) list.jobs.push_back(job_from(entry));
  static_cast<void>(engine::plan_jobs(list.jobs));  // names and repetitions
  list.pass = pass_of(settings.dataset, settings.scoring, settings.autoquant);
  list.model_id = settings.scoring.model_path;
  list.config = config;
  list.folder = place_of(config, false, time).folder;
  list.state = planned_folder_state(list.folder, list.config, linear_scores_name, others);
  return list;
}

}  // namespace qgrain::sweep
