// Exact choice of one format per group of layers under a budget: the multiple-choice knapsack.
#ifndef QGRAIN_SEARCH_KNAPSACK_HPP
#define QGRAIN_SEARCH_KNAPSACK_HPP

#include <qgrain/core/status.hpp>
#include <qgrain/search/choice.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace qgrain::search {

/// min sum(score) subject to sum(cost) <= budget, one choice from each group, solved exactly for any number of budgets.
///
/// Among equal scores the least cost wins, then the lexicographically least picks; the result depends on nothing else.
/// Sums are formed in double, in group order. Costs may be any finite numbers.
///
/// Method: the Lagrange multiplier of the linear relaxation (Dantzig's greedy rule over the convex hulls, Zemel 1980)
/// gives a lower bound and, for each choice, the loss that taking it adds to the bound. Choices whose loss exceeds the
/// gap that is still open cannot be part of an optimum; over the few that remain, dynamic programming keeps the states
/// that no other state beats in both cost and score. The allowed loss grows until the best state proves itself optimal,
/// as in the core algorithms of Pisinger (1995).
///
/// A template, so that only who searches compiles it; `multiple_choice_knapsack` takes tables of `choice`.
template <costed_choice Choice>
class basic_multiple_choice_knapsack {
 public:
  /// Throws errc::invalid_argument for a group without choices, errc::non_finite for a number that is not finite (the
  /// sentence names group and choice by index).
  explicit basic_multiple_choice_knapsack(const std::vector<std::vector<Choice>>& groups) {
    groups_.reserve(groups.size());
    for (std::size_t g = 0; g < groups.size(); ++g) {
      groups_.push_back(undominated(groups[g], g));
      add_hull_steps(groups_.back(), g);
      least_cost_ += groups_.back().front().cost;
    }
    std::stable_sort(steps_.begin(), steps_.end(), [](const step& a, const step& b) { return a.slope > b.slope; });
  }

  /// The smallest budget that has a solution.
  [[nodiscard]] double least_cost() const noexcept { return least_cost_; }

  /// Throws errc::out_of_range where `budget` is below `least_cost()`, naming both; errc::non_finite for NaN.
  [[nodiscard]] selection solve(double budget) const {
    detail::require_budget(budget);
    if (budget < least_cost_) {
      qgrain::detail::raise(errc::out_of_range, "the budget " + std::to_string(budget) +
                                                    " is below the smallest feasible cost " +
                                                    std::to_string(least_cost_));
    }
    selection best = least_scores();
    if (best.cost <= budget) return best;

    const double slope = price(budget);
    const relaxation bound = relax(slope, budget);
    const double gap = std::max(greedy_score(slope, budget) - bound.value, bound.rounding);
    for (double allowed = gap / 256;; allowed *= 4) {
      const double limit = allowed + bound.rounding;
      if (best_within(bound, budget, limit, best) && best.score - bound.value <= limit) return best;
    }
  }

  /// `solve` for each budget.
  [[nodiscard]] std::vector<selection> solve(std::span<const double> budgets) const {
    std::vector<selection> all;
    all.reserve(budgets.size());
    for (const double budget : budgets) all.push_back(solve(budget));
    return all;
  }

  /// The price of a unit of cost, in score, at which the linear relaxation uses up the budget; 0 where everything fits.
  [[nodiscard]] double price(double budget) const noexcept {
    double cost = least_cost_;
    for (const step& s : steps_) {
      cost += s.cost;
      if (cost > budget) return s.slope;
    }
    return 0;
  }

  /// The corners of the convex hull of all (cost, score) pairs from below, cost rising and score falling: from
  /// everything at its least cost to everything at its least score. Each is the exact optimum for a budget of its own
  /// cost.
  [[nodiscard]] std::vector<selection> convex_front() const {
    std::vector<const item*> chosen;
    for (const group& items : groups_) chosen.push_back(&items.front());
    std::vector<selection> front{selection_of(chosen)};
    for (std::size_t i = 0; i < steps_.size();) {
      const double slope = steps_[i].slope;
      for (; i < steps_.size() && steps_[i].slope == slope; ++i) chosen[steps_[i].group] = &steps_[i].to;
      front.push_back(selection_of(chosen));
    }
    return front;
  }

