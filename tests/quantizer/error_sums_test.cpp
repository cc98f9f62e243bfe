// error_sums: figures by hand, against long double, at zero, NaN and infinity.
#include <support/inputs.hpp>

#include <qgrain/quantizer/error_sums.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <type_traits>
#include <utility>
#include <vector>

using namespace qgrain;

static_assert(std::is_trivially_copyable_v<error_sums>);

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();

}  // namespace

BOOST_AUTO_TEST_CASE(figures_by_hand) {
  error_sums sums;
  sums.add(3.0F, 4.0F, true);
  sums.add(4.0F, 3.0F);
  sums.add(0.0F, -2.0F);
  BOOST_TEST(sums.elements == 3);
  BOOST_TEST(sums.clipped == 1);
  BOOST_TEST(sums.mse() == 2.0);
  BOOST_TEST(sums.max_error() == 2.0);
  BOOST_TEST(sums.sqnr_db() == 10.0 * std::log10(25.0 / 6.0));
  BOOST_TEST(sums.cosine() == 24.0 / std::sqrt(25.0 * 29.0));
}

BOOST_AUTO_TEST_CASE(parts_merge_to_the_figures_of_the_whole) {
  const std::vector<float> x = qgrain_test::bell_values(1, 5000);
  const std::vector<float> noise = qgrain_test::bell_values(2, 5000);
  long double squared_error = 0, x_squared = 0, y_squared = 0, product = 0, largest = 0;
  error_sums whole;
  for (std::size_t first = 0; first < x.size(); first += 700) {
    error_sums part;
    for (std::size_t i = first; i < std::min<std::size_t>(first + 700, x.size()); ++i) {
      const float y = x[i] + noise[i] / 64;
      part.add(x[i], y, i % 3 == 0);
      const long double error = static_cast<long double>(x[i]) - static_cast<long double>(y);
      squared_error += error * error;
      x_squared += static_cast<long double>(x[i]) * x[i];
      y_squared += static_cast<long double>(y) * y;
      product += static_cast<long double>(x[i]) * y;
      largest = std::max(largest, std::fabs(error));
    }
    whole.merge(part);
  }
  const auto near = boost::test_tools::tolerance(1e-13);
  BOOST_TEST(whole.elements == 5000);
  BOOST_TEST(whole.clipped == 1667);
  BOOST_TEST(whole.mse() == static_cast<double>(squared_error / 5000), near);
  BOOST_TEST(whole.sqnr_db() == static_cast<double>(10 * std::log10(x_squared / squared_error)), near);
  BOOST_TEST(whole.cosine() == static_cast<double>(product / std::sqrt(x_squared * y_squared)), near);
  BOOST_TEST(whole.max_error() == static_cast<double>(largest));
}

BOOST_AUTO_TEST_CASE(a_run_has_the_figures_of_its_pairs) {
  const std::vector<float> x = qgrain_test::bell_values(7, 203);
  const std::vector<float> noise = qgrain_test::bell_values(8, 203);
  const auto near = boost::test_tools::tolerance(1e-13);
  for (const std::size_t count : {0U, 1U, 7U, 8U, 9U, 64U, 203U}) {
    std::vector<float> y(count);
    std::vector<std::uint8_t> clipped(count);
    error_sums pairs;
    pairs.add(1.0F, 1.5F);
    error_sums run = pairs;
    for (std::size_t i = 0; i < count; ++i) {
      y[i] = x[i] + noise[i] / 8;
      clipped[i] = i % 5 == 0 ? 1 : 0;
      pairs.add(x[i], y[i], clipped[i] != 0);
    }
    run.add_run(x.data(), y.data(), clipped.data(), static_cast<index_t>(count));
    BOOST_TEST(run.elements == pairs.elements);
    BOOST_TEST(run.clipped == pairs.clipped);
    BOOST_TEST(run.squared_error == pairs.squared_error, near);
    BOOST_TEST(run.x_squared == pairs.x_squared, near);
    BOOST_TEST(run.y_squared == pairs.y_squared, near);
    BOOST_TEST(run.product == pairs.product, near);
    BOOST_TEST(run.max_error() == pairs.max_error());
    for (std::size_t i = 0; i < count; ++i) {  // a NaN anywhere stays visible
      std::vector<float> broken = y;
      broken[i] = -not_a_number;
      error_sums sums;
      sums.add_run(x.data(), broken.data(), clipped.data(), static_cast<index_t>(count));
      BOOST_TEST_REQUIRE((std::isnan(sums.mse()) && std::isnan(sums.max_error()) && std::isnan(sums.cosine())));
    }
  }
}

