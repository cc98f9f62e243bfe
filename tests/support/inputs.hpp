// Seeded inputs with the values that break quantizers among them. Includes no header of the library.
#ifndef QGRAIN_TESTS_SUPPORT_INPUTS_HPP
#define QGRAIN_TESTS_SUPPORT_INPUTS_HPP

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace qgrain_test {

/// SplitMix64: the same numbers on every platform, unlike the distributions of the standard library.
class random_source {
 public:
  explicit random_source(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    state_ += 0x9E3779B97F4A7C15ULL;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27U)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31U);
  }
  /// In [0, 1).
  double uniform() { return static_cast<double>(next() >> 11U) * 0x1p-53; }
  /// Roughly normal: a sum of uniforms, exact and portable.
  float bell() {
    double sum = -6.0;
    for (int i = 0; i < 12; ++i) sum += uniform();
    return static_cast<float>(sum);
  }

 private:
  std::uint64_t state_;
};

/// Ordinary data.
[[nodiscard]] inline std::vector<float> bell_values(std::uint64_t seed, std::size_t count) {
  random_source random(seed);
  std::vector<float> values(count);
  for (float& x : values) x = random.bell();
  return values;
}

/// Ordinary values, halves, powers of two and their neighbours, tiny, huge, subnormal and zero values; no NaN, no
/// infinity.
[[nodiscard]] inline std::vector<float> edge_values(std::uint64_t seed, std::size_t count) {
  random_source random(seed);
  std::vector<float> values(count);
  for (float& x : values) {
    const float sign = random.next() % 2 == 0 ? 1.0F : -1.0F;
    switch (random.next() % 8) {
      case 0:
        x = sign * 0.5F * static_cast<float>(random.next() % 40);
        break;
      case 1:
        x = sign * std::ldexp(1.0F, static_cast<int>(random.next() % 20) - 10);
        break;
      case 2:
        x = std::nextafter(std::ldexp(sign, static_cast<int>(random.next() % 20) - 10), 0.0F);
        break;
      case 3:
        x = sign * 0.0F;
        break;
      case 4: {
        const float bell = random.bell();  // before the exponent: arguments have no order of their own
        x = std::ldexp(bell, static_cast<int>(random.next() % 250) - 125);
        break;
      }
      default:
        x = random.bell();
        break;
    }
  }
  return values;
}

/// Any finite pattern.
[[nodiscard]] inline float any_finite(random_source& random) {
  for (;;) {
    const float x = std::bit_cast<float>(static_cast<std::uint32_t>(random.next()));
    if (std::isfinite(x)) return x;
  }
}

}  // namespace qgrain_test

#endif
