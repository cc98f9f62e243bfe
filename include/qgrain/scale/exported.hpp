// What the exporters of compressed-tensors (0.20) and ModelOpt do otherwise than their quantizers.
#ifndef QGRAIN_SCALE_EXPORTED_HPP
#define QGRAIN_SCALE_EXPORTED_HPP

#include <qgrain/core/arithmetic.hpp>
#include <qgrain/core/bits.hpp>
#include <qgrain/core/config.hpp>
#include <qgrain/core/half.hpp>
#include <qgrain/scale/action.hpp>
#include <qgrain/scale/affine.hpp>
#include <qgrain/scale/arithmetic_in.hpp>
#include <qgrain/scale/least_scale.hpp>
#include <qgrain/scale/power_of_two.hpp>
#include <qgrain/scale/range.hpp>

#include <concepts>
#include <cstdint>
#include <string_view>

namespace qgrain {

/// x / s rounded to `Quotient` before it becomes a code, though s is kept as another type: ModelOpt's exported fp8,
/// whose one float32 scale leaves the quotient in the tensor's type. Values are codes by scales in the type of the
/// scale.
template <storage_element Quotient>
struct divide_rounding_to {
  [[nodiscard]] static constexpr std::string_view name() noexcept {
    return std::same_as<Quotient, float>      ? "_divide_f32"
           : std::same_as<Quotient, bfloat16> ? "_divide_bf16"
                                              : "_divide_f16";
  }
  template <storage_element T>
  struct in : divide::in<T> {
    [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float scaled(float x, affine_factors f) noexcept {
      return arithmetic_in<Quotient>::div(x, f.forward);
    }
  };
};

/// Zero becomes the epsilon of the tensor's own type (2^-7 for bfloat16), other scales stay: compressed-tensors 0.20.
struct zero_scale_is_epsilon {
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "_or_eps"; }
  template <storage_element T>
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float apply(float scale) noexcept {
    return selected(magnitude_bits(scale) == 0, arithmetic_in<T>::epsilon, scale);
  }
};

/// Zero becomes 1, others are at least 2^-14 / `Largest`: ModelOpt's exported int8 and fp8 of float16 tensors, whose
/// ranges are at least float16's least normal number.
template <int Largest>
struct normal_f16_range {
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "_f16_normal"; }
  template <storage_element T>
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float apply(float scale) noexcept {
    const float least = div_rn(power_of_two(-14), static_cast<float>(Largest));
    return selected(magnitude_bits(scale) == 0, 1.0F, detail::raised_to(scale, least));
  }
};

/// As zero_point_rounded_last, by the scale before that becomes an epsilon: compressed-tensors 0.20. Where that scale
/// is 0 the zero point is the highest code, or 0 where the least value is 0.
struct zero_point_before_epsilon : zero_point_rounded_last {
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "minmax0_"; }
  template <storage_element T, class Format>
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float zero_point(signed_range range, float) noexcept {
    return zero_point_rounded_last::zero_point<T, Format>(range, zero_point_rounded_last::scale<T, Format>(range));
  }
};

/// As e8m0_even, with E2M1's one digit of mantissa whatever the element's format is: compressed-tensors' MXFP8. Scales
/// pass through the tensor's type `T`: of float16, ranges below 0.75 * 2^-14 have the scale 1.
template <storage_element T = float>
struct e8m0_even_e2m1 {
  static constexpr int least_code_exponent = 127;
  [[nodiscard]] static constexpr std::string_view name() noexcept {
    return std::same_as<T, float16> ? "absmax_e8m0_even_e2m1_f16" : "absmax_e8m0_even_e2m1";
  }
  template <class Format>
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr std::uint8_t code(float absmax) noexcept {
    constexpr bool half = std::same_as<T, float16>;
    constexpr float normal = power_of_two(-14);  // ranges below it are rounded as float16's subnormal numbers
    const bool is_less = half && magnitude_bits(absmax) < magnitude_bits(normal);
    const bool is_gone = half && magnitude_bits(absmax) < magnitude_bits(0.75F * normal);
    const std::int32_t field = detail::field_above(selected(is_less, normal, absmax), 1 << (f32_mantissa_bits - 2));
    return detail::e8m0_code(selected(is_gone, f32_bias, field - detail::largest_exponent<Format>), absmax);
  }
};

}  // namespace qgrain

#endif
