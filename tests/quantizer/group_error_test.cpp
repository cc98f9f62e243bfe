// The squared error of a group: its order of summation, restated, and what it is close to.
#include <support/inputs.hpp>

#include <qgrain/format/float4.hpp>
#include <qgrain/format/integer.hpp>
#include <qgrain/granularity/per_group.hpp>
#include <qgrain/quantizer/group_error.hpp>
#include <qgrain/quantizer/quantizer.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

using namespace qgrain;

namespace {

using element = quantizer<int4, per_group<32>>::element_type;

/// The order in words of its own: terms first, then lanes, then the tree, then runs.
double restated(const std::vector<float>& x, scale_factors f) {
  double total = 0.0;
  for (std::size_t begin = 0; begin < x.size(); begin += 4096) {
    std::vector<float> lanes;
    for (std::size_t lane = 0; lane < 16; ++lane) {
      volatile float sum = 0.0F;  // volatile: rounded to float32 whatever the compiler's flags
      for (std::size_t i = begin + lane; i < std::min(x.size(), begin + 4096); i += 16) {
        volatile float difference = element::fake(x[i], f) - x[i];
        volatile float square = difference * difference;
        sum = sum + square;
      }
      lanes.push_back(static_cast<float>(sum));
    }
    while (lanes.size() > 1) {
      std::vector<float> half;
      for (std::size_t i = 0; i < lanes.size() / 2; ++i) {
        volatile float sum = lanes[i] + lanes[i + lanes.size() / 2];
        half.push_back(static_cast<float>(sum));
      }
      lanes = half;
    }
    total += static_cast<double>(lanes[0]);
  }
  return total;
}

long double exact(const std::vector<float>& x, scale_factors f) {
  long double sum = 0.0L;
  for (const float v : x) {
    const long double difference = static_cast<long double>(element::fake(v, f)) - static_cast<long double>(v);
    sum += difference * difference;
  }
  return sum;
}

}  // namespace

BOOST_AUTO_TEST_CASE(the_order_is_the_documented_one_for_every_shape_and_stride) {
  const scale_factors f = element::factors(element::scale(2.0F));
  int order_matters = 0;
  for (const shape2d shape : {shape2d{1, 1},
                              {1, 15},
                              {1, 16},
                              {1, 17},
                              {1, 32},
                              {7, 13},
                              {1, 4096},
                              {1, 4097},
                              {4097, 1},
                              {100, 128},
                              {3, 5000},
                              {1, 20000}}) {
    const auto count = static_cast<std::size_t>(shape.elements());
    const std::vector<float> x = qgrain_test::bell_values(count, count);
    const double expected = restated(x, f);
    const double dense = group_error<element>({x.data(), shape}, f);
    BOOST_TEST((dense == expected));
    const index_t stride = shape.cols + 3;
    std::vector<float> wide(static_cast<std::size_t>(shape.rows * stride), 1e20F);
    for (index_t r = 0; r < shape.rows; ++r) {
      std::copy_n(x.data() + r * shape.cols, shape.cols, wide.data() + r * stride);
    }
    const double strided = group_error<element>({wide.data(), shape, stride}, f);
    BOOST_TEST((strided == expected));
    BOOST_TEST(std::fabs(static_cast<double>(expected - exact(x, f))) <= 1e-5 * expected);
    float in_sequence = 0.0F;
    for (const float v : x) in_sequence += squared_error<element>(v, f);
    order_matters += static_cast<double>(in_sequence) != expected ? 1 : 0;
  }
  BOOST_TEST(order_matters > 4);  // or the comparison above would show nothing
}

BOOST_AUTO_TEST_CASE(nan_is_never_preferred_and_the_first_of_equal_errors_is) {
  const double not_a_number = std::numeric_limits<double>::quiet_NaN();
  BOOST_TEST(smaller_error(1.0, 2.0));
  BOOST_TEST(!smaller_error(2.0, 1.0));
  BOOST_TEST(!smaller_error(1.0, 1.0));
  BOOST_TEST(smaller_error(1.0, not_a_number));
  BOOST_TEST(!smaller_error(not_a_number, 1.0));
  BOOST_TEST(!smaller_error(not_a_number, not_a_number));
  const std::vector<float> x(32, 0.0F);
  BOOST_TEST(least_error_range<element>({x.data(), {1, 32}}, 0.0F, mse_range{0.5F, 1.0F}, 1.0F) == 0.0F);
  // 7 steps of 1: no error with the first factor nor with any other that keeps the step a divisor of all elements.
  const std::vector<float> exact_steps = {7.0F, 7.0F};
  BOOST_TEST(least_error_range<element>({exact_steps.data(), {1, 2}}, 7.0F, mse_range{1.0F, 7.0F, 0.5F}, 1.0F) == 7.0F);
  BOOST_TEST(least_error_range<element>({exact_steps.data(), {1, 2}}, 7.0F, mse_range{0.5F, 7.0F, 1.0F}, 1.0F) ==
             49.0F);
}

BOOST_AUTO_TEST_CASE(ranges_times_a_factor) {
  BOOST_TEST(range_times(3.0F, 0.5F) == 1.5F);
  const signed_range ends = range_times(signed_range{1.0F, 4.0F}, 0.75F);
  BOOST_TEST(ends.below == 0.75F);
  BOOST_TEST(ends.above == 3.0F);
  const float payload = float_from_bits(0x7FC12345U);
  BOOST_TEST(bits_of(range_times(payload, 0.5F)) == 0x7FC12345U);
  const mse_range<5> spaced = mse_range_between<5>(1.0F, 0.5F);
  BOOST_TEST(spaced.factors[0] == 1.0F);
  BOOST_TEST(spaced.factors[1] == 0.875F);
  BOOST_TEST(spaced.factors[4] == 0.5F);
}
