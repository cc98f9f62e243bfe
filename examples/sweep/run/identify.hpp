// What the results of a run depend on, hashed once when it begins.
#ifndef QGRAIN_SWEEP_RUN_IDENTIFY_HPP
#define QGRAIN_SWEEP_RUN_IDENTIFY_HPP

#include <common/communicator.hpp>
#include <sweep/results/identity.hpp>
#include <sweep/run/plan.hpp>
#include <sweep/run/scoring_pass.hpp>

#include <boost/json.hpp>

#include <span>
#include <vector>

namespace qgrain::sweep {

namespace json = boost::json;

/// [pass] the parts that all jobs of a pass have in common, on all ranks. A model's files are read once, its tensors by
/// the ranks in shares. Throws what reading them throws, on all ranks alike.
[[nodiscard]] std::vector<json::object> pass_identities(std::span<const opened_pass* const> passes,
                                                        common::communicator* ranks = nullptr);

/// With those of a job's own, or of a list of recipes.
[[nodiscard]] json::object job_identity(json::object of_pass, const planned_job& job);
[[nodiscard]] json::object list_identity(json::object of_pass, const recipe_list_job& list);

}  // namespace qgrain::sweep

#endif
