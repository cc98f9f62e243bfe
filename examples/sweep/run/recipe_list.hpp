// A list of recipe pairs instead of pairs and granularities (the key `jobs`).
#ifndef QGRAIN_SWEEP_RUN_RECIPE_LIST_HPP
#define QGRAIN_SWEEP_RUN_RECIPE_LIST_HPP

#include <engine/score/job.hpp>
#include <sweep/results/output_folder.hpp>
#include <sweep/run/pass_settings.hpp>

#include <boost/json.hpp>

#include <filesystem>
#include <string>
#include <vector>

namespace qgrain::sweep {

namespace json = boost::json;

struct recipe_list_job {
  std::vector<engine::job> jobs;
  pass_settings pass;
  std::string model_id;  ///< the model's path as asked
  json::object config;   ///< composed, as it is stored with the results
  std::filesystem::path folder;
  folder_state state = folder_state::empty;
  json::object identity = {};  ///< what its results depend on (identity.hpp), known once the pass is opened
};

inline constexpr const char* linear_scores_name = "linear-scores.json";  ///< the result of a recipe list

/// Throws what reading the settings, the names of recipes and the state of the folder throw. `time`: the run's begin.
[[nodiscard]] recipe_list_job plan_recipe_list(const json::object& config, const std::string& time,
                                               stale_results others);

}  // namespace qgrain::sweep

#endif
