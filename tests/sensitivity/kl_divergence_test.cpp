// The divergence of two rows of logits against its definition in long double.
#include <qgrain/sensitivity/kl_divergence.hpp>

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <cstddef>
#include <limits>
#include <random>
#include <vector>

using qgrain::index_t;
namespace sensitivity = qgrain::sensitivity;

namespace {

using logits = std::vector<float>;

long double log_sum_of(const logits& z) {
  long double top = -std::numeric_limits<long double>::infinity();
  for (const float v : z) top = std::max(top, static_cast<long double>(v));
  long double sum = 0;
  for (const float v : z) sum += std::exp(static_cast<long double>(v) - top);
  return top + std::log(sum);
}

long double divergence_of(const logits& z, const logits& q) {
  const long double of_z = log_sum_of(z);
  const long double of_q = log_sum_of(q);
  long double sum = 0;
  for (std::size_t i = 0; i < z.size(); ++i) {
    const long double log_p = static_cast<long double>(z[i]) - of_z;
    sum += std::exp(log_p) * (log_p - (static_cast<long double>(q[i]) - of_q));
  }
  return sum;
}

// Mean square of the changes under the probabilities of z: what the rounding of products to float32 is relative to.
long double squared_change(const logits& z, const logits& q) {
  const long double of_z = log_sum_of(z);
  long double sum = 0;
  for (std::size_t i = 0; i < z.size(); ++i) {
    const long double d = static_cast<long double>(q[i]) - static_cast<long double>(z[i]);
    sum += std::exp(static_cast<long double>(z[i]) - of_z) * d * d;
  }
  return sum;
}

double found(const logits& z, const logits& q) {
  return sensitivity::kl_divergence(z.data(), q.data(), static_cast<index_t>(z.size()));
}

logits normal_logits(std::size_t count, float spread, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0.0F, spread);
  logits z(count);
  for (float& v : z) v = normal(random);
  return z;
}

}  // namespace

BOOST_AUTO_TEST_CASE(small_and_large_changes_keep_their_digits) {
  int compared = 0;
  for (const std::size_t count : {1U, 2U, 15U, 16U, 17U, 1000U, 1024U, 1025U, 50'000U}) {
    for (const float spread : {0.5F, 3.0F, 12.0F}) {
      const logits z = normal_logits(count, spread, 1);
      for (const float change : {1e-3F, 1e-2F, 0.1F, 1.0F, 10.0F, 60.0F}) {
        const logits d = normal_logits(count, change, 2);
        logits q = z;
        for (std::size_t i = 0; i < count; ++i) q[i] += d[i];
        const long double wanted = divergence_of(z, q);
        const long double allowed = 3e-6L * wanted + 3e-7L * squared_change(z, q);
        BOOST_TEST(std::abs(static_cast<long double>(found(z, q)) - wanted) <= allowed,
                   count << " logits of " << spread << ", changed by " << change << ": " << found(z, q) << ", not "
                         << static_cast<double>(wanted));
        ++compared;
      }
    }
  }
  BOOST_TEST(compared == 9 * 3 * 6);
}

BOOST_AUTO_TEST_CASE(equal_rows_and_rows_that_are_shifted_do_not_diverge) {
  const logits z = normal_logits(3000, 4.0F, 3);
  BOOST_TEST(found(z, z) == 0.0);
  // The shift is exact, so the definition is 0; what is left is the rounding of the shift's exponential.
  logits coarse = z;
  for (float& v : coarse) v = std::nearbyint(v * 1024.0F) / 1024.0F;
  logits shifted = coarse;
  for (float& v : shifted) v += 0.5F;
  BOOST_TEST(std::abs(found(coarse, shifted)) <= 1e-6);
}

// All probability moves elsewhere: 1 + sum p (e^d - 1) has no digits, or e^d no room.
BOOST_AUTO_TEST_CASE(rows_that_have_little_in_common) {
  logits z(200, 0.0F);
  logits q(200, 0.0F);
  for (std::size_t i = 0; i < 200; ++i) {
    z[i] = i < 100 ? 20.0F : 0.0F;
    q[i] = i < 100 ? 0.0F : 20.0F;
  }
  const auto is_near = [](double value, long double wanted) {
    return std::abs(static_cast<long double>(value) - wanted) <= 1e-6L * wanted;
  };
  BOOST_TEST(is_near(found(z, q), divergence_of(z, q)));
  for (float& v : q) v *= 10.0F;
  BOOST_TEST(is_near(found(z, q), divergence_of(z, q)));
}

BOOST_AUTO_TEST_CASE(slabs_add_up_to_the_row) {
  const logits z = normal_logits(5000, 5.0F, 4);
  logits q = z;
  for (std::size_t i = 0; i < q.size(); ++i) q[i] += i % 3 == 0 ? 0.01F : -0.02F;
  const long double wanted = divergence_of(z, q);
  for (const index_t slab : {1, 7, 1000, 4999, 5000}) {
    sensitivity::running_log_sum of_z;
    sensitivity::divergence_sums sums;
    logits p(z.size());
    double all = 0;
    for (index_t first = 0; first < 5000; first += slab)
      of_z.add(z.data() + first, std::min<index_t>(slab, 5000 - first));
    BOOST_TEST(std::abs(static_cast<long double>(of_z.value()) - log_sum_of(z)) <= 1e-7L);
    for (index_t first = 0; first < 5000; first += slab) {
      const index_t part = std::min<index_t>(slab, 5000 - first);
      all += sensitivity::probabilities(z.data() + first, part, static_cast<float>(of_z.value()), p.data() + first);
      sums.add(p.data() + first, z.data() + first, q.data() + first, part);
    }
    BOOST_TEST(std::abs(all - 1.0) <= 1e-5);
    BOOST_TEST_REQUIRE(sums.carries(all));
    const double divergence = sums.divergence(all, sums.growth(all));
    BOOST_TEST(std::abs(static_cast<long double>(divergence) - wanted) <= 3e-6L * wanted, slab);
  }
}

BOOST_AUTO_TEST_CASE(log_sums_of_unusual_logits) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  const auto value = [](const logits& z) {
    sensitivity::running_log_sum sum;
    for (const float& v : z) sum.add(&v, 1);
    sensitivity::running_log_sum whole;
    whole.add(z.data(), static_cast<index_t>(z.size()));
    BOOST_TEST((whole.value() == sum.value() || (std::isnan(whole.value()) && std::isnan(sum.value())) ||
                std::abs(whole.value() - sum.value()) <= 1e-7));
    return whole.value();
  };
  BOOST_TEST(value({-infinity, 2.0F, -infinity}) == 2.0);
  BOOST_TEST(value({-infinity, -infinity}) == -std::numeric_limits<double>::infinity());
  BOOST_TEST(value({1e30F, -1e30F}) == static_cast<double>(1e30F));
  BOOST_TEST(std::isnan(value({1.0F, std::numeric_limits<float>::quiet_NaN(), 2.0F})));
  BOOST_TEST(std::isnan(value({1.0F, infinity})));
}
