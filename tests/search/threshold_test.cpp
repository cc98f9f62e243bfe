#include <sweep/reference_json.hpp>

#include <qgrain/search/threshold.hpp>

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <limits>
#include <search/reference_table.hpp>
#include <string>
#include <vector>

namespace json = boost::json;
using qgrain::search::choice;
using qgrain::search::threshold_search;
using qgrain::test::table_of;
using table = std::vector<std::vector<choice>>;

namespace {

// Sums in another order may differ in the last place.
bool near(double a, double b) { return std::abs(a - b) <= 1e-12 * std::abs(b); }

}  // namespace

BOOST_AUTO_TEST_CASE(every_kl_div_job_of_the_reference) {
  const auto data = qgrain::test::reference("scores/jobs.json");
  std::size_t jobs = 0;
  for (const auto& job : data.at("jobs").as_array()) {
    if (job.at("method") != "kl_div") continue;
    BOOST_TEST_CONTEXT(job.at("name").as_string().c_str()) {
      const auto& result = job.at("result");
      const auto found = threshold_search(table_of(job.at("groups")), result.at("budget").to_number<double>());
      BOOST_TEST(near(found.score, result.at("score").to_number<double>()));
      BOOST_TEST(16 * found.cost / result.at("total").to_number<double>() ==
                 result.at("effective_bits").to_number<double>());
      BOOST_TEST(found.is_satisfied == result.at("is_satisfied").as_bool());
      ++jobs;
    }
  }
  BOOST_TEST_MESSAGE("kl_div jobs: " << jobs << " of 10");
  BOOST_TEST(jobs == 10U);
}

BOOST_AUTO_TEST_CASE(every_target_of_the_mixed_kl_div_search) {
  const auto data = qgrain::test::reference("scores/jobs.json");
  std::size_t targets = 0;
  for (const auto& search : data.at("searches").as_array()) {
    if (search.at("method") != "kl_div") continue;
    const table groups = table_of(search.at("groups"));
    for (const auto& target : search.at("targets").as_array()) {
      BOOST_TEST_CONTEXT(target.at("effective_bits")) {
        const auto found = threshold_search(groups, target.at("budget").to_number<double>());
        BOOST_TEST(near(found.score, target.at("modelopt_score").to_number<double>()));
        BOOST_TEST(found.cost == target.at("modelopt_cost").to_number<double>());
        ++targets;
      }
    }
  }
  BOOST_TEST_MESSAGE("targets: " << targets << " of 49");
  BOOST_TEST(targets == 49U);
}

BOOST_AUTO_TEST_CASE(the_last_threshold_counts_even_above_the_budget) {
  // the cheapest choices take 8
  const table groups{{{1, 4}, {0, 8}}, {{1, 4}, {0, 8}}};
  const auto found = threshold_search(groups, 7);
  BOOST_TEST(!found.is_satisfied);
  BOOST_TEST(found.cost == 8.0);
  BOOST_TEST((found.picks == std::vector<std::size_t>{0, 0}));
  const auto kept = threshold_search(groups, 16);
  BOOST_TEST(kept.is_satisfied);
  BOOST_TEST(kept.cost == 16.0);
}

BOOST_AUTO_TEST_CASE(bad_input) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  BOOST_CHECK_THROW((void)threshold_search({{}}, 1), qgrain::error);
  BOOST_CHECK_THROW((void)threshold_search({{{nan, 1}}}, 1), qgrain::error);
  BOOST_CHECK_THROW((void)threshold_search({{{1, 1}}}, nan), qgrain::error);
  BOOST_TEST(threshold_search({}, 0).is_satisfied);
}
