// Stochastic rounding: its definition, its statistics, and that the choice depends on seed and element alone.
#include <support/inputs.hpp>
#include <support/reference_codec.hpp>

#include <qgrain/core/concepts.hpp>
#include <qgrain/format/float4.hpp>
#include <qgrain/format/rounding.hpp>
#include <qgrain/quantizer/quantizer.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <vector>

using namespace qgrain;

static_assert(rounding_policy<stochastic>);

namespace {

constexpr std::uint64_t elements = 1 << 20;

/// How often a fraction goes up over consecutive elements.
double share_up(float x, std::uint64_t seed) {
  const float whole = std::floor(x);
  std::uint64_t up = 0;
  for (std::uint64_t e = 0; e < elements; ++e) up += stochastic{seed}.at(e)(x) > whole ? 1U : 0U;
  return static_cast<double>(up) / static_cast<double>(elements);
}

}  // namespace

BOOST_AUTO_TEST_CASE(the_choice_is_the_documented_one) {
  qgrain_test::random_source random(1);
  constexpr std::size_t count = 200000;
  std::size_t right = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t seed = i % 7 == 0 ? i : random.next();
    const std::uint64_t element = i % 2 == 0 ? i : random.next();
    const float x = static_cast<float>(std::ldexp(random.uniform(), static_cast<int>(random.next() % 30) - 8));
    const double floor = std::floor(static_cast<double>(x));
    const bool up = static_cast<double>(x) - floor > qgrain_test::reference_threshold(seed, element);
    right += static_cast<double>(stochastic{seed}.at(element)(x)) == (up ? floor + 1 : floor) ? 1U : 0U;
  }
  BOOST_TEST_MESSAGE(right << " of " << count);
  BOOST_TEST(right == count);
}

BOOST_AUTO_TEST_CASE(thresholds_are_these_numbers) {
  // From the formula in the documentation, in another language: the choice is a promise to stored results.
  BOOST_TEST(stochastic{0}.at(0).u == 10946269.0F * 0x1p-24F);
  BOOST_TEST(stochastic{0}.at(1).u == 11764387.0F * 0x1p-24F);
  BOOST_TEST(stochastic{1}.at(0).u == 6177195.0F * 0x1p-24F);
  BOOST_TEST(stochastic{42}.at(1ULL << 40U).u == 6427479.0F * 0x1p-24F);
  BOOST_TEST(stochastic{~0ULL}.at(~0ULL).u == 4476953.0F * 0x1p-24F);
}

BOOST_AUTO_TEST_CASE(integers_stay) {
  for (std::uint64_t e = 0; e < 10000; ++e) {
    const auto x = static_cast<float>(e * 419);
    BOOST_TEST_REQUIRE(stochastic{e}.at(e * e)(x) == x);
  }
}

BOOST_AUTO_TEST_CASE(the_share_that_goes_up_is_the_fraction) {
  for (const float fraction : {0x1p-12F, 0.03125F, 0.25F, 1.0F / 3.0F, 0.5F, 0.9F, 1.0F - 0x1p-12F}) {
    for (const float whole : {0.0F, 6.0F}) {
      for (const std::uint64_t seed : {0ULL, 1ULL, 0xFFFF'FFFF'FFFF'FFFFULL}) {
        const double exact = static_cast<double>(whole + fraction) - static_cast<double>(whole);
        const double deviation = std::sqrt(exact * (1 - exact) / static_cast<double>(elements));
        BOOST_TEST(std::fabs(share_up(whole + fraction, seed) - exact) < 4.5 * deviation);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(neighbours_and_seeds_are_independent) {
  // Of two fair coins, equal ones come up half of the time.
  const auto same = [](std::uint64_t seed, std::uint64_t other_seed, std::uint64_t offset) {
    std::uint64_t equal = 0;
    for (std::uint64_t e = 0; e < elements; ++e) {
      equal += stochastic{seed}.at(e)(0.5F) == stochastic{other_seed}.at(e + offset)(0.5F) ? 1U : 0U;
    }
    return static_cast<double>(equal) / static_cast<double>(elements);
  };
  const double bound = 4.5 * 0.5 / std::sqrt(static_cast<double>(elements));
  for (const std::uint64_t offset : {1ULL, 2ULL, 16ULL, 32ULL, 4096ULL}) {
    BOOST_TEST(std::fabs(same(7, 7, offset) - 0.5) < bound);
  }
  for (const std::uint64_t seed : {8ULL, 7ULL + (1ULL << 32U), 7ULL + 0x9E3779B97F4A7C15ULL}) {
    for (const std::uint64_t offset : {0ULL, 1ULL}) BOOST_TEST(std::fabs(same(7, seed, offset) - 0.5) < bound);
  }
}

BOOST_AUTO_TEST_CASE(thresholds_are_spread_evenly) {
  std::array<double, 256> buckets{};
  for (std::uint64_t e = 0; e < elements; ++e) buckets[static_cast<std::size_t>(stochastic{99}.at(e).u * 256.0F)] += 1;
  const double expected = static_cast<double>(elements) / 256;
  double chi_square = 0;
  for (const double found : buckets) chi_square += (found - expected) * (found - expected) / expected;
  BOOST_TEST_MESSAGE("chi square of 255 degrees of freedom: " << chi_square);
  BOOST_TEST(chi_square > 160.0);  // 255 within 4.2 standard deviations of 22.6
  BOOST_TEST(chi_square < 350.0);
}

BOOST_AUTO_TEST_CASE(any_number_of_threads_and_any_order_give_the_same_codes) {
  using q = quantizer<float4_e2m1fn, per_group<32>, absmax_f32, stochastic>;
  constexpr std::size_t count = 100'003;
  const std::vector<float> x = qgrain_test::bell_values(3, count);
  const auto factors = q::factors(q::scale(6.5F));
  const auto codes = [&](std::size_t threads) {
    std::vector<std::uint8_t> out(count);
    std::vector<std::jthread> pool;
    for (std::size_t t = 0; t < threads; ++t) {
      pool.emplace_back([&, t] {
        for (std::size_t i = count - 1 - t; i < count; i -= threads) {  // backwards, interleaved
          out[i] = q::encode(x[i], factors, i, stochastic{42});
        }
      });
    }
    pool.clear();
    return out;
  };
  const auto one = codes(1);
  BOOST_TEST((codes(2) == one));
  BOOST_TEST((codes(7) == one));
  // What one element becomes does not depend on which others are there, and the other seed is another choice.
  std::size_t differing = 0;
  double error = 0;
  for (std::size_t i = 0; i < count; ++i) {
    differing += q::encode(x[i], factors, i, stochastic{43}) != one[i] ? 1U : 0U;
    error += static_cast<double>(q::decode(one[i], factors)) - static_cast<double>(x[i]);
    BOOST_TEST_REQUIRE(q::fake(x[i], factors, i, stochastic{42}) == q::decode(one[i], factors));
  }
  BOOST_TEST(differing > count / 10);
  BOOST_TEST(std::fabs(error / count) < 0.005);  // no bias: the step here is 0.5 and more
}
