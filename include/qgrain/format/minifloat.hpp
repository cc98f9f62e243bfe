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
    const std::uint32_t magnitude = code & (sign_code - 1U);
    const std::uint32_t sign = static_cast<std::uint32_t>(code & sign_code) << (32 - bits);
    if constexpr (Specials == special_values::nan_at_negative_zero) {
      return float_from_bits(selected(code == sign_code, bits_of(quiet_nan()), value_bits(magnitude) | sign));
    } else {
      const std::uint32_t special =
          Specials == special_values::ieee && magnitude == max_code + 1U ? f32_infinity_bits : bits_of(quiet_nan());
      return float_from_bits(selected(magnitude > max_code, special, value_bits(magnitude)) | sign);
    }
  }

  static constexpr float max_finite = decode(max_code);
  static constexpr float lowest = -max_finite;

  /// The nearest finite value of the format.
  template <class Round = nearest_even>
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float round(float x, Round round_magnitude = {}) noexcept {
    const steps s = steps_of(smaller_of(magnitude_bits(x), magnitude_bits(max_finite)));
    const float nearest = round_magnitude(s.count) * size_scale * s.size;  // exact: few digits times powers of two
    return selected(is_nan(x), x, with_sign(nearest, sign_of(x)));
  }

  template <class Round = nearest_even>
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr code_type encode(float x, Round round_magnitude = {}) noexcept {
    constexpr std::uint32_t overflow = Specials == special_values::none ? max_code : max_code + 1U;
    return signed_code(smaller_of(code_of_magnitude(x, round_magnitude), overflow), x, sign_of(x));
  }

  template <class Round = nearest_even>
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr code_type encode_saturated(float x,
                                                                               Round round_magnitude = {}) noexcept {
    return signed_code(smaller_of<std::uint32_t>(code_of_magnitude(x, round_magnitude), max_code), x, sign_of(x));
  }

  /// The same of a result of arithmetic, whose NaN has the sign bit `sign_of_nan` (see sign_of_computed_nan).
  template <class Round = nearest_even>
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr code_type encode_computed(float x, std::uint32_t sign_of_nan,
                                                                              Round round_magnitude = {}) noexcept {
    return signed_code(smaller_of<std::uint32_t>(code_of_magnitude(x, round_magnitude), max_code), x, sign_of_nan);
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

  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr std::uint32_t value_bits(std::uint32_t magnitude) noexcept {
    const std::uint32_t normal = (magnitude << (f32_mantissa_bits - MantissaBits)) + (rebias << f32_mantissa_bits);
    if constexpr (wide) {
      return normal;
    } else {
      const float count = static_cast<float>(static_cast<std::int32_t>(magnitude));
      const float subnormal = count * power_of_two(least_exponent - MantissaBits);
      return selected(magnitude >> MantissaBits == 0, bits_of(subnormal), normal);
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

  template <class Round>
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr std::uint32_t code_of_magnitude(float x,
                                                                                    Round round_magnitude) noexcept {
    // Anything from the binade above the largest finite value on counts as its first number, which no format can hold.
    // In wide formats that number is infinity itself.
    constexpr std::int32_t beyond = ((magnitude_bits(max_finite) >> f32_mantissa_bits) + 1) << f32_mantissa_bits;
    const std::int32_t magnitude = magnitude_bits(x);
    const steps s = steps_of(smaller_of(magnitude, beyond - (wide ? 1 : 0)));
    const auto count = static_cast<std::uint32_t>(static_cast<std::int32_t>(round_magnitude(s.count)));
    const std::uint32_t code = (static_cast<std::uint32_t>(s.binade) << MantissaBits) + count;
    return selected(wide && magnitude >= beyond, max_code + 1U, code);
  }

  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr code_type signed_code(std::uint32_t magnitude, float x,
                                                                          std::uint32_t sign_of_nan) noexcept {
    const std::uint32_t sign = sign_of(x) >> (32 - bits);
    const std::uint32_t nan_sign = sign_of_nan >> (32 - bits);
    if constexpr (Specials == special_values::nan_at_negative_zero) {
      return static_cast<code_type>(
          selected(is_nan(x), std::uint32_t{sign_code}, selected(magnitude == 0, 0U, magnitude | sign)));
    }
    const std::uint32_t nan = Specials == special_values::none ? nan_sign ^ sign_code
                              : Specials == special_values::nan_at_ones
                                  ? nan_sign | (sign_code - 1U)
                                  : nan_sign | (max_code + 1U) | (1U << (MantissaBits > 0 ? MantissaBits - 1 : 0));
    return static_cast<code_type>(selected(is_nan(x), nan, magnitude | sign));
  }
};

}  // namespace qgrain

#endif
