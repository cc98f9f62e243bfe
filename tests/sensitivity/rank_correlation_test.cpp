// Spearman's correlation against values worked out by hand.
#include <qgrain/sensitivity/rank_correlation.hpp>

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <limits>
#include <vector>

using namespace qgrain::sensitivity;
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
