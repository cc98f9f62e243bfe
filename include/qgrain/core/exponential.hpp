// The exponential in single precision, defined operation by operation: the same bits on every machine, in loops that
// vectorize. A library's own exp rounds differently from machine to machine.
#ifndef QGRAIN_CORE_EXPONENTIAL_HPP
#define QGRAIN_CORE_EXPONENTIAL_HPP

#include <qgrain/core/arithmetic.hpp>
#include <qgrain/core/bits.hpp>
#include <qgrain/core/config.hpp>

#include <cstdint>
#include <numbers>

namespace qgrain {

/// The larger of x and a negative bound. Unsigned bit patterns order negative values by magnitude, with all positive
/// ones in front; a negative NaN becomes the bound. (After a comparison of floats compilers do not vectorize the loop
/// around.)
[[nodiscard]] QGRAIN_ELEMENTWISE float at_least(float negative_bound, float x) noexcept {
  return float_from_bits(smaller_of(bits_of(x), bits_of(negative_bound)));
}
/// The smaller of x and a positive bound. Signed bit patterns put negative values below positive ones.
[[nodiscard]] QGRAIN_ELEMENTWISE float at_most(float positive_bound, float x) noexcept {
  return float_from_bits(static_cast<std::uint32_t>(
      smaller_of(static_cast<std::int32_t>(bits_of(x)), static_cast<std::int32_t>(bits_of(positive_bound)))));
}

/// The integer next to x, ties to even, for |x| < 2^22: adding 1.5 * 2^23 drops the fraction.
[[nodiscard]] QGRAIN_ELEMENTWISE float nearest_integer(float x) noexcept {
  return sub_rn(add_rn(x, 12582912.0F), 12582912.0F);
}
/// exp(x) = 2^power (1 + rest + rest^2 tail), power a whole number.
struct exp_parts {
  float power;
  float rest;
  float tail;
};

/// Two-part reduction by ln 2, then a polynomial, for |x| <= 104: as in the SLEEF vector math library (Shibata and
/// Petrogalli, 2019).
[[nodiscard]] QGRAIN_ELEMENTWISE exp_parts parts_of_exp(float x) noexcept {
  const float n = nearest_integer(mul_rn(x, std::numbers::log2e_v<float>));
  float r = fma_rn(n, -0.693145751953125F, x);
  r = fma_rn(n, -1.428606765330187e-06F, r);
  float p = 1.9852761761285364e-04F;
  p = fma_rn(p, r, 1.3930435525253415e-03F);
  p = fma_rn(p, r, 8.3333607763063e-03F);
  p = fma_rn(p, r, 4.1666485369205475e-02F);
  p = fma_rn(p, r, 1.6666667163372040e-01F);
  return {n, r, fma_rn(p, r, 0.5F)};
}

/// exp(x) within 1 ulp, of degree 7. 0 for x <= -104, infinity above the largest float.
[[nodiscard]] QGRAIN_ELEMENTWISE float exp_accurate(float x) noexcept {
  const exp_parts e = parts_of_exp(at_least(-104.0F, at_most(104.0F, x)));  // the result no longer changes outside
  const float p = add_rn(1.0F, fma_rn(mul_rn(e.rest, e.rest), e.tail, e.rest));
  const auto power = static_cast<std::int32_t>(e.power);
  return p * power_of_two(power >> 1) * power_of_two(power - (power >> 1));
}

}  // namespace qgrain

#endif
