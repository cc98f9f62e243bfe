// Searches of 1,000 layers x 12 formats under 64 budgets each, one thread. Prints Markdown.
#include <qgrain/search/knapsack.hpp>
#include <qgrain/search/two_budgets.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <random>
#include <vector>

namespace {

using namespace qgrain::search;
using seconds = std::chrono::duration<double>;
using clock_type = std::chrono::steady_clock;

constexpr std::size_t layers = 1000;
constexpr int formats = 12;
constexpr int budgets = 64;

// Layer sizes of a transformer; harm falls with 4^-bits and differs between layers by orders of magnitude. Latencies
// follow the bits roughly.
two_budget_knapsack::table make_table(bool is_regular) {
  constexpr double sizes[] = {15728640, 10485760, 49807360, 24903680};
  std::mt19937_64 random(7);
  std::lognormal_distribution<double> spread(0.0, 2.0);
  std::uniform_real_distribution<double> jitter(0.8, 1.2);
  two_budget_knapsack::table groups(layers);
  for (std::size_t g = 0; g < layers; ++g) {
    const double sensitivity = spread(random);
    for (int f = 0; f < formats; ++f) {
      const bool is_none = f == formats - 1;
      const double bits = is_none ? 16 : 3 + f;
      const double score = is_none ? 0 : sensitivity * std::exp2(-2 * bits) * jitter(random);
      const double cost = is_regular ? sizes[g % 4] * bits / 16 : bits * jitter(random);
      groups[g].push_back({score, cost, (2 + bits) * jitter(random)});
    }
  }
  return groups;
}

std::vector<std::vector<choice>> first_costs(const two_budget_knapsack::table& groups) {
  std::vector<std::vector<choice>> result;
  for (const auto& choices : groups) {
    auto& group = result.emplace_back();
    for (const two_cost_choice& c : choices) group.push_back({c.score, c.cost});
  }
  return result;
}

void one_budget(const char* name, const two_budget_knapsack::table& groups) {
  const auto start = clock_type::now();
  const multiple_choice_knapsack problem(first_costs(groups));
  const auto front = problem.convex_front();
  const seconds for_front = clock_type::now() - start;
  const double least = front.front().cost, most = front.back().cost;
  const auto begin = clock_type::now();
  for (int i = 0; i < budgets; ++i) (void)problem.solve(std::max(least, least + (most - least) * i / (budgets - 1)));
  const seconds total = clock_type::now() - begin;
  std::printf("| one budget, %s | %.2f | 64 of 64 | 0 | %zu corners in %.4f s |\n", name, total.count(), front.size(),
              for_front.count());
}

void two_budgets(const char* name, const two_budget_knapsack::table& groups) {
  const two_budget_knapsack problem(groups);
  const double least = problem.least_cost();
  int proven = 0;
  double largest = 0;
  const auto start = clock_type::now();
  for (int i = 0; i < budgets; ++i) {
    const double budget = least * (1.2 + 0.4 * (i / 8));
    const double lower = problem.least_second_cost(budget);
    const double upper = problem.solve(budget, 1e12).second_cost;
    const auto found = problem.solve(budget, lower + (upper - lower) * (0.1 + 0.1 * (i % 8)));
    proven += found.gap == 0 ? 1 : 0;
    largest = std::max(largest, found.gap / found.score);
  }
  const seconds total = clock_type::now() - start;
  std::printf("| two budgets, %s | %.2f | %d of 64 | %.1e | |\n", name, total.count(), proven, largest);
}

}  // namespace

int main() {
  const auto regular = make_table(true), irregular = make_table(false);
  std::printf(
      "| 64 searches of 1,000 layers x 12 formats | seconds | proven optimal | largest relative gap | convex front "
      "|\n");
  std::printf("|---|---|---|---|---|\n");
  one_budget("sizes of a transformer", regular);
  one_budget("arbitrary costs", irregular);
  two_budgets("sizes of a transformer", regular);
  two_budgets("arbitrary costs", irregular);
}
