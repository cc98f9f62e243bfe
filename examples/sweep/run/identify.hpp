// What the results of a run depend on, hashed once when it begins.
#ifndef QGRAIN_SWEEP_RUN_IDENTIFY_HPP
#define QGRAIN_SWEEP_RUN_IDENTIFY_HPP

#include <lm/model.hpp>
#include <sweep/results/identity.hpp>
#include <sweep/run/plan.hpp>
#include <sweep/run/scoring_pass.hpp>

#include <qgrain/host/parallel.hpp>

#include <boost/json.hpp>

#include <filesystem>
#include <map>
#include <string>

namespace qgrain::sweep {

namespace json = boost::json;

/// Reads every tensor of the checkpoint once: the hash of all of them. The order of files and tensors has no part in
/// it.
/// @throws error errc::non_finite naming all tensors of the language model with NaN or infinity and how many there are.
[[nodiscard]] std::string weights_hash(const lm::model& model, thread_pool& pool);

/// Identities of the passes of one run; a model's files are read once.
class run_identities {
 public:
  /// The parts that all jobs of a pass have in common. Throws what reading the model's files throws.
  [[nodiscard]] json::object of_pass(const opened_pass& pass);

 private:
  std::map<std::filesystem::path, json::object> of_model_;
};

/// With those of a job's own, or of a list of recipes.
[[nodiscard]] json::object job_identity(json::object of_pass, const planned_job& job);
[[nodiscard]] json::object list_identity(json::object of_pass, const recipe_list_job& list);

}  // namespace qgrain::sweep

#endif
