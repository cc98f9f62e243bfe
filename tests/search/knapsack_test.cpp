#include <sweep/reference_json.hpp>

#include <qgrain/search/knapsack.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <random>
#include <search/reference_table.hpp>
#include <string>
#include <utility>
#include <vector>

namespace json = boost::json;
using qgrain::search::choice;
using qgrain::search::multiple_choice_knapsack;
using qgrain::search::selection;
using qgrain::test::table_of;
using table = std::vector<std::vector<choice>>;

namespace {

// Every combination in lexicographic order; the first of the best is the answer by definition.
selection brute_force(const table& groups, double budget) {
  selection best;
  std::vector<std::size_t> picks(groups.size(), 0);
  bool found = false;
  while (true) {
    double score = 0, cost = 0;
    for (std::size_t g = 0; g < groups.size(); ++g) {
      score += groups[g][picks[g]].score;
      cost += groups[g][picks[g]].cost;
    }
    const bool better = !found || score < best.score || (score == best.score && cost < best.cost);
    if (cost <= budget && better) {
      best = {picks, score, cost};
      found = true;
    }
    std::size_t g = groups.size();
    while (g > 0 && ++picks[g - 1] == groups[g - 1].size()) picks[--g] = 0;
    if (g == 0) return best;
  }
}

void check_equal(const selection& found, const selection& wanted) {
  BOOST_TEST(found.score == wanted.score);
  BOOST_TEST(found.cost == wanted.cost);
  BOOST_TEST(found.picks == wanted.picks, boost::test_tools::per_element());
}

void check_against(const json::value& exact, const selection& found) {
  const double score = exact.at("score").to_number<double>();
  BOOST_TEST(std::abs(found.score - score) <= 1e-12 * std::abs(score));
  BOOST_TEST(found.cost == exact.at("cost").to_number<double>());
  BOOST_TEST(found.picks == json::value_to<std::vector<std::size_t>>(exact.at("picks")),
             boost::test_tools::per_element());
}

}  // namespace

BOOST_AUTO_TEST_CASE(every_single_format_job_of_the_reference) {
  const auto data = qgrain::test::reference("scores/jobs.json");
  std::size_t jobs = 0, worse = 0;
  for (const auto& job : data.at("jobs").as_array()) {
    BOOST_TEST_CONTEXT(job.at("name").as_string().c_str()) {
      const auto& result = job.at("result");
      const multiple_choice_knapsack problem(table_of(job.at("groups")));
      const selection found = problem.solve(result.at("budget").to_number<double>());
      check_against(result.at("exact"), found);
      ++jobs;
      if (result.at("score").to_number<double>() > found.score * (1 + 1e-9)) ++worse;
    }
  }
  BOOST_TEST_MESSAGE("single-format jobs: " << jobs << " of 245; ModelOpt's own choice was worse in " << worse);
  BOOST_TEST(jobs == 245U);
}

BOOST_AUTO_TEST_CASE(every_target_of_the_mixed_searches) {
  const auto data = qgrain::test::reference("scores/jobs.json");
  std::size_t targets = 0, worse = 0;
  for (const auto& search : data.at("searches").as_array()) {
    const multiple_choice_knapsack problem(table_of(search.at("groups")));
    for (const auto& target : search.at("targets").as_array()) {
      BOOST_TEST_CONTEXT(search.at("name").as_string().c_str() << " at " << target.at("effective_bits")) {
        const double budget = target.at("budget").to_number<double>();
        const selection found = problem.solve(budget);
        check_against(target.at("exact"), found);
        ++targets;
        const bool satisfied = target.at("modelopt_cost").to_number<double>() <= budget;
        if (satisfied && target.at("modelopt_score").to_number<double>() > found.score * (1 + 1e-9) + 1e-300) ++worse;
      }
    }
  }
  BOOST_TEST_MESSAGE(
      "mixed searches: " << targets << " of 147 targets; ModelOpt's own choice (CBC; bisection for KL) was worse in "
                         << worse);
  BOOST_TEST(targets == 147U);
}

