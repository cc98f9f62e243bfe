// One codec for all small floating-point formats: sign, exponent, mantissa.
#ifndef QGRAIN_FORMAT_MINIFLOAT_HPP
#define QGRAIN_FORMAT_MINIFLOAT_HPP

#include <qgrain/core/bits.hpp>
#include <qgrain/core/config.hpp>
#include <qgrain/format/rounding.hpp>

#include <cstdint>
#include <type_traits>

namespace qgrain {

/// Which codes are no numbers, and with that what becomes of overflow and of NaN.
enum class special_values : std::uint8_t {
  none,         ///< numbers only: overflow saturates, NaN encodes as a zero of the opposite sign (as ml_dtypes does)
  nan_at_ones,  ///< the pattern of all ones is NaN, there is no infinity: overflow of a plain cast gives NaN
  nan_at_negative_zero,  ///< "fnuz": the code of -0 is the only NaN, -0 becomes 0: overflow of a plain cast gives NaN
  ieee,  ///< the largest exponent field holds infinity and NaNs: overflow of a plain cast gives infinity
};

/// A value is (-1)^sign * significand * 2^(exponent - bias), with subnormals; the code has the sign in its top bit.
///
/// `encode` is the scalar cast of the format (overflow as `special_values` says); `encode_saturated` and `round` send
/// overflow and infinity to the largest finite value, which is what quantizers use. `round` keeps NaN. The sign of zero
/// is kept, by `round` in formats without -0 too.
///
/// How it rounds: a magnitude in [2^e, 2^(e+1)) has steps of 2^(e-M). Dividing by the step is exact, the rounding
/// function acts on the quotient, below 2^(M+1), and the code counts steps, so a carry into the next exponent needs no
/// care. Below the least normal exponent the step stays, which is all that subnormals are.
template <int ExponentBits, int MantissaBits, int Bias, special_values Specials>
struct minifloat {
  static_assert(ExponentBits >= 2 && ExponentBits <= 8 && MantissaBits >= 0 && ExponentBits + MantissaBits >= 2 &&
                    ExponentBits + MantissaBits <= 15,
                "qgrain::minifloat: a code has 3 to 16 bits, 2 to 8 of them exponent; choose other field widths");
  static_assert(Specials != special_values::ieee || MantissaBits > 0,
                "qgrain::minifloat: infinity and NaN share an exponent field, which takes a mantissa bit to tell them "
                "apart; add one, or choose other special_values");
  static_assert(ExponentBits == 8 ? Bias == f32_bias && Specials == special_values::ieee
                                  : Bias + MantissaBits <= f32_bias && (1 << ExponentBits) - 1 - Bias < f32_bias - 1,
                "qgrain::minifloat: every value and step has to be a float32, short of its last powers of two; choose "
                "a bias nearer to the middle of the exponents (8 exponent bits: 127, as in ieee formats)");

  static constexpr int bits = 1 + ExponentBits + MantissaBits;
  using code_type = std::conditional_t<(bits <= 8), std::uint8_t, std::uint16_t>;
  static constexpr int exponent_bits = ExponentBits;
  static constexpr int mantissa_bits = MantissaBits;
  static constexpr int bias = Bias;
  static constexpr special_values specials = Specials;

  static constexpr code_type sign_code = 1U << (bits - 1);
  static constexpr code_type max_code = [] {
    constexpr int ones = (1 << (bits - 1)) - 1;
    if (Specials == special_values::nan_at_ones) return ones - 1;
    if (Specials == special_values::ieee) return ones - (1 << MantissaBits);
    return ones;
  }();

  /// Every code has a value; codes of the same magnitude differ in the sign bit alone.
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float decode(code_type code) noexcept {
    // Masked after the shift: g++ would mask in lanes of the code's type and widen twice.
    const std::uint32_t digits = static_cast<std::uint32_t>(code) << unused_bits & digits_of(sign_code - 1U);
    const std::uint32_t sign = static_cast<std::uint32_t>(code) << (32 - bits) & f32_sign_bit;
    constexpr std::uint32_t special = digits_of(max_code + 1U);
    if constexpr (Specials == special_values::none) {
      return float_from_bits(value_bits(digits) | sign);
    } else if constexpr (Specials == special_values::nan_at_negative_zero) {
      return float_from_bits(selected(digits == 0 && sign != 0, bits_of(quiet_nan()), value_bits(digits) | sign));
    } else if constexpr (Specials == special_values::nan_at_ones) {
      // One pattern alone is special, so that a sum does for a choice.
      constexpr std::uint32_t missing = bits_of(quiet_nan()) - value_bits(special);
      return float_from_bits((value_bits(digits) + selected(digits == special, missing, 0U)) | sign);
    } else {
      const std::uint32_t no_number = selected(digits == special, f32_infinity_bits, bits_of(quiet_nan()));
      return float_from_bits(selected(digits >= special, no_number, value_bits(digits)) | sign);
    }
  }

