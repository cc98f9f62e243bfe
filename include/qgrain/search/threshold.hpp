// A bound on the largest score of any group, as low as a budget allows: NVIDIA ModelOpt's search for KL scores.
#ifndef QGRAIN_SEARCH_THRESHOLD_HPP
#define QGRAIN_SEARCH_THRESHOLD_HPP

#include <qgrain/search/choice.hpp>

#include <algorithm>
#include <cstddef>
#include <vector>

namespace qgrain::search {

/// What the last threshold chose, and whether that is within the budget.
struct threshold_selection : selection {
  bool is_satisfied = true;  ///< whether the cost is within the budget
};

/// Each group takes its first choice with a score of at most t, or its first one where there is none; t is found by 100
/// bisections between the least and the largest score of the table: within the budget it falls, else it rises. What the
/// last t chose is returned, which may be above the budget. It keeps the largest score of a group low, not their sum
/// (multiple_choice_knapsack), and expects choices by rising cost, the unquantized one (score 0) last.
///
/// Sums are formed in group order. Source: ModelOpt 0.47, AutoQuantizeKLDivSearcher, read as a formula.
/// @throws error errc::invalid_argument for a group without choices, errc::non_finite for numbers that are not finite
[[nodiscard]] inline threshold_selection threshold_search(const std::vector<std::vector<choice>>& groups,
                                                          double budget) {
  detail::require_budget(budget);
  double low = 0, high = 0;
  bool is_first = true;
  for (std::size_t g = 0; g < groups.size(); ++g) {
    detail::require_choices(groups[g], g);
    for (std::size_t i = 0; i < groups[g].size(); ++i) {
      const choice& c = groups[g][i];
      detail::require_finite(c.score, i, g);
      detail::require_finite(c.cost, i, g);
      low = is_first ? c.score : std::min(low, c.score);
      high = is_first ? c.score : std::max(high, c.score);
      is_first = false;
    }
  }
  threshold_selection found;
  double threshold = (low + high) / 2;
  for (int iteration = 0; iteration < 100; ++iteration) {
    found = {};
    for (const std::vector<choice>& choices : groups) {
      const auto first =
          std::find_if(choices.begin(), choices.end(), [&](const choice& c) { return c.score <= threshold; });
      const choice& chosen = first == choices.end() ? choices.front() : *first;
      found.picks.push_back(static_cast<std::size_t>(&chosen - choices.data()));
      found.score += chosen.score;
      found.cost += chosen.cost;
    }
    found.is_satisfied = found.cost <= budget;
    (found.is_satisfied ? high : low) = threshold;
    threshold = (low + high) / 2;
  }
  return found;
}

}  // namespace qgrain::search

#endif
