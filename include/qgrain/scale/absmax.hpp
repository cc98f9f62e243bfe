// Symmetric scales from the largest magnitude, kept as float32.
#ifndef QGRAIN_SCALE_ABSMAX_HPP
#define QGRAIN_SCALE_ABSMAX_HPP

#include <qgrain/core/arithmetic.hpp>
#include <qgrain/core/bits.hpp>
#include <qgrain/core/config.hpp>
#include <qgrain/scale/element_arithmetic.hpp>

#include <string_view>

namespace qgrain {

/// What a scale that is ready for use consists of: one number on the way to the codes, one on the way back.
struct scale_factors {
  float forward;
  float backward;
};

/// The arithmetic of ONNX and compressed-tensors: s = fl(absmax / max) is kept, an element is divided by s, a code is
/// multiplied by s. Where s would be 0 (all elements zero or nearly so), it is 1: every code is zero.
struct divide_by_scale {
  static constexpr element_arithmetic arithmetic{element_operation::quotient, element_operation::product};
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "absmax_f32"; }
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float stored(float absmax, float max_finite) noexcept {
    const float ratio = div_rn(absmax, max_finite);
    return selected(magnitude_bits(ratio) == 0, 1.0F, ratio);
  }
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr scale_factors factors(float scale) noexcept {
    return {scale, scale};
  }
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float scaled(float x, scale_factors f) noexcept {
    return div_rn(x, f.forward);
  }
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float restored(float q, scale_factors f) noexcept {
    return mul_rn(q, f.backward);
  }
};

/// Ranges up to here count as zero in ModelOpt: the smallest positive float16.
inline constexpr float modelopt_least_absmax = power_of_two(-24);

/// ModelOpt's arithmetic for integers: the multiplier s = fl(max / absmax) is kept, x * s is rounded, q / s is the
/// value. absmax <= 2^-24 gives s = 0, which makes every finite element zero; an infinite absmax gives NaN, as 0/0 does
/// there.
struct multiply_by_ratio {
  static constexpr element_arithmetic arithmetic{element_operation::product, element_operation::quotient};
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "absmax_f32_ratio"; }
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float stored(float absmax, float max_finite) noexcept {
    const float ratio = div_rn(max_finite, absmax);
    const bool is_infinite = magnitude_bits(absmax) == static_cast<std::int32_t>(f32_infinity_bits);
    const float usable = selected(is_infinite, quiet_nan(), ratio);
    return selected(magnitude_bits(absmax) <= magnitude_bits(modelopt_least_absmax), 0.0F, usable);
  }
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr scale_factors factors(float multiplier) noexcept {
    return {multiplier, magnitude_bits(multiplier) == 0 ? 1.0F : multiplier};
  }
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float scaled(float x, scale_factors f) noexcept {
    return mul_rn(x, f.forward);
  }
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float restored(float q, scale_factors f) noexcept {
    return div_rn(q, f.backward);
  }
};

/// ModelOpt's arithmetic for fp8 on the CPU: the multiplier is rounded twice, s = fl(fl(1 / absmax) * max), and the way
/// back multiplies by fl(1 / s). absmax <= 2^-24 counts as 1.
struct multiply_by_reciprocal {
  static constexpr element_arithmetic arithmetic{element_operation::product, element_operation::product};
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "absmax_f32_reciprocal"; }
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float stored(float absmax, float max_finite) noexcept {
    const float usable = selected(magnitude_bits(absmax) <= magnitude_bits(modelopt_least_absmax), 1.0F, absmax);
    return mul_rn(div_rn(1.0F, usable), max_finite);
  }
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr scale_factors factors(float multiplier) noexcept {
    return {multiplier, div_rn(1.0F, multiplier)};
  }
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float scaled(float x, scale_factors f) noexcept {
    return mul_rn(x, f.forward);
  }
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float restored(float q, scale_factors f) noexcept {
    return mul_rn(q, f.backward);
  }
};

/// One float32 per group, taken from the group's largest magnitude by the rules of `Arithmetic`.
/// A NaN in the group makes the scale NaN and with it every element.
template <class Arithmetic>
struct absmax_f32_by {
  using stored_type = float;
  using factors_type = scale_factors;
  static constexpr int bits = 32;
  static constexpr int tensor_bits = 0;
  static constexpr element_arithmetic arithmetic = detail::arithmetic_of<Arithmetic>();

  [[nodiscard]] static constexpr std::string_view name() noexcept { return Arithmetic::name(); }

  template <class Format>
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float tensor_scale(float) noexcept {
    return 1.0F;
  }
  template <class Format>
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float stored(float absmax, float) noexcept {
    return Arithmetic::stored(absmax, Format::max_finite);
  }
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr scale_factors factors(float scale, float) noexcept {
    return Arithmetic::factors(scale);
  }
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float scaled(float x, scale_factors f) noexcept {
    return Arithmetic::scaled(x, f);
  }
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float restored(float q, scale_factors f) noexcept {
    return Arithmetic::restored(q, f);
  }
};

/// The plain rule: s = absmax / largest value, elements divided by s and values multiplied.
using absmax_f32 = absmax_f32_by<divide_by_scale>;

}  // namespace qgrain

#endif
