// Sums in lanes against their order written out: element i to lane i mod 16, lanes added in halves.
#include <qgrain/core/lane_sum.hpp>
#include <qgrain/sensitivity/gradient_score.hpp>

#include <boost/test/unit_test.hpp>

#include <array>
#include <cstddef>
#include <random>
#include <vector>

using namespace qgrain;

namespace {

std::vector<float> drawn(std::size_t count, unsigned seed) {
  std::mt19937 source(seed);
  std::normal_distribution<float> values;
  std::vector<float> all(count);
  for (float& v : all) v = values(source);
  return all;
}

double in_sixteen_lanes(const std::vector<double>& terms) {
  std::array<double, 16> lanes{};
  for (std::size_t i = 0; i < terms.size(); ++i) lanes[i % 16] += terms[i];
  for (std::size_t l = 0; l < 8; ++l) lanes[l] += lanes[l + 8];
  for (std::size_t l = 0; l < 4; ++l) lanes[l] += lanes[l + 4];
  return (lanes[0] + lanes[2]) + (lanes[1] + lanes[3]);
}

struct listed_term {
  const double* terms;
  double operator()(index_t i) const { return terms[i]; }
};

}  // namespace

BOOST_AUTO_TEST_CASE(order_of_a_sum_in_lanes) {
  for (const std::size_t count : {0U, 1U, 15U, 16U, 17U, 31U, 32U, 100U, 1000U}) {
    const std::vector<float> x = drawn(count, 7);
    const std::vector<double> terms(x.begin(), x.end());
    BOOST_TEST_CONTEXT(count << " terms") {
      BOOST_TEST(lane_sum<16>(static_cast<index_t>(count), listed_term{terms.data()}) == in_sixteen_lanes(terms));
    }
  }
}

BOOST_AUTO_TEST_CASE(gradient_score_is_such_a_sum) {
  for (const std::size_t count : {1U, 16U, 37U, 4099U}) {
    const std::vector<float> g = drawn(count, 1);
    const std::vector<float> changed = drawn(count, 2);
    const std::vector<float> y = drawn(count, 3);
    std::vector<double> terms;
    for (std::size_t i = 0; i < count; ++i) {
      const float difference = changed[i] - y[i];
      const float product = g[i] * difference;
      terms.push_back(static_cast<double>(product) * static_cast<double>(product));
    }
    BOOST_TEST_CONTEXT(count << " outputs") {
      BOOST_TEST(sensitivity::gradient_score(g.data(), changed.data(), y.data(), static_cast<index_t>(count)) ==
                 in_sixteen_lanes(terms));
    }
  }
}

BOOST_AUTO_TEST_CASE(lanes_fold_by_any_rule) {
  int lanes[4] = {3, 9, 4, 1};
  const auto larger = [](int a, int b) { return a > b ? a : b; };
  BOOST_TEST(fold_lanes(lanes, larger) == 9);
}