  static constexpr float max_finite = decode(max_code);
  static constexpr float lowest = -max_finite;

  /// The nearest finite value of the format.
  template <class Round = nearest_even>
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float round(float x, Round round_magnitude = {}) noexcept {
    const std::int32_t magnitude = smaller_of(magnitude_bits(x), magnitude_bits(max_finite));
    // Held apart from what made it, which g++ would make a second time under the mask of AVX-512.
    const float kept = detail::unfused(x);
    return selected(is_nan(x), kept, with_sign(nearest_of(magnitude, round_magnitude), sign_of(x)));
  }

  template <class Round = nearest_even>
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr code_type encode(float x, Round round_magnitude = {}) noexcept {
    constexpr std::uint32_t overflow = Specials == special_values::none ? max_code : max_code + 1U;
    // Anything from the binade above the largest finite value on counts as its first number, which no format can hold.
    // In wide formats that number is infinity itself.
    constexpr std::int32_t beyond = ((magnitude_bits(max_finite) >> f32_mantissa_bits) + 1) << f32_mantissa_bits;
    const std::int32_t magnitude = magnitude_bits(x);
    const std::uint32_t code = code_of(smaller_of(magnitude, beyond - (wide ? 1 : 0)), round_magnitude);
    return signed_code<overflow>(smaller_of(selected(wide && magnitude >= beyond, overflow, code), overflow), x,
                                 sign_of(x));
  }

  template <class Round = nearest_even>
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr code_type encode_saturated(float x,
                                                                               Round round_magnitude = {}) noexcept {
    return encode_computed(x, sign_of(x), round_magnitude);
  }

  /// The same of a result of arithmetic, whose NaN has the sign bit `sign_of_nan` (see sign_of_computed_nan).
  template <class Round = nearest_even>
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr code_type encode_computed(float x, std::uint32_t sign_of_nan,
                                                                              Round round_magnitude = {}) noexcept {
    const std::int32_t magnitude = smaller_of(magnitude_bits(x), magnitude_bits(max_finite));
    return signed_code<max_code>(code_of(magnitude, round_magnitude), x, sign_of_nan);
  }

 private:
  static constexpr std::uint32_t rebias = static_cast<std::uint32_t>(f32_bias - Bias);
  static constexpr std::int32_t least_exponent = 1 - Bias;  // of normal numbers
  static constexpr std::int32_t least_field = f32_bias + least_exponent;

  // With the exponents of float32 itself (bfloat16) neither the smallest step nor its inverse is a normal float32, so
  // both are made of two factors; elsewhere the second one is 1.
  static constexpr bool wide = ExponentBits == 8;
  static constexpr float size_scale = wide ? power_of_two(-MantissaBits) : 1.0F;
  static constexpr float count_scale = wide ? power_of_two(MantissaBits - 1) : 1.0F;

  static constexpr int unused_bits = f32_mantissa_bits - MantissaBits;  // of the mantissa of float32
  /// The digits of a magnitude, exponent and mantissa, where float32 has them.
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr std::uint32_t digits_of(std::uint32_t magnitude) noexcept {
    return magnitude << unused_bits;
  }

  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr std::uint32_t value_bits(std::uint32_t digits) noexcept {
    const std::uint32_t normal = digits + (rebias << f32_mantissa_bits);
    if constexpr (wide) {
      return normal;
    } else {
      // Read as a normal number, a subnormal one v is half of 2^least + v. Of normal numbers twice the number less
      // 2^least is the larger one.
      const float twice = float_from_bits(normal + (1U << f32_mantissa_bits));
      return smaller_of(normal, bits_of(sub_rn(twice, power_of_two(least_exponent))));
    }
  }

