// Which of several choices no other one beats.
#ifndef QGRAIN_SWEEP_SEARCH_PARETO_HPP
#define QGRAIN_SWEEP_SEARCH_PARETO_HPP

#include <span>
#include <vector>

namespace qgrain::sweep {

/// Small is good in both.
struct size_and_score {
  double size = 0;
  double score = 0;

  friend bool operator==(const size_and_score&, const size_and_score&) = default;
};

/// For each point whether no other one is at least as good in both numbers and better in one. Equal points
/// stand or fall together. No number may be NaN.
[[nodiscard]] std::vector<bool> pareto_front(std::span<const size_and_score> points);

}  // namespace qgrain::sweep

#endif