BOOST_AUTO_TEST_CASE(random_instances_against_all_combinations) {
  std::mt19937_64 random(20250102);
  const auto integer = [&](int from, int to) { return std::uniform_int_distribution<int>(from, to)(random); };
  const auto real = [&] { return std::uniform_real_distribution<double>(0.0, 1.0)(random); };
  int instances = 0;
  for (; instances < 500; ++instances) {
    table groups(static_cast<std::size_t>(integer(1, 6)));
    // small integers make ties, reals do not; sums of the integers are exact in any order
    const bool ties = instances % 2 == 0;
    double least = 0, most = 0;
    for (auto& group : groups) {
      group.resize(static_cast<std::size_t>(integer(1, 5)));
      for (auto& entry : group) {
        entry = ties ? choice{double(integer(-2, 5)), double(integer(0, 6))} : choice{real() * real(), real()};
      }
      const auto by_cost = [](const choice& a, const choice& b) { return a.cost < b.cost; };
      least += std::min_element(group.begin(), group.end(), by_cost)->cost;
      most += std::max_element(group.begin(), group.end(), by_cost)->cost;
    }
    const multiple_choice_knapsack problem(groups);
    BOOST_TEST(problem.least_cost() == least, boost::test_tools::tolerance(1e-15));
    for (const double share : {0.0, 0.2, 0.5, 0.8, 1.1}) {
      const double wanted = least + share * (most - least);
      const double budget = ties ? std::floor(wanted) : std::max(wanted, problem.least_cost());
      BOOST_TEST_CONTEXT("instance " << instances << ", share " << share) {
        check_equal(problem.solve(budget), brute_force(groups, budget));
      }
    }
  }
  BOOST_TEST_MESSAGE("random instances: " << instances << " of 500, five budgets each");
}

BOOST_AUTO_TEST_CASE(equal_layers_take_the_later_groups_first) {
  const table groups(36, {{3, 4}, {1, 8}, {0, 16}});
  const selection found = multiple_choice_knapsack(groups).solve(36 * 4 + 10 * 4);
  BOOST_TEST(found.score == 26 * 3 + 10);
  for (std::size_t g = 0; g < 36; ++g) BOOST_TEST(found.picks[g] == (g < 26 ? 0U : 1U));
}

BOOST_AUTO_TEST_CASE(a_thousand_layers_of_twelve_formats_at_64_budgets) {
  std::mt19937_64 random(7);
  std::lognormal_distribution<double> spread(0.0, 2.0);
  std::uniform_real_distribution<double> jitter(0.8, 1.2);
  const auto run = [&](const char* name, const auto& cost_of) {
    table groups(1000);
    double least = 0, most = 0;
    for (std::size_t g = 0; g < groups.size(); ++g) {
      const double sensitivity = spread(random);
      for (int f = 0; f < 12; ++f) {
        const double bits = f == 11 ? 16 : 3 + f;
        groups[g].push_back({f == 11 ? 0 : sensitivity * std::exp2(-2 * bits) * jitter(random), cost_of(g, bits)});
      }
      least += groups[g].front().cost;
      most += groups[g].back().cost;
    }
    const auto start = std::chrono::steady_clock::now();
    const multiple_choice_knapsack problem(groups);
    double last = std::numeric_limits<double>::infinity();
    for (int i = 0; i < 64; ++i) {
      const double budget = least + (most - least) * i / 63;
      const selection found = problem.solve(std::max(budget, problem.least_cost()));
      BOOST_TEST(found.score <= last);
      BOOST_TEST(found.cost <= std::max(budget, problem.least_cost()));
      last = found.score;
    }
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    BOOST_TEST_MESSAGE(name << ": 64 budgets in " << seconds.count() << " s");
  };
  run("layer sizes of a transformer", [](std::size_t g, double bits) {
    constexpr double sizes[] = {15728640, 10485760, 49807360, 24903680};
    return sizes[g % 4] * bits / 16;
  });
  run("arbitrary costs", [&](std::size_t, double bits) { return bits * jitter(random); });
}

