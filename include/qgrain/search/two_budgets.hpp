// One format per group of layers under two budgets, such as size and latency.
#ifndef QGRAIN_SEARCH_TWO_BUDGETS_HPP
#define QGRAIN_SEARCH_TWO_BUDGETS_HPP

#include <qgrain/core/status.hpp>
#include <qgrain/search/choice.hpp>
#include <qgrain/search/knapsack.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace qgrain::search {

/// A choice that takes of two budgets.
struct two_cost_choice {
  double score = 0;        ///< the harm: any finite number, less is better
  double cost = 0;         ///< of the first budget, in its unit
  double second_cost = 0;  ///< of the second budget, in its unit
};

/// What a table may hold in place of `two_cost_choice`: anything with these three members.
template <class T>
concept twice_costed_choice = costed_choice<T> && requires(const T& c) {
  { c.second_cost } -> std::same_as<const double&>;
};

/// The choice, its second cost, and how far from optimal it may be.
struct two_budget_selection : selection {
  double second_cost = 0;
  double lower_bound = 0;  ///< no selection within both budgets has a smaller score
  double gap = 0;          ///< score - lower_bound; 0 where the selection is proven optimal
};

/// min sum(score) subject to sum(cost) <= budget and sum(second_cost) <= second budget, one choice from each group.
///
/// A price on the second cost turns the problem into the exact knapsack of the first; the best such price gives a lower
/// bound, and each solution on the way, repaired and improved choice by choice, an upper one. What is still open
/// between them is closed by dynamic programming over the few choices that the bound allows, unless that takes more
/// than `max_states` states: then the gap that is left is returned. Results depend on nothing but the arguments.
///
/// A template, so that only who searches compiles it; `two_budget_knapsack` takes tables of `two_cost_choice`.
template <twice_costed_choice Choice>
class basic_two_budget_knapsack {
 public:
  using table = std::vector<std::vector<Choice>>;

  /// @throws error errc::invalid_argument for a group without choices, errc::non_finite for numbers that are not finite
  explicit basic_two_budget_knapsack(table groups, std::size_t max_states = std::size_t{1} << 20)
      : groups_(std::move(groups)), max_states_(max_states) {
    for (std::size_t g = 0; g < groups_.size(); ++g) {
      detail::require_choices(groups_[g], g);
      for (std::size_t i = 0; i < groups_[g].size(); ++i) {
        const Choice& c = groups_[g][i];
        detail::require_finite(c.score, i, g);
        detail::require_finite(c.cost, i, g);
        detail::require_finite(c.second_cost, i, g);
      }
    }
  }

  /// The smallest first budget that has a solution, whatever the second one.
  [[nodiscard]] double least_cost() const { return priced(0).least_cost(); }

  /// The smallest second budget that has a solution under the first one.
  /// @throws error errc::out_of_range where `budget` is below least_cost()
  [[nodiscard]] double least_second_cost(double budget) const { return cheapest_second(budget).second_cost; }

  /// @throws error errc::non_finite for NaN, errc::out_of_range where nothing lies within both budgets, naming the
  /// smallest feasible number
  [[nodiscard]] two_budget_selection solve(double budget, double second_budget) const {
    detail::require_budget(budget);
    detail::require_budget(second_budget);
    const limits within{budget, second_budget};
    two_budget_selection dear = picked(priced(0).solve(budget).picks);  // best without the second budget
    if (dear.second_cost <= second_budget) return proven(dear);
    two_budget_selection cheap = cheapest_second(budget);
    if (cheap.second_cost > second_budget) {
      qgrain::detail::raise(errc::out_of_range, "the second budget " + std::to_string(second_budget) +
                                                    " is below the smallest feasible second cost " +
                                                    std::to_string(cheap.second_cost));
    }
    two_budget_selection best = improved(cheap, within);
    double bound = dear.score;
    double price = 0;
    // the maximum of a concave function of the price, from the lines of two selections on either side of it
    for (int step = 0; step < 100 && best.score > bound; ++step) {
      price = std::max(0.0, (cheap.score - dear.score) / (dear.second_cost - cheap.second_cost));
      const auto line = [&](const two_budget_selection& s) {
        return s.score + price * (s.second_cost - second_budget);
      };
      const two_budget_selection next = picked(priced(price).solve(budget).picks);
      bound = std::max(bound, line(next));
      if (const auto fitting = repaired(next, within)) {
        const two_budget_selection candidate = improved(*fitting, within);
        if (candidate.score < best.score) best = candidate;
      }
      if (line(next) >= line(cheap) - 1e-12 * (std::abs(line(cheap)) + std::abs(price * second_budget))) break;
      (next.second_cost > second_budget ? dear : cheap) = next;
    }
    return closed(best, bound, within, {priced(price).price(budget), price});
  }

 private:
  struct limits {
    double first;
    double second;
    [[nodiscard]] bool hold(const two_budget_selection& s) const noexcept {
      return s.cost <= first && s.second_cost <= second;
    }
  };
  struct prices {
    double first;
    double second;
  };
  /// Lower bound from prices on both costs and what each choice adds to it.
  using relaxation = detail::relaxation<prices>;
  struct state {
    double cost;
    double second_cost;
    double score;
    double loss;
    std::int64_t node;
  };
  struct node {
    std::int64_t parent;
    std::size_t pick;
  };
  enum class outcome : std::uint8_t { found, none, too_large };

