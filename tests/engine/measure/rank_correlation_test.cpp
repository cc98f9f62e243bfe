// Spearman's correlation against values worked out by hand.
#include <engine/measure/rank_correlation.hpp>

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <limits>
#include <vector>

using namespace qgrain::engine;
using values = std::vector<double>;

BOOST_AUTO_TEST_CASE(ties_share_the_mean_rank) {
  BOOST_TEST(ranks_of(values{3, 1, 3, 2, 3}) == (values{3, 0, 3, 1, 3}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(correlations_of_small_lists) {
  BOOST_TEST(spearman(values{1, 2, 3, 4}, values{10, 100, 1000, 1e9}) == 1.0);
  BOOST_TEST(spearman(values{1, 2, 3, 4}, values{8, 4, 2, 1}) == -1.0);
  // d = (0, 1, -1, 0): 1 - 6 * 2 / (4 * 15)
  BOOST_TEST(std::abs(spearman(values{1, 2, 3, 4}, values{1, 3, 2, 4}) - 0.8) < 1e-15);
  // ranks (0.5, 0.5, 2, 3) and (0, 1, 2, 3): 4.5 / sqrt(4.5 * 5)
  BOOST_TEST(std::abs(spearman(values{1, 1, 2, 3}, values{1, 2, 3, 4}) - 4.5 / std::sqrt(22.5)) < 1e-15);
}

BOOST_AUTO_TEST_CASE(there_is_none_for_constant_short_unequal_or_nan_lists) {
  BOOST_TEST(std::isnan(spearman(values{1, 1, 1}, values{1, 2, 3})));
  BOOST_TEST(std::isnan(spearman(values{1}, values{1})));
  BOOST_TEST(std::isnan(spearman(values{1, 2}, values{1, 2, 3})));
  BOOST_TEST(std::isnan(spearman(values{1, std::numeric_limits<double>::quiet_NaN()}, values{1, 2})));
}

BOOST_AUTO_TEST_CASE(methods_are_listed_best_first) {
  const std::vector<method_scores> methods{
      {"reversed", {4, 3, 2, 1}}, {"constant", {1, 1, 1, 1}}, {"exact", {1, 2, 3, 4}}, {"close", {1, 3, 2, 4}}};
  const std::vector<method_agreement> found = compare_methods(methods, values{0.1, 0.2, 0.3, 0.4});
  BOOST_TEST_REQUIRE(found.size() == 4U);
  BOOST_TEST(found[0].method == "exact");
  BOOST_TEST(found[1].method == "close");
  BOOST_TEST(found[2].method == "reversed");
  BOOST_TEST(found[2].correlation == -1.0);
  BOOST_TEST(found[3].method == "constant");
}
