// Arithmetic in float32, bfloat16 and float16 by its definition: the exact result (or one of double precision, which is
// close enough) rounded to the digits of the type. Includes no header of the library.
#ifndef QGRAIN_TESTS_SUPPORT_REFERENCE_ARITHMETIC_HPP
#define QGRAIN_TESTS_SUPPORT_REFERENCE_ARITHMETIC_HPP

#include <algorithm>
#include <cmath>
#include <limits>

namespace qgrain_test {

inline constexpr float reference_nan = std::numeric_limits<float>::quiet_NaN();
inline constexpr float reference_infinity = std::numeric_limits<float>::infinity();

/// A binary type by its digits behind the leading one and its exponents.
struct reference_type {
  int digits = 23;
  int least_exponent = -126;
  int most_exponent = 127;

  /// The number of this type next to x, ties to the even one.
  [[nodiscard]] float rounded(double x) const {
    if (std::isnan(x) || std::isinf(x) || x == 0) return static_cast<float>(x);
    const int exponent = std::max(std::ilogb(x), least_exponent);
    const double step = std::ldexp(1.0, exponent - digits);
    const double whole = std::nearbyint(x / step) * step;
    if (std::fabs(whole) >= std::ldexp(1.0, most_exponent + 1))
      return std::copysign(reference_infinity, static_cast<float>(x));
    return std::copysign(static_cast<float>(whole), static_cast<float>(x));
  }
  [[nodiscard]] float epsilon() const { return std::ldexp(1.0F, -digits); }

  // Tools compute in float32 and round the result to the type.
  [[nodiscard]] float add(float a, float b) const { return twice(static_cast<double>(a) + static_cast<double>(b)); }
  [[nodiscard]] float sub(float a, float b) const { return twice(static_cast<double>(a) - static_cast<double>(b)); }
  [[nodiscard]] float mul(float a, float b) const { return twice(static_cast<double>(a) * static_cast<double>(b)); }
  [[nodiscard]] float div(float a, float b) const { return twice(static_cast<double>(a) / static_cast<double>(b)); }

 private:
  [[nodiscard]] float twice(double x) const { return rounded(static_cast<double>(static_cast<float>(x))); }
};

inline constexpr reference_type in_f32{};
inline constexpr reference_type in_bf16{7, -126, 127};
inline constexpr reference_type in_f16{10, -14, 15};

}  // namespace qgrain_test

#endif
