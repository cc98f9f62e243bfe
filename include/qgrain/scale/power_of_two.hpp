// The MX block scale: a power of two, stored as one E8M0 byte.
#ifndef QGRAIN_SCALE_POWER_OF_TWO_HPP
#define QGRAIN_SCALE_POWER_OF_TWO_HPP

#include <qgrain/core/arithmetic.hpp>
#include <qgrain/core/bits.hpp>
#include <qgrain/core/config.hpp>
#include <qgrain/core/short_name.hpp>
#include <qgrain/format/float8.hpp>
#include <qgrain/scale/absmax.hpp>
#include <qgrain/scale/element_arithmetic.hpp>

#include <cstdint>
#include <string_view>

namespace qgrain {

namespace detail {

inline constexpr std::int32_t f32_mantissa_mask = (1 << f32_mantissa_bits) - 1;

/// The exponent of the format's largest value, and its mantissa digits: the largest value is (1 + digits / 2^23) *
/// 2^exponent.
template <class Format>
inline constexpr std::int32_t largest_exponent = (magnitude_bits(Format::max_finite) >> f32_mantissa_bits) - f32_bias;
template <class Format>
inline constexpr std::int32_t largest_digits = magnitude_bits(Format::max_finite) & f32_mantissa_mask;

/// The exponent field of a magnitude's pattern once `more` is added to it; the sum of a NaN's leaves 31 bits.
[[nodiscard]] QGRAIN_ELEMENTWISE constexpr std::int32_t field_above(float absmax, std::int32_t more) noexcept {
  const std::uint32_t sum = static_cast<std::uint32_t>(magnitude_bits(absmax)) + static_cast<std::uint32_t>(more);
  return static_cast<std::int32_t>(sum >> f32_mantissa_bits);
}

/// A biased exponent as a code; NaN wherever the range is NaN.
[[nodiscard]] QGRAIN_ELEMENTWISE constexpr std::uint8_t e8m0_code(std::int32_t biased, float absmax) noexcept {
  return static_cast<std::uint8_t>(selected(is_nan(absmax), 255, larger_of(biased, 0)));
}

}  // namespace detail

/// E = floor(log2 absmax) - emax, as in OCP MX v1.0 and torchao FLOOR: values above max * 2^E saturate. Elements of a
/// block with code 0 are multiplied by 2^126, as torchao does, not by 2^127; an infinite range gives the code of
/// exponent field 255.
struct e8m0_floor {
  static constexpr int least_code_exponent = 126;
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "absmax_e8m0_floor"; }
  template <class Format>
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr std::uint8_t code(float absmax) noexcept {
    return detail::e8m0_code((magnitude_bits(absmax) >> f32_mantissa_bits) - detail::largest_exponent<Format>, absmax);
  }
};

/// E = ceil(log2 absmax) - emax: torchao CEIL.
struct e8m0_ceil {
  static constexpr int least_code_exponent = 126;
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "absmax_e8m0_ceil"; }
  template <class Format>
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr std::uint8_t code(float absmax) noexcept {
    const std::int32_t field = detail::field_above(absmax, detail::f32_mantissa_mask);
    return detail::e8m0_code(field - detail::largest_exponent<Format>, absmax);
  }
};

/// absmax is rounded to the element's mantissa first, half steps up; then as floor: torchao EVEN.
struct e8m0_even {
  static constexpr int least_code_exponent = 126;
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "absmax_e8m0_even"; }
  template <class Format>
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr std::uint8_t code(float absmax) noexcept {
    static_assert(
        requires { Format::mantissa_bits; },
        "qgrain::e8m0_even: rounding to the element's mantissa needs a floating-point format; use e8m0_rceil");
    const std::int32_t field = detail::field_above(absmax, 1 << (f32_mantissa_bits - Format::mantissa_bits - 1));
    return detail::e8m0_code(field - detail::largest_exponent<Format>, absmax);
  }
};

/// E = ceil(log2(absmax / max)), exactly: nothing is ever clipped. ModelOpt's MX fake quantization (as a formula),
/// where a block of zeros has E = 0 and an infinite range counts as the largest float32.
struct e8m0_rceil {
  static constexpr int least_code_exponent = 127;
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "absmax_e8m0_rceil"; }
  template <class Format>
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr std::uint8_t code(float absmax) noexcept {
    constexpr std::int32_t largest_finite = static_cast<std::int32_t>(f32_infinity_bits) - 1;
    const std::int32_t pattern = smaller_of(magnitude_bits(absmax), largest_finite);
    const bool subnormal = pattern <= detail::f32_mantissa_mask;
    const float lifted = float_from_magnitude(pattern) * power_of_two(24);  // exact for subnormals
    const std::int32_t normal = selected(subnormal, magnitude_bits(lifted), pattern);
    const std::int32_t exponent =
        (normal >> f32_mantissa_bits) - (subnormal ? 24 : 0) - detail::largest_exponent<Format>;
    const std::int32_t above = (normal & detail::f32_mantissa_mask) > detail::largest_digits<Format> ? 1 : 0;
    return detail::e8m0_code(selected(pattern == 0, f32_bias, smaller_of(exponent + above, 254)), absmax);
  }
};

