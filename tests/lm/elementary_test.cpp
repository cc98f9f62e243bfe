// Exponential, sine and cosine against long double, over their whole ranges.
#include <lm/elementary.hpp>

#include <qgrain/core/exponential.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

namespace {

using namespace qgrain::lm;
using qgrain::exp_accurate;

constexpr int samples = 200'000;

// The largest difference in units of the last place of the wanted value.
template <class Function, class Truth>
double worst_ulp(float low, float high, const Function& function, const Truth& truth) {
  std::mt19937 generator(1);
  std::uniform_real_distribution<float> numbers(low, high);
  double worst = 0;
  for (int i = 0; i < samples; ++i) {
    const float x = numbers(generator);
    const long double wanted = truth(static_cast<long double>(x));
    const float magnitude = std::abs(static_cast<float>(wanted));
    const float ulp = std::nextafter(magnitude, std::numeric_limits<float>::infinity()) - magnitude;
    worst = std::max(worst, static_cast<double>(std::abs(static_cast<long double>(function(x)) - wanted) / ulp));
  }
  return worst;
}

const auto exp_truth = [](long double x) { return std::exp(x); };

}  // namespace

BOOST_AUTO_TEST_CASE(accurate_exponential) {
  BOOST_TEST(worst_ulp(-87.0F, 88.0F, exp_accurate, exp_truth) <= 1.0);
  BOOST_TEST(worst_ulp(-103.0F, -87.0F, exp_accurate, exp_truth) <= 1.0);  // subnormal results
  BOOST_TEST(exp_accurate(0.0F) == 1.0F);
  BOOST_TEST(exp_accurate(-104.1F) == 0.0F);
  BOOST_TEST(exp_accurate(-std::numeric_limits<float>::infinity()) == 0.0F);
  BOOST_TEST(exp_accurate(89.0F) == std::numeric_limits<float>::infinity());
  BOOST_TEST(exp_accurate(std::numeric_limits<float>::max()) == std::numeric_limits<float>::infinity());
}

BOOST_AUTO_TEST_CASE(fast_exponential) {
  BOOST_TEST(worst_ulp(-86.0F, 0.0F, exp_fast, exp_truth) <= 20.0);
  BOOST_TEST(exp_fast(0.0F) == 1.0F);
  BOOST_TEST(exp_fast(-88.0F) == 0.0F);
  BOOST_TEST(exp_fast(-std::numeric_limits<float>::infinity()) == 0.0F);
}

BOOST_AUTO_TEST_CASE(sine_and_cosine) {
  for (const float range : {0.8F, 4.0F, 512.0F, 1e5F}) {
    BOOST_TEST(worst_ulp(-range, range, sine, [](long double x) { return std::sin(x); }) <= 0.61);
    BOOST_TEST(worst_ulp(-range, range, cosine, [](long double x) { return std::cos(x); }) <= 0.61);
  }
  BOOST_TEST(sine(0.0F) == 0.0F);
  BOOST_TEST(cosine(0.0F) == 1.0F);
}
