// Exponential, sine and cosine in single precision, defined operation by operation.
//
// The scores that this program is compared with come from a reference implementation whose hidden states can be met to
// the bit, and should be: quantized activations amplify a last-bit difference wherever it moves a value across a
// rounding tie. A library's own exp or cos rounds differently from machine to machine, so these are written out.
#ifndef QGRAIN_LM_ELEMENTARY_HPP
#define QGRAIN_LM_ELEMENTARY_HPP

#include <qgrain/core/arithmetic.hpp>

#include <cmath>
#include <cstdint>
#include <limits>
#include <numbers>

namespace qgrain::lm {

/// 2^power for power in [-127, 127]; 0 for -127.
[[nodiscard]] QGRAIN_ELEMENTWISE float power_of_two(std::int32_t power) noexcept {
  return float_from_bits(static_cast<std::uint32_t>(power + 127) << 23);
}

/// exp(x) within 1 ulp: two-part reduction by ln 2, then a polynomial of degree 7, as in the SLEEF vector math library
/// (Shibata and Petrogalli, 2019). 0 below -104, infinity above 100.
[[nodiscard]] QGRAIN_ELEMENTWISE float exp_accurate(float x) noexcept {
  constexpr float round_to_integer = 12582912.0F;  // 1.5 * 2^23: adding it drops the fraction, ties to even
  const float bounded = x < -104.0F ? -104.0F : (x > 104.0F ? 104.0F : x);
  const float n = sub_rn(add_rn(mul_rn(bounded, std::numbers::log2e_v<float>), round_to_integer), round_to_integer);
  float r = fma_rn(n, -0.693145751953125F, bounded);
  r = fma_rn(n, -1.428606765330187e-06F, r);
  float p = 1.9852761761285364e-04F;
  p = fma_rn(p, r, 1.3930435525253415e-03F);
  p = fma_rn(p, r, 8.3333607763063e-03F);
  p = fma_rn(p, r, 4.1666485369205475e-02F);
  p = fma_rn(p, r, 1.6666667163372040e-01F);
  p = fma_rn(p, r, 0.5F);
  p = add_rn(1.0F, fma_rn(mul_rn(r, r), p, r));
  const auto power = static_cast<std::int32_t>(n);
  const float result = p * power_of_two(power >> 1) * power_of_two(power - (power >> 1));
  return x < -104.0F ? 0.0F : (x > 100.0F ? std::numeric_limits<float>::infinity() : result);
}

/// exp(x) within 20 ulp, for softmax: one-part reduction, degree 5. x at most 88; 0 below ln of the smallest normal
/// number.
[[nodiscard]] QGRAIN_ELEMENTWISE float exp_fast(float x) noexcept {
  constexpr float smallest = -87.33654785F;
  const float bounded = x < smallest ? smallest : x;
  const float n = std::floor(fma_rn(bounded, std::numbers::log2e_v<float>, 0.5F));
  const float r = fma_rn(-n, std::numbers::ln2_v<float>, bounded);
  float p = fma_rn(r, 0.00828929059F, 0.0418978221F);
  p = fma_rn(r, p, 0.166676521F);
  p = fma_rn(r, p, 0.499991506F);
  p = fma_rn(r, p, 0.999999701F);
  p = fma_rn(r, p, 1.0F);
  // In two factors, so that n = 128 does not overflow; the first is 0 for the smallest n.
  const float half = power_of_two(static_cast<std::int32_t>(n) - 1);
  return p * (x < smallest ? 0.0F : half) * 2.0F;
}

/// sin(r) for r in [-pi/2, pi/2] in double precision: r times the polynomial of degree 4 in r^2 whose largest relative
/// error is least (Remez; 6.1e-9, a tenth of a float's ulp), the first coefficient held at 1.
[[nodiscard]] inline double sine_of_half_turn(double r) noexcept {
  const double t = r * r;
  double p = std::fma(2.60578063796836e-06, t, -1.9809602901938196e-04);
  p = std::fma(p, t, 8.33306624608216e-03);
  p = std::fma(p, t, -1.6666659550427756e-01);
  return std::fma(r * t, p, r);
}

/// sin(turns * pi + r) for an integer number of turns.
[[nodiscard]] inline float sine_of(double turns, double r) noexcept {
  const double sine = sine_of_half_turn(r);
  return static_cast<float>(std::fmod(turns, 2.0) == 0.0 ? sine : -sine);
}

/// sin(x), rounded once from double precision: within 0.61 ulp for |x| up to 1e5.
[[nodiscard]] inline float sine(float x) noexcept {
  const double turns = std::nearbyint(static_cast<double>(x) / std::numbers::pi);
  return sine_of(turns, std::fma(-turns, std::numbers::pi, static_cast<double>(x)));
}

/// cos(x) = sin(x + pi / 2), like `sine`.
[[nodiscard]] inline float cosine(float x) noexcept {
  const double turns = std::nearbyint(static_cast<double>(x) / std::numbers::pi + 0.5);
  return sine_of(turns, std::fma(0.5 - turns, std::numbers::pi, static_cast<double>(x)));
}

}  // namespace qgrain::lm

#endif
