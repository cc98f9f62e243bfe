// Slow definitions of the formats, written from their specifications. Includes no header of the library.
#ifndef QGRAIN_TESTS_SUPPORT_REFERENCE_CODEC_HPP
#define QGRAIN_TESTS_SUPPORT_REFERENCE_CODEC_HPP

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

namespace qgrain_test {

enum class reference_ties { even, away, to_zero, truncate, stochastic };

/// The number that stochastic rounding compares the fractional part with: an odd multiple of 2^-24 from a hash of the
/// seed and the element's index, the constants and shifts being those of SplitMix64.
[[nodiscard]] inline double reference_threshold(std::uint64_t seed, std::uint64_t element) {
  const auto finalize = [](std::uint64_t z) {
    z ^= z >> 30;
    z *= 13787848793156543929ULL;
    z ^= z >> 27;
    z *= 10723151780598845931ULL;
    return z ^ z >> 31;
  };
  const std::uint64_t step = 11400714819323198485ULL;
  const std::uint64_t top = finalize(finalize(seed + step) + step * (element + 1)) >> 41;
  return std::ldexp(static_cast<double>(top) + 0.5, -23);
}

/// Index of the value that a magnitude rounds to in an ascending table; beyond the last one it is the last. Stochastic
/// rounding compares with `threshold`.
[[nodiscard]] inline std::size_t reference_nearest(const std::vector<double>& values, double x, reference_ties ties,
                                                   double threshold = 0.5) {
  const auto above = std::upper_bound(values.begin(), values.end(), x);
  const auto below = static_cast<std::size_t>(above - values.begin()) - 1;
  if (above == values.end()) return below;
  const double fraction = (x - values[below]) / (*above - values[below]);
  bool up = fraction > threshold;
  if (ties == reference_ties::truncate) up = false;
  if (ties == reference_ties::away) up = fraction >= 0.5;
  if (ties == reference_ties::even) up = fraction > 0.5 || (fraction == 0.5 && below % 2 == 1);
  return up ? below + 1 : below;
}

/// The nearest value with the sign of x, saturating; NaN stays.
[[nodiscard]] inline float reference_round(const std::vector<double>& values, float x, reference_ties ties,
                                           double threshold = 0.5) {
  if (std::isnan(x)) return x;
  const double magnitude = std::fabs(static_cast<double>(x));
  return std::copysign(static_cast<float>(values[reference_nearest(values, magnitude, ties, threshold)]), x);
}

enum class reference_specials { none, nan_at_ones, nan_at_negative_zero, ieee };

/// A sign/exponent/mantissa format by the list of its magnitudes.
struct reference_float {
  int exponent_bits;
  int mantissa_bits;
  int bias;
  reference_specials specials;

  [[nodiscard]] std::uint32_t sign_code() const { return 1U << (exponent_bits + mantissa_bits); }
  /// Finite magnitudes; their indices are their codes.
  [[nodiscard]] std::size_t finite() const {
    const std::size_t all = sign_code();
    if (specials == reference_specials::nan_at_ones) return all - 1;
    if (specials == reference_specials::ieee) return all - (std::size_t{1} << mantissa_bits);
    return all;
  }
  [[nodiscard]] double value(std::size_t code) const {
    const auto field = static_cast<int>(code >> mantissa_bits);
    const double fraction =
        static_cast<double>(code & ((std::size_t{1} << mantissa_bits) - 1)) / static_cast<double>(1 << mantissa_bits);
    return field == 0 ? std::ldexp(fraction, 1 - bias) : std::ldexp(1 + fraction, field - bias);
  }
  [[nodiscard]] std::vector<double> magnitudes() const {
    std::vector<double> values;
    for (std::size_t code = 0; code < finite(); ++code) values.push_back(value(code));
    return values;
  }
  /// `magnitudes` and one more, as if the exponents went on: what rounds to it overflows.
  [[nodiscard]] std::vector<double> magnitudes_and_next() const {
    std::vector<double> values = magnitudes();
    values.push_back(value(finite()));
    return values;
  }

  /// The code of x without saturation, from magnitudes_and_next().
  [[nodiscard]] std::uint32_t encode(const std::vector<double>& and_next, float x, reference_ties ties,
                                     double threshold = 0.5) const {
    const std::uint32_t sign = std::signbit(x) ? sign_code() : 0U;
    const std::uint32_t ones = sign_code() - 1;
    const auto infinity = static_cast<std::uint32_t>(finite());
    if (std::isnan(x)) {
      switch (specials) {
        case reference_specials::none:
          return sign == 0 ? sign_code() : 0U;
        case reference_specials::nan_at_ones:
          return sign + ones;
        case reference_specials::nan_at_negative_zero:
          return sign_code();
        case reference_specials::ieee:
          return sign + infinity + (1U << (mantissa_bits - 1));
      }
    }
    const std::size_t index = reference_nearest(and_next, std::fabs(static_cast<double>(x)), ties, threshold);
    if (index < finite()) {
      const auto code = static_cast<std::uint32_t>(index);
      return specials == reference_specials::nan_at_negative_zero && code == 0 ? 0U : sign + code;
    }
    switch (specials) {
      case reference_specials::none:
        return sign + infinity - 1;
      case reference_specials::nan_at_ones:
        return sign + ones;
      case reference_specials::nan_at_negative_zero:
        return sign_code();
      default:
        return sign + infinity;
    }
  }
};

}  // namespace qgrain_test

#endif
