#include <sweep/reference_json.hpp>
#include <sweep/search/table_search.hpp>

#include <qgrain/core/status.hpp>

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

namespace json = boost::json;
using namespace qgrain::sweep;

namespace {

// Two layers of 16 weights, three formats and NONE, latencies that are not in the order of the costs.
std::vector<candidate_row> small_table() {
  const layer_list layers{{"a", "b"}, {16, 16}};
  return candidate_table(layers,
                         {{"F4", 0.25, "", {4, 8}, {}, {1, 1}},
                          {"F6", 0.375, "", {2, 3}, {}, {5, 5}},
                          {"F8", 0.5, "", {1, 2}, {}, {2, 2}}},
                         {.none_latencies = {6, 6}});
}

std::vector<candidate_row> reference_rows(const json::value& groups) {
  std::vector<candidate_row> rows;
  const auto& scores = groups.at("scores").as_array();
  for (std::size_t g = 0; g < scores.size(); ++g) {
    candidate_row row;
    row.scores = json::value_to<std::vector<double>>(scores[g]);
    row.costs = json::value_to<std::vector<double>>(groups.at("costs").at(g));
    rows.push_back(row);
  }
  return rows;
}

template <class Call>
std::string sentence(const Call& call) {
  try {
    call();
  } catch (const qgrain::error& e) {
    return e.what();
  }
  return {};
}

}  // namespace

BOOST_AUTO_TEST_CASE(each_unit_counts_in_its_own_way) {
  const auto rows = small_table();
  const auto bits = search_bits(rows, 6);
  BOOST_TEST((bits.picks == std::vector<std::size_t>{1, 1}));  // 2 + 3 beats 4 + 2 and 1 + 8
  BOOST_TEST(bits.score == 5.0);
  BOOST_TEST(bits.effective_bits == 6.0);
  BOOST_TEST(bits.gap == 0.0);
  BOOST_TEST(bits.lower_bound == 5.0);
  BOOST_TEST(bits.solver == "exact");
  BOOST_TEST_REQUIRE(bits.budgets.size() == 1U);
  BOOST_TEST(bits.budgets[0].reached == 6.0);
  BOOST_TEST(bits.budgets[0].least == 4.0);

  // 32 weights at 6 bits are 24 bytes
  const std::vector<search_budget> bytes{{budget_unit::bytes, 24}};
  const auto by_bytes = search_table(rows, bytes);
  BOOST_TEST(by_bytes.picks == bits.picks, boost::test_tools::per_element());
  BOOST_TEST(by_bytes.budgets[0].reached == 24.0);
  BOOST_TEST(by_bytes.budgets[0].least == 16.0);

  const std::vector<search_budget> latency{{budget_unit::latency_ms, 4}};
  const auto fast = search_table(rows, latency);
  BOOST_TEST((fast.picks == std::vector<std::size_t>{2, 2}));
  BOOST_TEST(fast.effective_bits == 8.0);
  BOOST_TEST(fast.budgets[0].reached == 4.0);
  BOOST_TEST(fast.budgets[0].least == 2.0);
}

BOOST_AUTO_TEST_CASE(a_budget_above_everything_takes_the_least_scores) {
  const auto rows = small_table();
  BOOST_TEST(search_bits(rows, 16).score == 0.0);
  const std::vector<double> amounts{1e9, 16, 40};
  const auto many = search_table(rows, budget_unit::bytes, amounts);
  BOOST_TEST_REQUIRE(many.size() == 3U);
  BOOST_TEST(many[0].score == 0.0);
  BOOST_TEST(many[1].score == 12.0);
  BOOST_TEST(many[2].score == search_bits(rows, 10).score);
}

BOOST_AUTO_TEST_CASE(a_size_and_a_latency_at_once) {
  const auto rows = small_table();
  for (const bool latency_first : {false, true}) {
    std::vector<search_budget> both{{budget_unit::effective_bits, 6}, {budget_unit::latency_ms, 6}};
    if (latency_first) std::swap(both[0], both[1]);
    const auto found = search_table(rows, both);
    // 4 bits and 6 bits (latency 6): 4 + 3 or 2 + 8; 4 and 8 bits (latency 3): 4 + 2 or 1 + 8
    BOOST_TEST((found.picks == std::vector<std::size_t>{0, 2}));
    BOOST_TEST(found.score == 6.0);
    BOOST_TEST(found.gap == 0.0);
    BOOST_TEST(found.solver == "two_budgets");
    const std::size_t size = latency_first ? 1 : 0;
    BOOST_TEST(found.budgets[size].reached == 6.0);
    BOOST_TEST(found.budgets[size].least == 4.0);
    BOOST_TEST(found.budgets[1 - size].reached == 3.0);
    BOOST_TEST(found.budgets[1 - size].least == 2.0);
    BOOST_TEST((found.budgets[size].unit == budget_unit::effective_bits));
  }
}

