// Integer codes of 2 to 16 bits.
#ifndef QGRAIN_FORMAT_INTEGER_HPP
#define QGRAIN_FORMAT_INTEGER_HPP

#include <qgrain/core/arithmetic.hpp>
#include <qgrain/core/bits.hpp>
#include <qgrain/core/config.hpp>
#include <qgrain/core/short_name.hpp>
#include <qgrain/format/rounding.hpp>

#include <cstdint>
#include <string_view>
#include <type_traits>

namespace qgrain {

/// Which integers of the code width are used.
enum class integer_range : std::uint8_t {
  full,         ///< two's complement: -2^(b-1) .. 2^(b-1)-1
  narrow,       ///< symmetric: the most negative code is left out
  nonnegative,  ///< unsigned: 0 .. 2^b-1
};

/// The code is the value. Out-of-range values and infinities go to the nearer end; NaN encodes as 0 and passes through
/// `round`.
///
/// A scale maps the end of a symmetric range to `max_finite`, so the most negative code of the full range is reached
/// only by values outside that range.
template <int Bits, integer_range Range = integer_range::full>
struct integer {
  static_assert(Bits >= 2 && Bits <= 16,
                "qgrain::integer: a code has 2 to 16 bits; choose int2 to int8, int16 or an unsigned one");

  static constexpr bool is_signed = Range != integer_range::nonnegative;
  using code_type = std::conditional_t<(Bits <= 8), std::conditional_t<is_signed, std::int8_t, std::uint8_t>,
                                       std::conditional_t<is_signed, std::int16_t, std::uint16_t>>;

  static constexpr int bits = Bits;
  static constexpr float max_finite = static_cast<float>((1 << (is_signed ? Bits - 1 : Bits)) - 1);
  static constexpr float lowest = !is_signed ? 0.0F : Range == integer_range::full ? -max_finite - 1.0F : -max_finite;

  /// "int4", "int4_narrow", "uint4".
  [[nodiscard]] static constexpr std::string_view name() noexcept { return name_.view(); }

  /// The nearest integer of the range, as a float; the sign of zero is kept.
  template <class Round = nearest_even>
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float round(float x, Round round_magnitude = {}) noexcept {
    return selected(is_nan(x), x, nearest(x, round_magnitude));
  }

  template <class Round = nearest_even>
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr code_type encode(float x, Round round_magnitude = {}) noexcept {
    const std::uint32_t code = selected(is_nan(x), 0U, nearest_code(x, round_magnitude));
    // The minimum changes nothing. It keeps g++ from doing the steps before it in lanes of bytes, for which it would
    // pack several vectors in place of one.
    return static_cast<code_type>(smaller_of(static_cast<std::int32_t>(code), static_cast<std::int32_t>(max_finite)));
  }

  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float decode(code_type code) noexcept {
    return static_cast<float>(code);
  }

 private:
  /// Adding it leaves no digits below one, and the integer in the low bits of the pattern, for numbers of both signs.
  static constexpr float anchor = 12582912.0F;  // 1.5 * 2^23

  /// Into the range; what becomes of a NaN is left open. By patterns, as g++ would branch over comparisons of floats:
  /// those of negative numbers are negative as signed integers, and as unsigned ones above all of positive numbers.
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float limited(float x) noexcept {
    const std::int32_t below = smaller_of(static_cast<std::int32_t>(bits_of(x)), magnitude_bits(max_finite));
    if constexpr (is_signed) {
      return float_from_bits(smaller_of(static_cast<std::uint32_t>(below), bits_of(lowest)));
    } else {
      return float_from_magnitude(larger_of(below, 0));
    }
  }

  /// `round` of a number; what becomes of a NaN is left open.
  template <class Round>
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float nearest(float x, Round round_magnitude) noexcept {
    const std::uint32_t sign = sign_of(x);
    if constexpr (std::is_same_v<Round, nearest_even>) {
      return with_sign(sub_rn(add_rn(limited(x), anchor), anchor), sign);
    } else {
      const std::int32_t limit = sign == 0 ? magnitude_bits(max_finite) : magnitude_bits(lowest);
      return with_sign(round_magnitude(float_from_magnitude(smaller_of(magnitude_bits(x), limit))), sign);
    }
  }

  /// Its code.
  template <class Round>
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr std::uint32_t nearest_code(float x,
                                                                               Round round_magnitude) noexcept {
    if constexpr (std::is_same_v<Round, nearest_even>) {
      return bits_of(add_rn(limited(x), anchor)) - bits_of(anchor);
    } else {
      return static_cast<std::uint32_t>(static_cast<std::int32_t>(nearest(x, round_magnitude)));
    }
  }

  static constexpr detail::short_name name_ = detail::short_name{}
                                                  .text(is_signed ? "int" : "uint")
                                                  .number(Bits)
                                                  .text(Range == integer_range::narrow ? "_narrow" : "");
};

// Two's complement, all of its codes.
using int2 = integer<2>;    ///< -2 to 1
using int3 = integer<3>;    ///< -4 to 3
using int4 = integer<4>;    ///< -8 to 7
using int5 = integer<5>;    ///< -16 to 15
using int6 = integer<6>;    ///< -32 to 31
using int7 = integer<7>;    ///< -64 to 63
using int8 = integer<8>;    ///< -128 to 127
using int16 = integer<16>;  ///< -32768 to 32767

// Two's complement without the most negative code: as far below zero as above.
using int2_narrow = integer<2, integer_range::narrow>;    ///< -1 to 1
using int3_narrow = integer<3, integer_range::narrow>;    ///< -3 to 3
using int4_narrow = integer<4, integer_range::narrow>;    ///< -7 to 7
using int5_narrow = integer<5, integer_range::narrow>;    ///< -15 to 15
using int6_narrow = integer<6, integer_range::narrow>;    ///< -31 to 31
using int7_narrow = integer<7, integer_range::narrow>;    ///< -63 to 63
using int8_narrow = integer<8, integer_range::narrow>;    ///< -127 to 127
using int16_narrow = integer<16, integer_range::narrow>;  ///< -32767 to 32767

// Unsigned.
// No alias uint3: code that nvcc adds to every file uses CUDA's type of that name unqualified, and would find two of
// them after `using namespace qgrain`.
using uint2 = integer<2, integer_range::nonnegative>;    ///< 0 to 3
using uint4 = integer<4, integer_range::nonnegative>;    ///< 0 to 15
using uint5 = integer<5, integer_range::nonnegative>;    ///< 0 to 31
using uint6 = integer<6, integer_range::nonnegative>;    ///< 0 to 63
using uint7 = integer<7, integer_range::nonnegative>;    ///< 0 to 127
using uint8 = integer<8, integer_range::nonnegative>;    ///< 0 to 255
using uint16 = integer<16, integer_range::nonnegative>;  ///< 0 to 65535

}  // namespace qgrain

#endif