  [[nodiscard]] multiple_choice_knapsack priced(double price) const {
    return knapsack_of([&](const Choice& c) { return c.score + price * c.second_cost; });
  }
  template <class Score>
  [[nodiscard]] multiple_choice_knapsack knapsack_of(const Score& score) const {
    std::vector<std::vector<choice>> groups;
    for (const auto& choices : groups_) {
      auto& group = groups.emplace_back();
      for (const Choice& c : choices) group.push_back({score(c), c.cost});
    }
    return multiple_choice_knapsack(groups);
  }

  [[nodiscard]] two_budget_selection cheapest_second(double budget) const {
    return picked(knapsack_of([](const Choice& c) { return c.second_cost; }).solve(budget).picks);
  }

  [[nodiscard]] two_budget_selection picked(std::vector<std::size_t> picks) const {
    two_budget_selection result;
    for (std::size_t g = 0; g < groups_.size(); ++g) {
      const Choice& c = groups_[g][picks[g]];
      result.score += c.score;
      result.cost += c.cost;
      result.second_cost += c.second_cost;
    }
    result.picks = std::move(picks);
    return result;
  }

  [[nodiscard]] static two_budget_selection proven(two_budget_selection s) {
    s.lower_bound = s.score;
    s.gap = 0;
    return s;
  }

  /// The selection with another choice in one group, but for its picks.
  [[nodiscard]] two_budget_selection swapped(const two_budget_selection& s, std::size_t g, std::size_t i) const {
    const Choice& from = groups_[g][s.picks[g]];
    const Choice& to = groups_[g][i];
    two_budget_selection result;
    result.score = s.score - from.score + to.score;
    result.cost = s.cost - from.cost + to.cost;
    result.second_cost = s.second_cost - from.second_cost + to.second_cost;
    return result;
  }

  /// Changes the group whose change is worth least by `worth` (nothing: not allowed), until none is allowed.
  template <class Worth>
  [[nodiscard]] two_budget_selection changed_while(two_budget_selection s, const Worth& worth) const {
    // every change improves the score or lowers the second cost; rounding must not keep it going
    for (std::size_t left = 4 * groups_.size() + 16; left > 0; --left) {
      std::optional<double> least;
      std::size_t group = 0, pick = 0;
      for (std::size_t g = 0; g < groups_.size(); ++g) {
        for (std::size_t i = 0; i < groups_[g].size(); ++i) {
          if (i == s.picks[g]) continue;
          const std::optional<double> value = worth(s, swapped(s, g, i));
          if (!value || (least && *value >= *least)) continue;
          least = value;
          group = g;
          pick = i;
        }
      }
      if (!least) break;
      s.picks[group] = pick;
      s = picked(std::move(s.picks));
    }
    return s;
  }

  /// Better by single changes that stay within both budgets; `s` lies within them.
  [[nodiscard]] two_budget_selection improved(const two_budget_selection& s, const limits& within) const {
    const two_budget_selection result =
        changed_while(s, [&](const two_budget_selection& from, const two_budget_selection& to) {
          return to.score < from.score && within.hold(to) ? std::optional(to.score) : std::nullopt;
        });
    return within.hold(result) && result.score < s.score ? result : s;
  }

  /// Brought below the second budget by the single changes that cost the least score per unit.
  [[nodiscard]] std::optional<two_budget_selection> repaired(const two_budget_selection& s,
                                                             const limits& within) const {
    const two_budget_selection result = changed_while(
        s, [&](const two_budget_selection& from, const two_budget_selection& to) -> std::optional<double> {
          if (from.second_cost <= within.second || to.second_cost >= from.second_cost) return std::nullopt;
          if (to.cost > within.first) return std::nullopt;
          return (to.score - from.score) / (from.second_cost - to.second_cost);
        });
    return within.hold(result) ? std::optional(result) : std::nullopt;
  }

  [[nodiscard]] relaxation relax(const prices& price, const limits& within) const {
    const double first = price.first * within.first;
    const double second = price.second * within.second;
    return detail::relax(groups_, price, first + second, std::abs(first) + std::abs(second), [&price](const Choice& c) {
      return c.score + price.first * c.cost + price.second * c.second_cost;
    });
  }

  /// `best` or something better, with what can be proven.
  [[nodiscard]] two_budget_selection closed(two_budget_selection best, double bound, const limits& within,
                                            const prices& price) const {
    const relaxation relaxed = relax(price, within);
    const double open = std::max(0.0, best.score - relaxed.value);
    for (double allowed = std::min(open, std::max(open / 256, relaxed.rounding)); best.score - bound > relaxed.rounding;
         allowed = std::min(4 * allowed, open)) {
      const outcome result = best_within(relaxed, within, allowed + relaxed.rounding, best);
      if (result == outcome::too_large) {
        best.lower_bound = std::min(bound - relaxed.rounding, best.score);
        best.gap = best.score - best.lower_bound;
        return best;
      }
      if (result == outcome::found || allowed >= open) break;
      bound = std::max(bound, relaxed.value + allowed);
    }
    return proven(std::move(best));
  }

