// The quotient that loops over lanes make of a reciprocal has the bits of a division: all significands that could tell,
// by enumeration (host/detail/lane_rules.hpp), and random numbers over the range of scales.
#include <support/inputs.hpp>

#include <qgrain/core/bits.hpp>
#include <qgrain/host/detail/lane_rules.hpp>

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <cstdint>

using namespace qgrain;

namespace {

constexpr std::uint64_t least = std::uint64_t{1} << 23U;
constexpr std::uint64_t end = least << 1U;

float quotient(float x, float s) {
  const float reciprocal = 1.0F / s;
  const float q = x * reciprocal;
  return std::fma(std::fma(-q, s, x), reciprocal, q);
}

/// The inverse of an odd number modulo 2^64, by Newton's iteration.
std::uint64_t inverse_of(std::uint64_t odd) {
  std::uint64_t inverse = odd;
  for (int i = 0; i < 5; ++i) inverse *= 2U - odd * inverse;
  return inverse;
}

struct tally {
  std::uint64_t pairs = 0;
  std::uint64_t wrong = 0;
  void add(std::uint64_t x, std::uint64_t s) {
    const auto a = static_cast<float>(x);
    const auto b = static_cast<float>(s);
    ++pairs;
    wrong += bits_of(quotient(a, b)) != bits_of(a / b) ? 1U : 0U;
  }
};

/// All X with X 2^shift = S M + distance, M odd in [2^24, 2^25): X / S lies next to the middle M of two floats.
void add_neighbours(std::uint64_t s, std::int64_t distance, unsigned shift, tally& all) {
  const auto zeros = static_cast<unsigned>(__builtin_ctzll(s));
  if (static_cast<unsigned>(__builtin_ctzll(static_cast<std::uint64_t>(distance))) != zeros) return;
  const std::uint64_t modulus = std::uint64_t{1} << (shift - zeros);
  const auto wanted = static_cast<std::uint64_t>(-(distance >> zeros));
  const std::uint64_t first = wanted * inverse_of(s >> zeros) & (modulus - 1U);
  for (std::uint64_t m = first; m < 2 * end; m += modulus) {
    if (m < end) continue;
    const std::uint64_t x = (s * m + static_cast<std::uint64_t>(distance)) >> shift;
    const bool is_above = x >= s;
    if (x >= least && x < end && is_above == (shift == 24)) all.add(x, s);
  }
}

}  // namespace

BOOST_AUTO_TEST_CASE(quotients_next_to_the_middle_of_two_floats) {
  tally all;
  for (std::uint64_t s = least; s < end; ++s) {
    for (std::int64_t distance = 1; distance <= 6; ++distance) {
      for (const unsigned shift : {24U, 25U}) {
        add_neighbours(s, distance, shift, all);
        add_neighbours(s, -distance, shift, all);
      }
    }
  }
  BOOST_TEST_MESSAGE(all.pairs << " pairs");
  BOOST_TEST(all.pairs > 8'000'000U);
  BOOST_TEST(all.wrong == 0U);
}

BOOST_AUTO_TEST_CASE(significands_near_powers_of_two) {
  tally all;
  for (std::uint64_t a = 0; a < 2048; ++a) {
    for (std::uint64_t b = 0; b < 2048; ++b) {
      all.add(least + a, least + b);
      all.add(end - 1 - a, end - 1 - b);
      all.add(least + a, end - 1 - b);
      all.add(end - 1 - a, least + b);
    }
  }
  BOOST_TEST(all.wrong == 0U);
}

BOOST_AUTO_TEST_CASE(scales_and_elements_of_all_sizes) {
  qgrain_test::random_source random(17);
  std::uint64_t wrong = 0;
  for (int i = 0; i < 20'000'000; ++i) {
    const float s =
        std::ldexp(static_cast<float>(least + random.next() % least), -23 + static_cast<int>(random.next() % 88) - 64);
    const float x = float_from_bits(static_cast<std::uint32_t>(random.next()));
    const float exact = x / s;
    if (!detail::divides_in_lanes(s) || !(std::fabs(exact) >= 0x1p-20F && std::fabs(x) <= 65536.0F * s)) continue;
    wrong += bits_of(quotient(x, s)) != bits_of(exact) ? 1U : 0U;
  }
  BOOST_TEST(wrong == 0U);
}
