// Which element stages have loops over lanes of their own, and what those need to know of a group.
//
// The quotient x / s is made of the rounded reciprocal y = fl(1 / s): q = fl(x y), r = x - q s in one fused operation,
// x / s = fl(q + r y) in another. Why this has the bits of a division, for s in [2^-64, 2^24) and quotients from 2^-20
// on (smaller ones have code 0 in every format here, with the sign of x; where a product overflows it is NaN, which
// goes through the definition): with the significands X and S of x and s, q is less than 1.5 units in the last place
// from x / s, r is exact or rounded by one part in 2^24, and y s lies within S 2^-25 of 1, so that q + r y is
// within 1.5 (S 2^-25 + 2^-24) units of x / s. Where the quotient is nearer than that to the middle of two floats, its
// numerator in units of S is one of six odd or even numbers on either side of it, which leaves a few X for each S: the
// test goes through all of them for all S.
//
// Codes of signed integers need no such quotient. With y = fl(2^16 / s), f = the integer next to fl(x y + 2^15 + 2) is
// within 1.25 of 2^16 x / s + 2^15 + 2 for quotients up to 128 (0.5 for y, at most 0.5 for the sum and 0.25 with 0.5
// for the integer), and the float32 quotient within 0.5 of 2^16 x / s. Where the lower 16 bits of f are none of 0 to 3,
// both lie on the same side of the next tie, and the upper 16 bits are the code, or beyond the format on the right
// side. NaN and what is no integer of 32 bits come as -2^31, whose lower bits are 0. Where they are, which of 64
// elements of random data happens once in 250 times, the quotient above decides.
//
// A faked float is the magnitude m rounded to a multiple of its step, by an anchor a: a - fl(a - m). The anchor is m
// times the power of two that makes the step its last place, or, for subnormal codes, 1.5 times the least such power.
// So a - m is rounded to steps; where it leaves the binade downwards, to half of them, m is next to a power of two,
// which is a multiple of either. An m halfway between two steps has few digits, so that a is an even number of steps
// and the even one of a - m the even one of m.
#ifndef QGRAIN_HOST_DETAIL_LANE_RULES_HPP
#define QGRAIN_HOST_DETAIL_LANE_RULES_HPP

#include <qgrain/core/bits.hpp>
#include <qgrain/core/matrix_view.hpp>
#include <qgrain/format/minifloat.hpp>
#include <qgrain/format/rounding.hpp>
#include <qgrain/scale/element_arithmetic.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

