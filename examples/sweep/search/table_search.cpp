#include <common/number_text.hpp>
#include <sweep/search/table_search.hpp>

#include <qgrain/core/nearest_names.hpp>
#include <qgrain/core/status.hpp>
#include <qgrain/search/knapsack.hpp>
#include <qgrain/search/threshold.hpp>
#include <qgrain/search/two_budgets.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

namespace qgrain::sweep {
namespace {

constexpr std::array<std::string_view, 3> unit_names{"effective_bits", "bytes", "latency_ms"};

// What a table costs in one unit. Amounts are in the unit, costs what the rows add up.
struct unit_costs {
  std::span<const candidate_row> rows;
  budget_unit unit;
  double weights = 0;  // of all rows

  unit_costs(std::span<const candidate_row> table, budget_unit of) : rows(table), unit(of) {
    for (const candidate_row& row : rows) {
      weights += row.costs.back();  // NONE costs the number of weights
      if (unit == budget_unit::latency_ms && row.latencies.empty()) {
        throw error(errc::invalid_argument, "a budget of latency_ms needs a table of latencies");
      }
    }
  }

  [[nodiscard]] const std::vector<double>& of(const candidate_row& row) const {
    return unit == budget_unit::latency_ms ? row.latencies : row.costs;
  }
  [[nodiscard]] double cost(double amount) const {
    if (unit == budget_unit::effective_bits) return weights * amount / 16;
    return unit == budget_unit::bytes ? amount / 2 : amount;
  }
  [[nodiscard]] double amount(double cost) const {
    if (unit == budget_unit::effective_bits) return weights > 0 ? 16 * cost / weights : 16;
    return unit == budget_unit::bytes ? 2 * cost : cost;
  }
  // The smallest amount that covers a cost: rounding must not make a number that an error names infeasible.
  [[nodiscard]] double covering(double least) const {
    double result = amount(least);
    while (cost(result) < least) result = std::nextafter(result, std::numeric_limits<double>::infinity());
    return result;
  }
  [[nodiscard]] double sum(const std::vector<std::size_t>& picks) const {
    double total = 0;
    for (std::size_t r = 0; r < rows.size(); ++r) total += of(rows[r])[picks[r]];
    return total;
  }
  [[nodiscard]] std::vector<std::vector<search::choice>> choices() const {
    std::vector<std::vector<search::choice>> groups;
    for (const candidate_row& row : rows) {
      auto& group = groups.emplace_back();
      for (std::size_t i = 0; i < row.scores.size(); ++i) group.push_back({row.scores[i], of(row)[i]});
    }
    return groups;
  }
};

std::string text_of(const search_budget& budget) {
  return std::string(name_of(budget.unit)) + " " + common::number_text(budget.amount);
}

void check_amount(const search_budget& budget) {
  const bool is_bits = budget.unit == budget_unit::effective_bits;
  if (std::isfinite(budget.amount) && (!is_bits || (budget.amount > 0 && budget.amount <= 16))) return;
  throw error(errc::out_of_range, std::string(name_of(budget.unit)) + " is " + common::number_text(budget.amount) +
                                      (is_bits ? "; it must lie in (0, 16]" : "; it must be a finite number"));
}

// `under`: the budget that holds besides, if any.
void require_feasible(const search_budget& budget, double least, const std::string& under = {}) {
  if (budget.amount >= least) return;
  throw error(errc::out_of_range,
              text_of(budget) + " cannot be met" + under + "; the least is " + common::number_text(least));
}

search_outcome outcome_of(std::span<const candidate_row> rows, std::vector<std::size_t> picks, double score) {
  const unit_costs bits(rows, budget_unit::effective_bits);
  search_outcome outcome;
  outcome.effective_bits = bits.amount(bits.sum(picks));
  outcome.picks = std::move(picks);
  outcome.score = score;
  outcome.lower_bound = score;
  return outcome;
}

search_outcome search_one(const unit_costs& costs, const search::multiple_choice_knapsack& problem, double amount) {
  const search_budget budget{costs.unit, amount};
  check_amount(budget);
  const double least = costs.covering(problem.least_cost());
  require_feasible(budget, least);
  search::selection best = problem.solve(costs.cost(amount));
  search_outcome outcome = outcome_of(costs.rows, std::move(best.picks), best.score);
  outcome.budgets = {{costs.unit, amount, costs.amount(best.cost), least}};
  return outcome;
}

search_outcome search_two(std::span<const candidate_row> rows, const search_budget& first,
                          const search_budget& second) {
  const unit_costs size(rows, first.unit), latency(rows, second.unit);
  check_amount(first);
  check_amount(second);
  search::two_budget_knapsack::table groups;
  for (const candidate_row& row : rows) {
    auto& group = groups.emplace_back();
    for (std::size_t i = 0; i < row.scores.size(); ++i) {
      group.push_back({row.scores[i], row.costs[i], row.latencies[i]});
    }
  }
  const search::two_budget_knapsack problem(std::move(groups));
  const double least = size.covering(problem.least_cost());
  require_feasible(first, least);
  const double least_latency = problem.least_second_cost(size.cost(first.amount));
  require_feasible(second, least_latency, " under " + text_of(first));
  const auto best = problem.solve(size.cost(first.amount), second.amount);
  search_outcome outcome = outcome_of(rows, best.picks, best.score);
  outcome.lower_bound = best.lower_bound;
  outcome.gap = best.gap;
  outcome.solver = "two_budgets";
  outcome.budgets = {{first.unit, first.amount, size.amount(best.cost), least},
                     {second.unit, second.amount, best.second_cost, least_latency}};
  return outcome;
}

}  // namespace

std::string_view name_of(budget_unit unit) noexcept { return unit_names[static_cast<std::size_t>(unit)]; }

budget_unit budget_unit_from(std::string_view name) {
  const auto found = std::find(unit_names.begin(), unit_names.end(), name);
  if (found == unit_names.end()) throw unknown_name_error("budget", name, unit_names);
  return static_cast<budget_unit>(found - unit_names.begin());
}

search_outcome search_table(std::span<const candidate_row> rows, std::span<const search_budget> budgets) {
  if (budgets.size() == 1) return search_table(rows, budgets[0].unit, std::span(&budgets[0].amount, 1)).front();
  const auto is_latency = [](const search_budget& b) { return b.unit == budget_unit::latency_ms; };
  if (budgets.size() != 2 || is_latency(budgets[0]) == is_latency(budgets[1])) {
    throw error(errc::invalid_argument, "budgets are one, or a size (effective_bits or bytes) and a latency_ms");
  }
  const std::size_t size = is_latency(budgets[0]) ? 1 : 0;
  search_outcome outcome = search_two(rows, budgets[size], budgets[1 - size]);
  if (size == 1) std::swap(outcome.budgets[0], outcome.budgets[1]);
  return outcome;
}

std::vector<search_outcome> search_table(std::span<const candidate_row> rows, budget_unit unit,
                                         std::span<const double> amounts) {
  const unit_costs costs(rows, unit);
  const search::multiple_choice_knapsack problem(costs.choices());
  std::vector<search_outcome> outcomes;
  for (const double amount : amounts) outcomes.push_back(search_one(costs, problem, amount));
  return outcomes;
}

search_outcome search_bits(std::span<const candidate_row> rows, double effective_bits) {
  return search_table(rows, budget_unit::effective_bits, std::span(&effective_bits, 1)).front();
}

search_outcome search_threshold(std::span<const candidate_row> rows, double effective_bits) {
  const unit_costs costs(rows, budget_unit::effective_bits);
  check_amount({costs.unit, effective_bits});
  const double budget = costs.cost(effective_bits);
  const search::multiple_choice_knapsack problem(costs.choices());
  search::threshold_selection found = search::threshold_search(costs.choices(), budget);
  search_outcome outcome = outcome_of(rows, std::move(found.picks), found.score);
  outcome.is_satisfied = found.is_satisfied;
  outcome.solver = "threshold";
  if (found.is_satisfied) {
    outcome.lower_bound = std::min(found.score, problem.solve(budget).score);
    outcome.gap = found.score - outcome.lower_bound;
  }
  outcome.budgets = {{costs.unit, effective_bits, outcome.effective_bits, costs.covering(problem.least_cost())}};
  return outcome;
}

std::vector<size_and_score> front_corners(std::span<const candidate_row> rows) {
  const unit_costs costs(rows, budget_unit::effective_bits);
  std::vector<size_and_score> points;
  for (const search::selection& corner : search::multiple_choice_knapsack(costs.choices()).convex_front()) {
    points.push_back({costs.amount(corner.cost), corner.score});
  }
  return points;
}

}  // namespace qgrain::sweep