  /// A magnitude as a multiple of the step that the format has there, which is size * size_scale.
  struct steps {
    float count;
    float size;
    std::int32_t binade;  // exponents above the least one
  };
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr steps steps_of(std::int32_t magnitude) noexcept {
    const std::int32_t field = larger_of(magnitude >> f32_mantissa_bits, least_field);
    const float size = float_from_magnitude((field - (wide ? 0 : MantissaBits)) << f32_mantissa_bits);
    const float inverse = float_from_magnitude((2 * f32_bias + (wide ? 1 : MantissaBits) - field) << f32_mantissa_bits);
    return {float_from_magnitude(magnitude) * inverse * count_scale, size, field - least_field};
  }

  // Rounding to nearest even is what a float32 sum does: added to a number whose last place is the step, a magnitude
  // loses what lies below it, and the pattern of the sum counts steps. That number has to be a float32.
  static constexpr bool has_anchor =
      !wide && (1 << ExponentBits) - 1 - Bias + f32_mantissa_bits - MantissaBits <= f32_bias;
  static constexpr std::int32_t anchor_distance = unused_bits << f32_mantissa_bits;
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr std::int32_t binade_of(std::int32_t magnitude) noexcept {
    return larger_of(magnitude & static_cast<std::int32_t>(f32_infinity_bits), least_field << f32_mantissa_bits);
  }

  /// The value of the nearest code of a magnitude.
  template <class Round>
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float nearest_of(std::int32_t magnitude,
                                                                     Round round_magnitude) noexcept {
    if constexpr (has_anchor && std::is_same_v<Round, nearest_even>) {
      const float anchor = float_from_magnitude(binade_of(magnitude) + anchor_distance);
      return sub_rn(add_rn(float_from_magnitude(magnitude), anchor), anchor);
    } else {
      const steps s = steps_of(magnitude);
      return round_magnitude(s.count) * size_scale * s.size;  // exact: few digits times powers of two
    }
  }

  /// That code.
  template <class Round>
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr std::uint32_t code_of(std::int32_t magnitude,
                                                                          Round round_magnitude) noexcept {
    if constexpr (has_anchor && std::is_same_v<Round, nearest_even>) {
      const std::int32_t binade = binade_of(magnitude);
      const std::int32_t anchor = binade + anchor_distance;
      const float sum = add_rn(float_from_magnitude(magnitude), float_from_magnitude(anchor));
      return static_cast<std::uint32_t>(static_cast<std::int32_t>(bits_of(sum)) - anchor +
                                        ((binade >> unused_bits) - (least_field << MantissaBits)));
    } else {
      const steps s = steps_of(magnitude);
      const auto count = static_cast<std::uint32_t>(static_cast<std::int32_t>(round_magnitude(s.count)));
      return (static_cast<std::uint32_t>(s.binade) << MantissaBits) + count;
    }
  }

  /// `OfNan`: the magnitude that is found for a NaN, which becomes its code.
  template <std::uint32_t OfNan>
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr code_type signed_code(std::uint32_t magnitude, float x,
                                                                          std::uint32_t sign_of_nan) noexcept {
    const std::uint32_t sign = sign_of(x) >> (32 - bits);
    std::uint32_t code = magnitude | sign;
    if constexpr (Specials == special_values::nan_at_negative_zero) {
      code = selected(is_nan(x), std::uint32_t{sign_code}, selected(magnitude == 0, 0U, code));
    } else {
      constexpr std::uint32_t quiet = 1U << (MantissaBits > 0 ? MantissaBits - 1 : 0);
      constexpr std::uint32_t nan = Specials == special_values::none          ? sign_code  // a zero, its sign changed
                                    : Specials == special_values::nan_at_ones ? sign_code - 1U
                                                                              : (max_code + 1U) | quiet;
      const std::uint32_t other_sign = sign ^ sign_of_nan >> (32 - bits);
      code ^= selected(is_nan(x), nan ^ OfNan ^ other_sign, 0U);
    }
    // The minimum changes nothing. It keeps g++ from doing the steps before it in lanes of bytes, for which it would
    // pack several vectors in place of one.
    return static_cast<code_type>(smaller_of(code, 2U * sign_code - 1U));
  }
};

}  // namespace qgrain

#endif