BOOST_AUTO_TEST_CASE(nothing_and_zeros) {
  const error_sums none;
  error_sums zeros;
  for (int i = 0; i < 5; ++i) zeros.add(0.0F, -0.0F);
  for (const error_sums& sums : {none, zeros}) {
    BOOST_TEST(sums.mse() == 0.0);
    BOOST_TEST(sums.max_error() == 0.0);
    BOOST_TEST(sums.sqnr_db() == infinity);
    BOOST_TEST(sums.cosine() == 1.0);
  }
  error_sums from_zero;
  from_zero.add(0.0F, 0.5F);
  BOOST_TEST(from_zero.sqnr_db() == -infinity);
  BOOST_TEST(from_zero.cosine() == 0.0);
  error_sums to_zero;
  to_zero.add(0.5F, 0.0F);
  BOOST_TEST(to_zero.sqnr_db() == 0.0);
  BOOST_TEST(to_zero.cosine() == 0.0);
}

BOOST_AUTO_TEST_CASE(equal_vectors_have_no_angle_and_infinite_sqnr) {
  error_sums sums;
  error_sums opposite;
  for (const float x : qgrain_test::bell_values(3, 999)) {
    sums.add(x, x);
    opposite.add(x, -x);
  }
  BOOST_TEST(sums.cosine() == 1.0);
  BOOST_TEST(sums.sqnr_db() == infinity);
  BOOST_TEST(opposite.cosine() == -1.0);
}

BOOST_AUTO_TEST_CASE(the_ends_of_float32_do_not_overflow) {
  for (const float x : {std::numeric_limits<float>::max(), std::numeric_limits<float>::denorm_min()}) {
    error_sums sums;
    sums.add(x, -x);
    BOOST_TEST(sums.max_error() == 2.0 * static_cast<double>(x));
    BOOST_TEST(sums.cosine() == -1.0);
    BOOST_TEST(sums.sqnr_db() == 10.0 * std::log10(0.25));
  }
}

BOOST_AUTO_TEST_CASE(nan_stays_visible) {
  const auto all_nan = [](const error_sums& sums) {
    return std::isnan(sums.mse()) && std::isnan(sums.max_error()) && std::isnan(sums.sqnr_db()) &&
           std::isnan(sums.cosine());
  };
  for (const auto& [x, y] : {std::pair{not_a_number, 1.0F},
                             {1.0F, not_a_number},
                             {not_a_number, not_a_number},
                             {not_a_number, 0.0F},
                             {0.0F, not_a_number}}) {
    error_sums sums;
    sums.add(x, y);
    BOOST_TEST(all_nan(sums));
    sums.add(2.0F, 1.0F);
    BOOST_TEST(all_nan(sums));
    error_sums whole;
    whole.add(3.0F, 1.0F);
    whole.merge(sums);
    BOOST_TEST(all_nan(whole));
    BOOST_TEST(whole.elements == 3);
  }
  error_sums infinite;
  infinite.add(static_cast<float>(infinity), 448.0F, true);
  BOOST_TEST(infinite.mse() == infinity);
  BOOST_TEST(infinite.max_error() == infinity);
  error_sums both;
  both.add(static_cast<float>(infinity), static_cast<float>(infinity));
  BOOST_TEST(std::isnan(both.mse()));
  BOOST_TEST(std::isnan(both.max_error()));
}
