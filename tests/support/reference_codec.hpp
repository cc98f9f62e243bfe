// Slow definitions of the formats, written from their specifications. Includes no header of the library.
#ifndef QGRAIN_TESTS_SUPPORT_REFERENCE_CODEC_HPP
#define QGRAIN_TESTS_SUPPORT_REFERENCE_CODEC_HPP

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

namespace qgrain_test {

/// A sign/exponent/mantissa format by its table of non-negative finite values, in code order.
struct reference_float {
  int exponent_bits;
  int mantissa_bits;
  int bias;
  int codes_reserved;  ///< patterns at the top of the magnitudes that are infinity or NaN

  [[nodiscard]] std::vector<double> magnitudes() const {
    std::vector<double> values;
    const int count = (1 << (exponent_bits + mantissa_bits)) - codes_reserved;
    for (int code = 0; code < count; ++code) {
      const int field = code >> mantissa_bits;
      const double fraction = static_cast<double>(code & ((1 << mantissa_bits) - 1)) / (1 << mantissa_bits);
      values.push_back(field == 0 ? std::ldexp(fraction, 1 - bias) : std::ldexp(1 + fraction, field - bias));
    }
    return values;
  }
};

enum class reference_ties { even, away, to_zero, truncate };

/// Index of the value that a magnitude rounds to in an ascending table; beyond the last one it is the last.
[[nodiscard]] inline std::size_t reference_nearest(const std::vector<double>& values, double x, reference_ties ties) {
  std::size_t below = 0;
  while (below + 1 < values.size() && values[below + 1] <= x) ++below;
  if (below + 1 == values.size() || ties == reference_ties::truncate) return below;
  const double down = x - values[below];
  const double up = values[below + 1] - x;
  if (down != up) return down < up ? below : below + 1;
  if (ties == reference_ties::even) return below % 2 == 0 ? below : below + 1;
  return ties == reference_ties::away ? below + 1 : below;
}

/// The nearest value with the sign of x, saturating; NaN stays.
[[nodiscard]] inline float reference_round(const std::vector<double>& values, float x, reference_ties ties) {
  if (std::isnan(x)) return x;
  return std::copysign(static_cast<float>(values[reference_nearest(values, std::fabs(static_cast<double>(x)), ties)]),
                       x);
}

}  // namespace qgrain_test

#endif