 private:
  struct item {
    double score;
    double cost;
    std::size_t index;
  };
  using group = std::vector<item>;  // cost rising, score falling

  struct step {    // from one corner of a group's convex hull to the next
    double slope;  // score saved per unit of cost
    double cost;
    std::size_t group;
    item to;
  };

  using relaxation = detail::relaxation<double>;

  struct state {
    double cost;
    double score;
    double loss;
    std::int64_t node;
  };
  struct node {
    std::int64_t parent;
    std::size_t pick;
  };

  static group undominated(const std::vector<Choice>& choices, std::size_t g) {
    detail::require_choices(choices, g);
    group sorted;
    sorted.reserve(choices.size());
    for (std::size_t i = 0; i < choices.size(); ++i) {
      detail::require_finite(choices[i].score, i, g);
      detail::require_finite(choices[i].cost, i, g);
      sorted.push_back({choices[i].score, choices[i].cost, i});
    }
    std::stable_sort(sorted.begin(), sorted.end(), [](const item& a, const item& b) {
      return a.cost < b.cost || (a.cost == b.cost && a.score < b.score);
    });
    group kept;
    for (const item& candidate : sorted) {
      if (kept.empty() || candidate.score < kept.back().score) kept.push_back(candidate);
    }
    return kept;
  }

  static double slope_between(const item& from, const item& to) {
    return (from.score - to.score) / (to.cost - from.cost);
  }

  void add_hull_steps(const group& items, std::size_t g) {
    group hull;
    for (const item& next : items) {
      while (hull.size() > 1 && slope_between(hull[hull.size() - 2], hull.back()) <= slope_between(hull.back(), next)) {
        hull.pop_back();
      }
      hull.push_back(next);
    }
    for (std::size_t i = 1; i < hull.size(); ++i) {
      steps_.push_back({slope_between(hull[i - 1], hull[i]), hull[i].cost - hull[i - 1].cost, g, hull[i]});
    }
  }

  static selection selection_of(const std::vector<const item*>& chosen) {
    selection result;
    for (const item* one : chosen) add(result, *one);
    return result;
  }

  /// Everything at its least score: the answer wherever it fits.
  [[nodiscard]] selection least_scores() const {
    selection result;
    for (const group& items : groups_) add(result, items.back());
    return result;
  }

  static void add(selection& result, const item& chosen) {
    result.picks.push_back(chosen.index);
    result.score += chosen.score;
    result.cost += chosen.cost;
  }

  [[nodiscard]] relaxation relax(double slope, double budget) const {
    return detail::relax(groups_, slope, slope * budget, std::abs(slope * budget),
                         [slope](const item& candidate) { return candidate.score + slope * candidate.cost; });
  }

  /// The score of one feasible solution: every group at the cheapest choice that is best at the slope, then as many
  /// improvements as fit, in group order.
  [[nodiscard]] double greedy_score(double slope, double budget) const {
    std::vector<const item*> chosen;
    double cost = 0;
    for (const group& items : groups_) {
      const item* best = &items.front();
      for (const item& candidate : items) {
        if (candidate.score + slope * candidate.cost < best->score + slope * best->cost) best = &candidate;
      }
      chosen.push_back(best);
      cost += best->cost;
    }
    // rounding of the slope may leave the break group on its dearer side
    for (std::size_t g = 0; g < groups_.size() && cost > budget; ++g) {
      cost += groups_[g].front().cost - chosen[g]->cost;
      chosen[g] = &groups_[g].front();
    }
    double score = 0;
    for (std::size_t g = 0; g < groups_.size(); ++g) {
      for (const item& candidate : groups_[g]) {
        if (candidate.score >= chosen[g]->score || cost - chosen[g]->cost + candidate.cost > budget) continue;
        cost += candidate.cost - chosen[g]->cost;
        chosen[g] = &candidate;
      }
      score += chosen[g]->score;
    }
    return score;
  }