namespace qgrain::detail {

/// Scales that a quotient may be made with as above.
[[nodiscard]] QGRAIN_ELEMENTWISE constexpr bool divides_in_lanes(float s) noexcept {
  return bits_of(s) - bits_of(power_of_two(-64)) < bits_of(power_of_two(24)) - bits_of(power_of_two(-64));
}

/// Integers of a byte at most.
template <class Format>
[[nodiscard]] constexpr bool is_small_integer() noexcept {
  if constexpr (requires { Format::is_signed; }) return Format::bits <= 8;
  return false;
}

/// Floats of a byte at most whose steps a float32 sum can count (minifloat::has_anchor), without a rule for zero.
template <class Format>
[[nodiscard]] constexpr bool is_small_float() noexcept {
  if constexpr (requires { Format::specials; }) {
    return Format::bits <= 8 && Format::mantissa_bits > 0 && Format::specials != special_values::nan_at_negative_zero &&
           (1 << Format::exponent_bits) - 1 - Format::bias + f32_mantissa_bits - Format::mantissa_bits <= f32_bias;
  }
  return false;
}

/// Codebooks of sixteen entries. A quotient that is too small to have the bits of a division is nearer to zero than
/// all limits between codes.
template <class Format>
[[nodiscard]] constexpr bool is_codebook_of_16() noexcept {
  if constexpr (requires { Format::template last_of<14>; }) {
    if constexpr (Format::size == 16) {
      return []<int... I>(std::integer_sequence<int, I...>) {
        return ((magnitude_bits(Format::template last_of<I>) >= magnitude_bits(power_of_two(-19))) && ...);
      }
      (std::make_integer_sequence<int, 15>{});
    }
  }
  return false;
}

/// A zero point of a float format is 0, which is added before the format rounds.
template <class Scale>
[[nodiscard]] constexpr bool fits_floats() noexcept {
  return arithmetic_of<Scale>().zero_point != zero_point_use::after_rounding;
}

template <class Element>
inline constexpr bool encodes_in_lanes =
    arithmetic_of<typename Element::scale_type>().scaled
        != element_operation::other&& std::is_same_v<typename Element::rounding_type, nearest_even> &&
    (is_small_integer<typename Element::format_type>() ||
     (is_small_float<typename Element::format_type>() && fits_floats<typename Element::scale_type>()) ||
     (is_codebook_of_16<typename Element::format_type>() &&
      arithmetic_of<typename Element::scale_type>().zero_point == zero_point_use::none));

template <class Element>
inline constexpr bool restores_in_lanes = arithmetic_of<typename Element::scale_type>().restored
                                          == element_operation::product;

/// Codes that binary16 holds once they are shifted: short of e5m2, without its infinities.
template <class Format>
[[nodiscard]] constexpr bool is_shifted_half() noexcept {
  if constexpr (is_small_float<Format>()) {
    return Format::exponent_bits < 5 || (Format::exponent_bits == 5 && Format::specials == special_values::ieee);
  }
  return false;
}

template <class Element>
inline constexpr bool decodes_in_lanes = restores_in_lanes<Element> &&
                                         (is_small_integer<typename Element::format_type>() ||
                                          is_shifted_half<typename Element::format_type>() ||
                                          is_codebook_of_16<typename Element::format_type>());

/// Eight bits that become binary16 by one shift where none is NaN.
template <class Format>
[[nodiscard]] constexpr bool is_shifted_byte() noexcept {
  if constexpr (is_shifted_half<Format>()) {
    return Format::bits == 8 && Format::specials == special_values::nan_at_ones;
  }
  return false;
}

/// Values that shifted codes stand for, in units of what binary16 makes of them.
template <class Format>
inline constexpr float shifted_unit = power_of_two(15 - Format::bias);

/// Scales of groups that are such codes.
template <class Scale>
[[nodiscard]] constexpr bool has_shifted_scales() noexcept {
  if constexpr (requires { typename Scale::block_format; }) return is_shifted_byte<typename Scale::block_format>();
  return false;
}

/// Scales of groups whose values come without codes in between.
template <class Scale>
[[nodiscard]] constexpr bool has_kept_scales() noexcept {
  if constexpr (requires { typename Scale::kept_by; }) return std::is_same_v<typename Scale::kept_by, Scale>;
  return false;
}

/// What a small float's codes are counted with: minifloat::code_of, in numbers.
template <class Format>
struct step_counts {
  static constexpr int unused_bits = f32_mantissa_bits - Format::mantissa_bits;
  static constexpr std::int32_t least_binade = (f32_bias + 1 - Format::bias) << f32_mantissa_bits;
  static constexpr std::int32_t anchor_distance = unused_bits << f32_mantissa_bits;
  /// Begun in the anchor, the count of steps and the anchor's exponent add up to a code: an even number, which leaves
  /// ties as they are.
  static constexpr std::int32_t first_count =
      (0 - (((least_binade + anchor_distance) >> unused_bits) & (Format::sign_code - 1))) & (Format::sign_code - 1);
  static_assert(first_count % 2 == 0);
};

/// What an operation on elements is to the loops over lanes; `none`: the definition does it.
enum class lane_work : std::uint8_t { none, encode, fake, decode };

/// Bounds the scratch of a block, which lies on the stack, and keeps a block of the usual group sizes within the first
/// cache.
inline constexpr index_t max_block_groups = 128;
/// The same where codes are made of 16-bit values.
inline constexpr index_t max_half_block_groups = 256;

template <class Factors>
using block_factors = std::array<Factors, static_cast<std::size_t>(max_half_block_groups)>;

/// The factors of each group of a block, ready for lanes.
struct group_numbers {
  block_factors<float> forward;
  block_factors<float> reciprocal;
  block_factors<float> kept_sign;  ///< patterns above keep their sign
  block_factors<float> backward;
  block_factors<float> zero_point;
  bool has_wide = false;  ///< numbers other than zero may have a quotient of zero
};

}  // namespace qgrain::detail

#endif