/// E = ceil(log2(fl(absmax / max))) with the logarithm rounded to float32: torchao RCEIL (code 0 multiplies by 1) and,
/// with `LeastCodeExponent` 127, ModelOpt's packed MXFP8. The rounding swallows ratios a few units in the last place
/// above 2^k: there log2 = k + n / (2^23 ln 2) for the n-th float above 2^k, which rounds to k while it lies within
/// half the spacing of floats at k, that is while n <= ln 2 * 2^(J - 1), J = floor(log2 |k|) on the side towards which
/// the logarithm moves.
template <int LeastCodeExponent = 0>
struct e8m0_rceil_log2f {
  static constexpr int least_code_exponent = LeastCodeExponent;
  [[nodiscard]] static constexpr std::string_view name() noexcept {
    return LeastCodeExponent == 0 ? "absmax_e8m0_rceil_log2f" : "absmax_e8m0_rceil_log2f_full";
  }
  template <class Format>
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr std::uint8_t code(float absmax) noexcept {
    const std::int32_t ratio = magnitude_bits(div_rn(absmax, Format::max_finite));
    const std::int32_t field = ratio >> f32_mantissa_bits;
    const std::int32_t digits = ratio & detail::f32_mantissa_mask;
    const std::int32_t power = field - f32_bias;
    const std::int32_t distance = larger_of(power < 0 ? -power - 1 : power, 1);
    const std::int32_t spacing = (magnitude_bits(static_cast<float>(distance)) >> f32_mantissa_bits) - f32_bias;
    const std::int32_t swallowed = (22 << spacing) >> 6;  // floor(ln 2 * 2^(spacing - 1)) for spacing 0 to 6
    const std::int32_t normal = smaller_of(field + (digits > swallowed ? 1 : 0), 254);
    const std::int32_t subnormal = digits > (1 << (f32_mantissa_bits - 1)) + 11 ? 1 : 0;  // around k = -127
    return detail::e8m0_code(selected(field == 0, subnormal, normal), absmax);
  }
};

/// E = floor(log2 absmax) - emax with the logarithm rounded to float32: gguf. The n-th float below 2^k has the
/// logarithm k - n / (2^24 ln 2), which rounds up to k while n <= ln 2 * 2^J, J as in e8m0_rceil_log2f on this side of
/// k: the rule steps too early there, and the block is scaled one power lower than it has to be. Below 2^-125, where
/// the tool's byte wraps around, the code is 0; an infinite range counts as exponent field 255.
struct e8m0_floor_log2f {
  static constexpr int least_code_exponent = 127;
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "absmax_e8m0_floor_log2f"; }
  template <class Format>
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr std::uint8_t code(float absmax) noexcept {
    const std::int32_t field = magnitude_bits(absmax) >> f32_mantissa_bits;
    const std::int32_t missing = detail::f32_mantissa_mask + 1 - (magnitude_bits(absmax) & detail::f32_mantissa_mask);
    const std::int32_t power = field + 1 - f32_bias;
    const std::int32_t distance = larger_of(power > 0 ? power - 1 : -power, 1);
    const std::int32_t spacing = (magnitude_bits(static_cast<float>(distance)) >> f32_mantissa_bits) - f32_bias;
    const std::int32_t swallowed = (44 << spacing) >> 6;  // floor(ln 2 * 2^spacing) for spacing 0 to 6
    const std::int32_t stepped = field + (missing <= swallowed ? 1 : 0);
    return detail::e8m0_code(stepped - detail::largest_exponent<Format>, absmax);
  }
};

/// One power of two per group. Elements are multiplied by 2^-E and values by 2^E, both exact short of float32's own
/// limits. A NaN in the group gives code 255 and makes every element NaN. `Rule` chooses the exponent.
template <class Rule>
struct absmax_e8m0_by {
  using stored_type = std::uint8_t;
  using factors_type = scale_factors;
  static constexpr int bits = 8;
  static constexpr int tensor_bits = 0;
  static constexpr element_arithmetic arithmetic{element_operation::product, element_operation::product};

  [[nodiscard]] static constexpr std::string_view name() noexcept { return Rule::name(); }

  template <class Format>
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float tensor_scale(float) noexcept {
    return 1.0F;
  }
  template <class Format>
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr std::uint8_t stored(float absmax, float) noexcept {
    return Rule::template code<Format>(absmax);
  }
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr scale_factors factors(std::uint8_t code, float) noexcept {
    const float unit = float8_e8m0fnu::decode(code);
    const std::int32_t exponent = code == 0 ? Rule::least_code_exponent : f32_bias - static_cast<std::int32_t>(code);
    // 2^-127 is a subnormal float32, which power_of_two does not make.
    const float inverse = code == 254 ? float8_e8m0fnu::decode(0) : power_of_two(exponent);
    return {code == float8_e8m0fnu::nan_code ? unit : inverse, unit};
  }
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float scaled(float x, scale_factors f) noexcept {
    return mul_rn(x, f.forward);
  }
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float restored(float q, scale_factors f) noexcept {
    return mul_rn(q, f.backward);
  }
};

/// Zeros, +0 too, become -0 before they are encoded: ModelOpt's packed MXFP4 writes every zero element as code 8.
/// Values that round to zero keep their sign.
template <class Scale>
struct zeros_negative : Scale {
  static constexpr element_arithmetic arithmetic{element_operation::other, detail::arithmetic_of<Scale>().restored};
  [[nodiscard]] static constexpr std::string_view name() noexcept { return name_.view(); }
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float scaled(float x, typename Scale::factors_type f) noexcept {
    return magnitude_bits(x) == 0 ? -0.0F : Scale::scaled(x, f);
  }

 private:
  static constexpr detail::short_name name_ = detail::short_name{}.text(Scale::name()).text("_0");
};

/// The scale of the OCP standard.
using absmax_e8m0 = absmax_e8m0_by<e8m0_floor>;

}  // namespace qgrain

#endif