  /// The best solution whose losses and unused budget add up to `limit` at most; false where there is none.
  [[nodiscard]] bool best_within(const relaxation& bound, double budget, double limit, selection& best) const {
    std::vector<std::vector<std::size_t>> open(groups_.size());  // the choices that `limit` allows
    std::vector<double> least_rest(groups_.size() + 1, 0), most_rest(groups_.size() + 1, 0);
    for (std::size_t g = groups_.size(); g-- > 0;) {
      for (std::size_t i = 0; i < groups_[g].size(); ++i) {
        if (bound.loss[g][i] <= limit) open[g].push_back(i);
      }
      least_rest[g] = least_rest[g + 1] + groups_[g][open[g].front()].cost;
      most_rest[g] = most_rest[g + 1] + groups_[g][open[g].back()].cost;
    }
    const double cost_rounding = 1e-12 * (std::abs(budget) + std::abs(most_rest[0]));

    std::vector<node> nodes;
    std::vector<state> states{{0, 0, 0, -1}}, grown;
    for (std::size_t g = 0; g < groups_.size(); ++g) {
      grown.clear();
      for (const std::size_t i : open[g]) {
        const item& chosen = groups_[g][i];
        for (const state& from : states) {
          const state next{from.cost + chosen.cost, from.score + chosen.score, from.loss + bound.loss[g][i], from.node};
          const double unused = std::max(0.0, budget - next.cost - most_rest[g + 1] - cost_rounding);
          if (next.cost + least_rest[g + 1] > budget + cost_rounding) continue;
          if (next.loss + bound.price * unused > limit) continue;
          grown.push_back(next);
          if (open[g].size() > 1) {
            grown.back().node = static_cast<std::int64_t>(nodes.size());
            nodes.push_back({from.node, chosen.index});
          }
        }
      }
      if (open[g].size() > 1) keep_undominated(grown, nodes);
      std::swap(states, grown);
    }
    while (!states.empty() && states.back().cost > budget) states.pop_back();
    if (states.empty()) return false;
    best = trace(open, nodes, states.back());
    return true;
  }

  /// Leaves the states that no other state beats, cost rising and score falling.
  static void keep_undominated(std::vector<state>& states, const std::vector<node>& nodes) {
    std::sort(states.begin(), states.end(), [&](const state& a, const state& b) {
      if (a.cost != b.cost) return a.cost < b.cost;
      if (a.score != b.score) return a.score < b.score;
      return earlier(nodes, a.node, b.node);
    });
    std::size_t kept = 0;
    for (const state& candidate : states) {
      if (kept == 0 || candidate.score < states[kept - 1].score) states[kept++] = candidate;
    }
    states.resize(kept);
  }

  /// Lexicographic order of two different pick sequences of equal length, given by their last nodes: the difference
  /// nearest to the common beginning decides.
  static bool earlier(const std::vector<node>& nodes, std::int64_t a, std::int64_t b) {
    bool result = false;
    while (a != b) {
      const node& first = nodes[static_cast<std::size_t>(a)];
      const node& second = nodes[static_cast<std::size_t>(b)];
      if (first.pick != second.pick) result = first.pick < second.pick;
      a = first.parent;
      b = second.parent;
    }
    return result;
  }

  [[nodiscard]] selection trace(const std::vector<std::vector<std::size_t>>& open, const std::vector<node>& nodes,
                                const state& last) const {
    selection result{std::vector<std::size_t>(groups_.size()), last.score, last.cost};
    std::int64_t at = last.node;
    for (std::size_t g = groups_.size(); g-- > 0;) {
      if (open[g].size() == 1) {
        result.picks[g] = groups_[g][open[g].front()].index;
      } else {
        result.picks[g] = nodes[static_cast<std::size_t>(at)].pick;
        at = nodes[static_cast<std::size_t>(at)].parent;
      }
    }
    return result;
  }

  std::vector<group> groups_;
  std::vector<step> steps_;
  double least_cost_ = 0;
};

/// Over tables of `choice`.
using multiple_choice_knapsack = basic_multiple_choice_knapsack<choice>;

}  // namespace qgrain::search

#endif
