// What the searches choose from and what they return.
#ifndef QGRAIN_SEARCH_CHOICE_HPP
#define QGRAIN_SEARCH_CHOICE_HPP

#include <qgrain/core/bits.hpp>
#include <qgrain/core/status.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

namespace qgrain::search {

/// What one format does to one group: the harm (any finite number, less is better) and what it takes of the budget.
struct choice {
  double score = 0;
  double cost = 0;
};

/// What a table may hold in place of `choice`: anything with these two members, such as an engine's own record.
template <class T>
concept costed_choice = requires(const T& c) {
  { c.score } -> std::same_as<const double&>;
  { c.cost } -> std::same_as<const double&>;
};

/// One choice per group, as indices into the groups, with the sums of its scores and costs in group order.
struct selection {
  std::vector<std::size_t> picks;
  double score = 0;
  double cost = 0;
};

namespace detail {

/// @throws error errc::invalid_argument for a group without choices
template <class Choice>
void require_choices(const std::vector<Choice>& choices, std::size_t group) {
  if (choices.empty())
    qgrain::detail::raise(errc::invalid_argument, "group " + std::to_string(group) + " has no choices");
}

/// @throws error errc::non_finite, naming group and choice by index
inline void require_finite(double number, std::size_t choice, std::size_t group) {
  if (is_finite(number)) return;
  qgrain::detail::raise(errc::non_finite, "choice " + std::to_string(choice) + " of group " + std::to_string(group) +
                                              " has a score or cost that is not finite");
}

/// @throws error errc::non_finite for NaN
inline void require_budget(double budget) {
  if (is_nan(budget)) qgrain::detail::raise(errc::non_finite, "the budget of the search is not a number");
}

/// The problem with its budgets priced instead of kept.
template <class Price>
struct relaxation {
  Price price;
  double value;                           ///< lower bound on every feasible score
  double rounding;                        ///< what rounding may add to the sums of this problem
  std::vector<std::vector<double>> loss;  ///< [group][choice] what taking it adds to the bound
};

/// `priced(choice)`: its score and what it takes of the budgets; `budget`: the price of all of them, `magnitude` the
/// sum of its parts without signs. Sums in group order.
template <class Price, class Groups, class Priced>
[[nodiscard]] relaxation<Price> relax(const Groups& groups, Price price, double budget, double magnitude,
                                      const Priced& priced) {
  relaxation<Price> result{price, -budget, magnitude, {}};
  result.loss.reserve(groups.size());
  for (const auto& choices : groups) {
    std::vector<double> loss;
    loss.reserve(choices.size());
    for (const auto& candidate : choices) loss.push_back(priced(candidate));
    const double least = *std::min_element(loss.begin(), loss.end());
    for (double& value : loss) value -= least;
    result.value += least;
    result.rounding += std::abs(least);
    result.loss.push_back(std::move(loss));
  }
  result.rounding *= 1e-13;
  return result;
}

}  // namespace detail

}  // namespace qgrain::search

#endif