BOOST_AUTO_TEST_CASE(errors_name_the_smallest_feasible_number) {
  const auto rows = small_table();
  const auto of = [&](std::vector<search_budget> budgets) {
    return sentence([&] { (void)search_table(rows, budgets); });
  };
  using enum budget_unit;
  BOOST_TEST(of({{effective_bits, 3.5}}) == "effective_bits 3.5 cannot be met; the least is 4.0");
  BOOST_TEST(of({{bytes, 15}}) == "bytes 15.0 cannot be met; the least is 16.0");
  BOOST_TEST(of({{latency_ms, 1}}) == "latency_ms 1.0 cannot be met; the least is 2.0");
  BOOST_TEST(of({{latency_ms, -1}}) == "latency_ms -1.0 cannot be met; the least is 2.0");
  BOOST_TEST(of({{bytes, 8}, {latency_ms, 5}}) == "bytes 8.0 cannot be met; the least is 16.0");
  BOOST_TEST(of({{effective_bits, 5}, {latency_ms, 1.5}}) ==
             "latency_ms 1.5 cannot be met under effective_bits 5.0; the least is 2.0");
  for (const double bits : {0.0, -1.0, 16.5, std::numeric_limits<double>::quiet_NaN()}) {
    BOOST_TEST(of({{effective_bits, bits}}).find("must lie in (0, 16]") != std::string::npos);
    BOOST_CHECK_THROW((void)search_threshold(rows, bits), qgrain::error);
  }
  BOOST_TEST(of({{bytes, HUGE_VAL}}) == "bytes is inf; it must be a finite number");
  BOOST_TEST(!of({}).empty());
  BOOST_TEST(!of({{bytes, 50}, {effective_bits, 8}}).empty());
  BOOST_TEST(!of({{latency_ms, 50}, {latency_ms, 8}}).empty());
  const auto no_latency = candidate_table({{"a"}, {16}}, {{"F", 0.5, "", {1}}}, {});
  const std::vector<search_budget> latency{{latency_ms, 4}};
  BOOST_TEST(sentence([&] { (void)search_table(no_latency, latency); }) ==
             "a budget of latency_ms needs a table of latencies");
  BOOST_CHECK_THROW((void)budget_unit_from("bits"), qgrain::error);
  for (const budget_unit unit : {effective_bits, bytes, latency_ms})
    BOOST_TEST((budget_unit_from(name_of(unit)) == unit));
}

BOOST_AUTO_TEST_CASE(the_number_that_an_error_names_is_feasible) {
  std::mt19937_64 random(3);
  std::uniform_real_distribution<double> real(0.1, 1.0);
  for (int instance = 0; instance < 300; ++instance) {
    layer_list layers;
    candidate_format format{"F", 0.25, "", {}};
    for (int l = 0; l < 7; ++l) {
      layers.names.push_back(std::to_string(l));
      layers.sizes.push_back(std::floor(1000 * real(random)));
      format.layer_scores.push_back(real(random));
      format.layer_costs.push_back(std::floor(layers.sizes.back() * real(random)) / 2);
    }
    const auto rows = candidate_table(layers, {format}, {});
    const std::string text = sentence([&] { (void)search_bits(rows, 1e-3); });
    const double least = std::stod(text.substr(text.rfind(' ')));
    BOOST_TEST(search_bits(rows, least).budgets[0].reached <= least);
    BOOST_TEST(search_bits(rows, least).budgets[0].least == least);
    BOOST_CHECK_THROW((void)search_bits(rows, std::nextafter(least, 0.0) * (1 - 1e-12)), qgrain::error);
  }
}

BOOST_AUTO_TEST_CASE(the_front_of_a_table) {
  const auto rows = small_table();
  std::vector<std::pair<double, double>> found;
  for (const auto& corner : front_corners(rows)) found.emplace_back(corner.size, corner.score);
  // savings per bit: b 5 from 4 to 6, a 2 from 4 to 6, a and b 1 from 6 to 8, then 1 and 2 over 8 bits
  const std::vector<std::pair<double, double>> wanted{{4, 12}, {5, 7}, {6, 5}, {8, 3}, {12, 1}, {16, 0}};
  BOOST_TEST((found == wanted));
  for (const auto& [bits, score] : found) BOOST_TEST(search_bits(rows, bits).score == score);
}

BOOST_AUTO_TEST_CASE(threshold_search_as_in_the_reference) {
  const auto data = qgrain::test::reference("scores/jobs.json");
  std::size_t targets = 0;
  for (const auto& search : data.at("searches").as_array()) {
    if (search.at("method") != "kl_div") continue;
    const auto rows = reference_rows(search.at("groups"));
    for (const auto& target : search.at("targets").as_array()) {
      const double bits = target.at("effective_bits").to_number<double>();
      const auto found = search_threshold(rows, bits);
      const double exact = target.at("exact").at("score").to_number<double>();
      BOOST_TEST(std::abs(found.score - target.at("modelopt_score").to_number<double>()) <= 1e-12 * found.score);
      BOOST_TEST(found.is_satisfied);
      BOOST_TEST(std::abs(found.lower_bound - exact) <= 1e-12 * exact);
      BOOST_TEST(found.gap == found.score - found.lower_bound);
      BOOST_TEST(found.budgets[0].reached <= bits);
      ++targets;
    }
  }
  BOOST_TEST(targets == 49U);
  const auto above = search_threshold(small_table(), 3);
  BOOST_TEST(!above.is_satisfied);
  BOOST_TEST(above.effective_bits == 4.0);
  BOOST_TEST(above.gap == 0.0);
  BOOST_TEST(above.solver == "threshold");
}