BOOST_AUTO_TEST_CASE(bad_input) {
  const auto code_of = [](const auto& call) {
    try {
      call();
    } catch (const qgrain::error& e) {
      return e.code();
    }
    return qgrain::errc::ok;
  };
  const double nan = std::numeric_limits<double>::quiet_NaN();
  using qgrain::errc;
  BOOST_TEST((code_of([] { multiple_choice_knapsack({{{1, 1}}, {}}); }) == errc::invalid_argument));
  BOOST_TEST((code_of([&] { multiple_choice_knapsack({{{nan, 1}}}); }) == errc::non_finite));
  BOOST_TEST((code_of([&] { multiple_choice_knapsack({{{1, HUGE_VAL}}}); }) == errc::non_finite));
  BOOST_TEST((code_of([&] { (void)multiple_choice_knapsack({{{1, 1}}}).solve(nan); }) == errc::non_finite));
  BOOST_TEST((code_of([&] { (void)multiple_choice_knapsack({{{1, 1}}}).solve(0.5); }) == errc::out_of_range));
  BOOST_TEST((code_of([&] { (void)multiple_choice_knapsack({{{1, 1}}}).solve(1); }) == errc::ok));
  BOOST_TEST(multiple_choice_knapsack({}).solve(0).picks.empty());
}

namespace {

/// Random small problem with integers, so that every sum is exact.
table small_problem(std::mt19937& random) {
  table groups(1 + random() % 4);
  for (auto& choices : groups) {
    choices.resize(1 + random() % 4);
    for (choice& c : choices) c = {static_cast<double>(random() % 40), static_cast<double>(random() % 30)};
  }
  return groups;
}

/// Corners of the lower left hull of all combinations, by definition: no other point lies below the line through two
/// neighbours, and nothing is cheaper than the first or better than the last.
std::vector<std::pair<double, double>> hull_by_definition(const table& groups) {
  std::vector<std::pair<double, double>> points{{0.0, 0.0}};
  for (const auto& choices : groups) {
    std::vector<std::pair<double, double>> next;
    for (const auto& [cost, score] : points) {
      for (const choice& c : choices) next.emplace_back(cost + c.cost, score + c.score);
    }
    points = next;
  }
  std::sort(points.begin(), points.end());
  std::vector<std::pair<double, double>> hull;
  for (const auto& p : points) {
    if (!hull.empty() && p.second >= hull.back().second) continue;
    const auto above = [&](const auto& a, const auto& b) {  // b lies on or above the line from a to p
      return (b.second - a.second) * (p.first - a.first) >= (p.second - a.second) * (b.first - a.first);
    };
    while (hull.size() > 1 && above(hull[hull.size() - 2], hull.back())) hull.pop_back();
    hull.push_back(p);
  }
  return hull;
}

}  // namespace

BOOST_AUTO_TEST_CASE(convex_front_of_random_problems) {
  std::mt19937 random(5);
  std::size_t corners = 0;
  for (int round = 0; round < 500; ++round) {
    const table groups = small_problem(random);
    const multiple_choice_knapsack problem(groups);
    const std::vector<selection> front = problem.convex_front();
    std::vector<std::pair<double, double>> found;
    std::vector<double> budgets;
    for (const selection& s : front) {
      found.emplace_back(s.cost, s.score);
      budgets.push_back(s.cost);
    }
    BOOST_TEST((found == hull_by_definition(groups)));
    const std::vector<selection> solved = problem.solve(budgets);
    for (std::size_t i = 0; i < front.size(); ++i) BOOST_TEST(solved[i].score == front[i].score);
    corners += front.size();
  }
  BOOST_TEST_MESSAGE(corners << " corners of 500 fronts");
}

// An engine's own record in place of `choice`; the optimum by hand: 1 + 4 at cost 5, as 1 + 2 would take 7.
BOOST_AUTO_TEST_CASE(records_of_an_engine) {
  struct measured {
    const char* format;
    double cost;
    double score;
  };
  const std::vector<std::vector<measured>> layers{{{"int4", 1, 6}, {"int8", 3, 1}}, {{"int4", 2, 4}, {"int8", 4, 2}}};
  const selection found = qgrain::search::basic_multiple_choice_knapsack<measured>(layers).solve(6);
  BOOST_TEST(found.picks == (std::vector<std::size_t>{1, 0}));
  BOOST_TEST(found.score == 5.0);
  BOOST_TEST(found.cost == 5.0);
}
