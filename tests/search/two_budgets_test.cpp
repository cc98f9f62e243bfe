#include <qgrain/search/two_budgets.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cmath>
#include <limits>
#include <optional>
#include <random>
#include <vector>

using namespace qgrain::search;
using table = two_budget_knapsack::table;

namespace {

struct point {
  double score = 0;
  double cost = 0;
  double second_cost = 0;
};

// Every combination.
std::vector<point> all_of(const table& groups) {
  std::vector<point> points{{}};
  for (const auto& choices : groups) {
    std::vector<point> next;
    for (const point& p : points) {
      for (const auto& c : choices) next.push_back({p.score + c.score, p.cost + c.cost, p.second_cost + c.second_cost});
    }
    points = std::move(next);
  }
  return points;
}

std::optional<double> optimum(const std::vector<point>& points, double budget, double second_budget) {
  std::optional<double> best;
  for (const point& p : points) {
    if (p.cost <= budget && p.second_cost <= second_budget && (!best || p.score < *best)) best = p.score;
  }
  return best;
}

table random_table(std::mt19937_64& random, bool integers) {
  const auto integer = [&](int from, int to) { return std::uniform_int_distribution<int>(from, to)(random); };
  const auto real = [&] { return std::uniform_real_distribution<double>(0.0, 1.0)(random); };
  table groups(static_cast<std::size_t>(integer(1, 7)));
  for (auto& group : groups) {
    group.resize(static_cast<std::size_t>(integer(1, 4)));
    for (auto& c : group) {
      c = integers ? two_cost_choice{double(integer(-3, 20)), double(integer(0, 9)), double(integer(0, 9))}
                   : two_cost_choice{real() * real(), real(), real()};
    }
  }
  return groups;
}

double share_of(const std::vector<point>& points, double point::*member, double share) {
  double least = HUGE_VAL, most = -HUGE_VAL;
  for (const point& p : points) {
    least = std::min(least, p.*member);
    most = std::max(most, p.*member);
  }
  return least + share * (most - least);
}

void check_consistent(const table& groups, const two_budget_selection& s) {
  point sums;
  for (std::size_t g = 0; g < groups.size(); ++g) {
    sums.score += groups[g][s.picks[g]].score;
    sums.cost += groups[g][s.picks[g]].cost;
    sums.second_cost += groups[g][s.picks[g]].second_cost;
  }
  BOOST_TEST(sums.score == s.score);
  BOOST_TEST(sums.cost == s.cost);
  BOOST_TEST(sums.second_cost == s.second_cost);
  BOOST_TEST(s.gap == s.score - s.lower_bound);
}

struct tally {
  int solved = 0;
  int proven = 0;
  int optimal = 0;
  int infeasible = 0;
};

tally against_all_combinations(std::size_t max_states) {
  std::mt19937_64 random(11);
  tally count;
  for (int instance = 0; instance < 400; ++instance) {
    const table groups = random_table(random, instance % 2 == 0);
    const std::vector<point> points = all_of(groups);
    const two_budget_knapsack problem(groups, max_states);
    for (const auto& [a, b] : {std::pair{0.2, 0.3}, {0.5, 0.5}, {0.3, 0.8}, {0.9, 0.1}, {1.1, 0.4}}) {
      double budget = share_of(points, &point::cost, a), second = share_of(points, &point::second_cost, b);
      if (instance % 2 == 0) budget = std::floor(budget), second = std::floor(second);
      BOOST_TEST_CONTEXT("instance " << instance << ", shares " << a << " and " << b) {
        const auto best = optimum(points, budget, second);
        if (!best) {
          BOOST_CHECK_THROW((void)problem.solve(budget, second), qgrain::error);
          ++count.infeasible;
          continue;
        }
        const two_budget_selection found = problem.solve(budget, second);
        check_consistent(groups, found);
        BOOST_TEST(found.cost <= budget);
        BOOST_TEST(found.second_cost <= second);
        BOOST_TEST(found.lower_bound <= *best + 1e-9);
        BOOST_TEST(*best <= found.score + 1e-9);
        if (found.gap == 0) BOOST_TEST(std::abs(found.score - *best) <= 1e-9);
        ++count.solved;
        count.proven += found.gap == 0 ? 1 : 0;
        count.optimal += std::abs(found.score - *best) <= 1e-9 ? 1 : 0;
      }
    }
  }
  return count;
}

}  // namespace

BOOST_AUTO_TEST_CASE(random_instances_against_all_combinations) {
  const tally count = against_all_combinations(std::size_t{1} << 20);
  BOOST_TEST_MESSAGE("proven optimal: " << count.proven << " of " << count.solved
                                        << "; infeasible: " << count.infeasible);
  BOOST_TEST(count.solved > 1000);
  BOOST_TEST(count.infeasible > 50);
  BOOST_TEST(count.proven == count.solved);
}