  /// The best of all selections whose score exceeds the relaxation's value by `limit` at most, into `best` where it is
  /// better.
  [[nodiscard]] outcome best_within(const relaxation& relaxed, const limits& within, double limit,
                                    two_budget_selection& best) const {
    const std::size_t count = groups_.size();
    std::vector<std::vector<std::size_t>> open(count);  // the choices that `limit` allows
    std::vector<double> least(count + 1, 0), most(count + 1, 0), second_least(count + 1, 0), second_most(count + 1, 0);
    for (std::size_t g = count; g-- > 0;) {
      constexpr double infinity = std::numeric_limits<double>::infinity();
      two_cost_choice low{0, infinity, infinity}, high{0, -infinity, -infinity};
      for (std::size_t i = 0; i < groups_[g].size(); ++i) {
        if (relaxed.loss[g][i] > limit) continue;
        open[g].push_back(i);
        const Choice& c = groups_[g][i];
        low = {0, std::min(low.cost, c.cost), std::min(low.second_cost, c.second_cost)};
        high = {0, std::max(high.cost, c.cost), std::max(high.second_cost, c.second_cost)};
      }
      least[g] = least[g + 1] + low.cost;
      most[g] = most[g + 1] + high.cost;
      second_least[g] = second_least[g + 1] + low.second_cost;
      second_most[g] = second_most[g + 1] + high.second_cost;
    }
    const double slack = 1e-12 * (std::abs(within.first) + std::abs(most[0]));
    const double second_slack = 1e-12 * (std::abs(within.second) + std::abs(second_most[0]));

    std::vector<node> nodes;
    std::vector<state> states{{0, 0, 0, 0, -1}}, grown;
    for (std::size_t g = 0; g < count; ++g) {
      grown.clear();
      for (const state& from : states) {
        for (const std::size_t i : open[g]) {
          const Choice& c = groups_[g][i];
          const state next{from.cost + c.cost, from.second_cost + c.second_cost, from.score + c.score,
                           from.loss + relaxed.loss[g][i], from.node};
          if (next.cost + least[g + 1] > within.first + slack) continue;
          if (next.second_cost + second_least[g + 1] > within.second + second_slack) continue;
          const double unused = std::max(0.0, within.first - next.cost - most[g + 1] - slack);
          const double second_unused =
              std::max(0.0, within.second - next.second_cost - second_most[g + 1] - second_slack);
          const double lost = relaxed.price.first * unused + relaxed.price.second * second_unused;
          if (next.loss + lost > limit) continue;
          grown.push_back(next);
          if (open[g].size() == 1) continue;
          if (nodes.size() == max_states_) return outcome::too_large;
          grown.back().node = static_cast<std::int64_t>(nodes.size());
          nodes.push_back({from.node, i});
        }
      }
      if (open[g].size() > 1) keep_undominated(grown);
      std::swap(states, grown);
    }
    const state* found = nullptr;
    for (const state& s : states) {
      if (s.cost > within.first || s.second_cost > within.second) continue;
      if (found == nullptr || s.score < found->score) found = &s;
    }
    if (found == nullptr) return outcome::none;
    if (found->score <= best.score) best = traced(open, nodes, *found);
    return outcome::found;
  }

  /// Leaves the states that no other state beats, by cost.
  static void keep_undominated(std::vector<state>& states) {
    std::stable_sort(states.begin(), states.end(), [](const state& a, const state& b) {
      if (a.cost != b.cost) return a.cost < b.cost;
      if (a.second_cost != b.second_cost) return a.second_cost < b.second_cost;
      return a.score < b.score;
    });
    std::map<double, double> least_score;  // by second cost, of what costs no more: scores fall
    std::size_t kept = 0;
    for (const state& candidate : states) {
      auto after = least_score.upper_bound(candidate.second_cost);
      if (after != least_score.begin() && std::prev(after)->second <= candidate.score) continue;
      while (after != least_score.end() && after->second >= candidate.score) after = least_score.erase(after);
      least_score[candidate.second_cost] = candidate.score;
      states[kept++] = candidate;
    }
    states.resize(kept);
  }

  [[nodiscard]] two_budget_selection traced(const std::vector<std::vector<std::size_t>>& open,
                                            const std::vector<node>& nodes, const state& last) const {
    std::vector<std::size_t> picks(groups_.size());
    std::int64_t at = last.node;
    for (std::size_t g = groups_.size(); g-- > 0;) {
      if (open[g].size() == 1) {
        picks[g] = open[g].front();
        continue;
      }
      const node& one = nodes[static_cast<std::size_t>(at)];
      picks[g] = one.pick;
      at = one.parent;
    }
    return picked(std::move(picks));
  }

  table groups_;
  std::size_t max_states_;
};

/// Over tables of `two_cost_choice`.
using two_budget_knapsack = basic_two_budget_knapsack<two_cost_choice>;

}  // namespace qgrain::search

#endif
