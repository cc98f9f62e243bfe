// The result of a list of recipe pairs.
#ifndef QGRAIN_SWEEP_RUN_LINEAR_SCORES_HPP
#define QGRAIN_SWEEP_RUN_LINEAR_SCORES_HPP

#include <sweep/run/recipe_list.hpp>
#include <sweep/run/scoring_pass.hpp>

#include <boost/json.hpp>

namespace qgrain::sweep {

/// linear-scores.json: per job a score of every Linear by each method (none where it is infinite: decibels of what did
/// not change), losses by batch (null for one without targets), calibrated ranges.
[[nodiscard]] boost::json::object linear_scores_of(const recipe_list_job& list, const opened_pass& pass,
                                                   const scored_pass& scored);

}  // namespace qgrain::sweep

#endif