BOOST_AUTO_TEST_CASE(the_bounds_hold_where_the_gap_stays_open) {
  const tally count = against_all_combinations(0);
  BOOST_TEST_MESSAGE("prices, repair and improvement alone: optimal in " << count.optimal << ", proven in "
                                                                         << count.proven << " of " << count.solved);
  BOOST_TEST(count.proven < count.solved);
  BOOST_TEST(count.optimal >= count.proven);
}

BOOST_AUTO_TEST_CASE(a_second_budget_that_leaves_room_changes_nothing) {
  std::mt19937_64 random(3);
  for (int instance = 0; instance < 50; ++instance) {
    const table groups = random_table(random, true);
    std::vector<std::vector<choice>> first;
    for (const auto& choices : groups) {
      auto& group = first.emplace_back();
      for (const auto& c : choices) group.push_back({c.score, c.cost});
    }
    const multiple_choice_knapsack one(first);
    const double budget = one.least_cost() + 7;
    const selection wanted = one.solve(budget);
    const two_budget_selection found = two_budget_knapsack(groups).solve(budget, 1e9);
    BOOST_TEST(found.picks == wanted.picks, boost::test_tools::per_element());
    BOOST_TEST(found.gap == 0.0);
  }
}

BOOST_AUTO_TEST_CASE(many_layers) {
  std::mt19937_64 random(7);
  std::lognormal_distribution<double> spread(0.0, 2.0);
  std::uniform_real_distribution<double> jitter(0.8, 1.2);
  constexpr double sizes[] = {15728640, 10485760, 49807360, 24903680};
  table groups(300);
  for (std::size_t g = 0; g < groups.size(); ++g) {
    const double sensitivity = spread(random);
    for (const double bits : {3.0, 4.0, 4.25, 4.5, 6.0, 8.0, 8.25, 16.0}) {
      const double score = bits == 16 ? 0 : sensitivity * std::exp2(-2 * bits) * jitter(random);
      groups[g].push_back({score, sizes[g % 4] * bits / 16, (2 + bits) * jitter(random)});
    }
  }
  const two_budget_knapsack problem(groups);
  for (const double share : {0.3, 0.6, 1.0}) {
    const double budget = problem.least_cost() * (1 + share);
    const double least = problem.least_second_cost(budget);
    const double free = problem.solve(budget, 1e9).second_cost;
    BOOST_TEST_REQUIRE(least < free);
    for (const double part : {0.2, 0.7}) {
      const auto start = std::chrono::steady_clock::now();
      const two_budget_selection found = problem.solve(budget, least + part * (free - least));
      const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
      check_consistent(groups, found);
      BOOST_TEST(found.lower_bound <= found.score);
      BOOST_TEST(found.gap <= 0.01 * found.score);
      BOOST_TEST_MESSAGE("300 layers, 8 formats: relative gap " << found.gap / found.score << " in " << seconds.count()
                                                                << " s");
    }
  }
}

BOOST_AUTO_TEST_CASE(bad_input) {
  const auto sentence = [](const auto& call) {
    try {
      call();
    } catch (const qgrain::error& e) {
      return std::string(e.what());
    }
    return std::string();
  };
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const two_budget_knapsack problem(table{{{1, 2, 5}, {0, 4, 3}}});
  BOOST_TEST(problem.least_cost() == 2.0);
  BOOST_TEST(problem.least_second_cost(2) == 5.0);
  BOOST_TEST(problem.least_second_cost(4) == 3.0);
  BOOST_TEST(sentence([&] { (void)problem.solve(2, 4); }).find("5.0") != std::string::npos);
  BOOST_TEST(sentence([&] { (void)problem.solve(1, 9); }).find("2.0") != std::string::npos);
  BOOST_TEST(!sentence([&] { (void)problem.solve(nan, 9); }).empty());
  BOOST_TEST(!sentence([&] { (void)problem.solve(9, nan); }).empty());
  BOOST_TEST(!sentence([&] { two_budget_knapsack(table(1)); }).empty());
  BOOST_TEST(!sentence([&] { two_budget_knapsack(table{{{1, 2, nan}}}); }).empty());
  BOOST_TEST(two_budget_knapsack(table()).solve(0, 0).picks.empty());
}

// The optimum by hand: both at 8 bits score 3 but take 9 of the second budget; of the single ones 1 + 4 is less than
// 6 + 2.
BOOST_AUTO_TEST_CASE(records_of_an_engine) {
  struct measured {
    double second_cost;
    double cost;
    double score;
  };
  const std::vector<std::vector<measured>> layers{{{1, 1, 6}, {4, 3, 1}}, {{2, 2, 4}, {5, 4, 2}}};
  const two_budget_selection found = qgrain::search::basic_two_budget_knapsack<measured>(layers).solve(7, 8);
  BOOST_TEST(found.picks == (std::vector<std::size_t>{1, 0}));
  BOOST_TEST(found.score == 5.0);
  BOOST_TEST(found.second_cost == 6.0);
  BOOST_TEST(found.gap == 0.0);
}
