// The exponential of a softmax, sine and cosine in single precision, defined operation by operation as
// qgrain/core/exponential.hpp defines its exponential.
//
// The scores that this program is compared with come from a reference implementation whose hidden states can be met to
// the bit, and should be: quantized activations amplify a last-bit difference wherever it moves a value across a
// rounding tie. A library's own exp or cos rounds differently from machine to machine, so these are written out.
#ifndef QGRAIN_LM_ELEMENTARY_HPP
#define QGRAIN_LM_ELEMENTARY_HPP

#include <qgrain/core/arithmetic.hpp>
#include <qgrain/core/exponential.hpp>

#include <cmath>
#include <cstdint>
#include <numbers>

namespace qgrain::lm {

/// The largest integer not above x, for |x| < 2^22.
[[nodiscard]] QGRAIN_ELEMENTWISE std::int32_t floor_integer(float x) noexcept {
  const float nearest = nearest_integer(x);
  const bool is_above = qgrain::bits_of(sub_rn(x, nearest)) >= f32_sign_bit;
  return static_cast<std::int32_t>(nearest) - (is_above ? 1 : 0);
}

/// exp(x) within 20 ulp, for softmax: one-part reduction, degree 5. For x <= 0; 0
/// below the logarithm of the smallest normal number.
[[nodiscard]] QGRAIN_ELEMENTWISE float exp_fast(float x) noexcept {
  const float bounded = at_least(-87.33654785F, x);
  const std::int32_t n = floor_integer(fma_rn(bounded, std::numbers::log2e_v<float>, 0.5F));
  const float r = fma_rn(-static_cast<float>(n), std::numbers::ln2_v<float>, bounded);
  float p = fma_rn(r, 0.00828929059F, 0.0418978221F);
  p = fma_rn(r, p, 0.166676521F);
  p = fma_rn(r, p, 0.499991506F);
  p = fma_rn(r, p, 0.999999701F);
  p = fma_rn(r, p, 1.0F);
  // 2^n in two factors, of which the first is 0 at the bound.
  return p * power_of_two(n - 1) * 2.0F;
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

/// sin(x - removed * pi) for a difference in [-pi/2, pi/2], negated if `turns` is odd. pi has two parts.
[[nodiscard]] inline float sine_of(double x, double turns, double removed) noexcept {
  const double near = std::fma(-removed, std::numbers::pi, x);
  const double sine = sine_of_half_turn(std::fma(-removed, 1.2246467991473532e-16, near));
  return static_cast<float>(std::fmod(turns, 2.0) == 0.0 ? sine : -sine);
}

/// sin(x), rounded once from double precision: within 0.61 ulp for |x| up to 1e5.
[[nodiscard]] inline float sine(float x) noexcept {
  const double turns = std::nearbyint(static_cast<double>(x) / std::numbers::pi);
  return sine_of(x, turns, turns);
}

/// cos(x) = sin(x + pi / 2), like `sine`.
[[nodiscard]] inline float cosine(float x) noexcept {
  const double turns = std::nearbyint(static_cast<double>(x) / std::numbers::pi + 0.5);
  return sine_of(x, turns, turns - 0.5);
}

}  // namespace qgrain::lm

#endif
