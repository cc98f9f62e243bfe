// Squared distances against sums of integers, which are exact in any order.
#include <qgrain/sensitivity/output_error.hpp>

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

using qgrain::sensitivity::squared_distance;

BOOST_AUTO_TEST_CASE(integers_are_exact_for_every_length) {
  std::vector<float> a;
  std::vector<float> b;
  std::int64_t sum = 0;
  for (int i = 0; i < 100; ++i) {
    BOOST_TEST(squared_distance(a.data(), b.data(), i) == static_cast<double>(sum));
    const int x = i * 37 % 101 - 50;
    const int y = i * 53 % 89 - 40;
    a.push_back(static_cast<float>(x));
    b.push_back(static_cast<float>(y));
    sum += std::int64_t{x - y} * (x - y);
  }
}

BOOST_AUTO_TEST_CASE(differences_are_rounded_to_float32_and_squares_are_not) {
  const float a[] = {16777216.0F, 1e30F};
  const float b[] = {-1.0F, -1e30F};
  BOOST_TEST(squared_distance(a, b, 1) == 16777216.0 * 16777216.0);  // 2^24 + 1 is a tie, to even
  const auto difference = static_cast<double>(2e30F);
  BOOST_TEST(squared_distance(a + 1, b + 1, 1) == difference * difference);
}

BOOST_AUTO_TEST_CASE(nan_anywhere_is_nan) {
  for (std::size_t at = 0; at < 40; ++at) {
    std::vector<float> a(40, 1.0F);
    const std::vector<float> b(40, 2.0F);
    a[at] = std::numeric_limits<float>::quiet_NaN();
    BOOST_TEST(std::isnan(squared_distance(a.data(), b.data(), 40)));
  }
}
