// What a scale is made from: the largest magnitude of a group, or how far the group reaches to both sides of zero.
#ifndef QGRAIN_SCALE_RANGE_HPP
#define QGRAIN_SCALE_RANGE_HPP

#include <qgrain/core/arithmetic.hpp>
#include <qgrain/core/bits.hpp>
#include <qgrain/core/config.hpp>

namespace qgrain {

/// How far a group reaches below and above zero, both as magnitudes: its minimum is -below, its maximum above, and zero
/// always lies between them. Default: the range of nothing. A NaN in the group makes one of the two NaN.
struct signed_range {
  float below = 0.0F;
  float above = 0.0F;
};

/// The range of values in [least, largest], which is widened to hold zero: range_between(0.5F, 3.0F) is that of 0 to 3.
/// Where least > largest both ends are what is left of them; check values that come from outside before.
[[nodiscard]] QGRAIN_ELEMENTWISE constexpr signed_range range_between(float least, float largest) noexcept {
  return {least < 0.0F ? -least : least != least ? least : 0.0F, largest < 0.0F ? 0.0F : largest};
}

/// Of either end.
[[nodiscard]] QGRAIN_ELEMENTWISE constexpr bool is_nan(signed_range range) noexcept {
  return is_nan(range.below) || is_nan(range.above);
}

/// The largest magnitude so far and one more element, NaN counting as larger than infinity.
[[nodiscard]] QGRAIN_ELEMENTWISE constexpr float widened(float absmax, float x) noexcept {
  return float_from_magnitude(larger_of(magnitude_bits(absmax), magnitude_bits(x)));
}

/// The same on both sides: as integers the patterns of negative numbers lie below zero, so an element only widens its
/// own side. The order of elements does not matter, and no NaN is lost.
[[nodiscard]] QGRAIN_ELEMENTWISE constexpr signed_range widened(signed_range range, float x) noexcept {
  const std::uint32_t bits = bits_of(x);
  const auto above = static_cast<std::int32_t>(bits);
  const auto below = static_cast<std::int32_t>(bits ^ f32_sign_bit);
  return {float_from_magnitude(larger_of(magnitude_bits(range.below), below)),
          float_from_magnitude(larger_of(magnitude_bits(range.above), above))};
}

/// A range that holds both: parts of a group may be looked at apart, in any order, and no NaN is lost.
[[nodiscard]] QGRAIN_ELEMENTWISE constexpr signed_range widened(signed_range a, signed_range b) noexcept {
  return {widened(a.below, b.below), widened(a.above, b.above)};
}

/// The range times a positive factor, both ends alike, each product rounded once. NaN stays as it is.
[[nodiscard]] QGRAIN_ELEMENTWISE constexpr float range_times(float absmax, float factor) noexcept {
  return is_nan(absmax) ? absmax : mul_rn(absmax, factor);
}
/// Both ends times a factor, as searches try ranges.
[[nodiscard]] QGRAIN_ELEMENTWISE constexpr signed_range range_times(signed_range range, float factor) noexcept {
  return {range_times(range.below, factor), range_times(range.above, factor)};
}

namespace detail {
template <class Scale>
struct range_of {
  using type = float;
};
template <class Scale>
requires requires { typename Scale::range_type; }
struct range_of<Scale> {
  using type = typename Scale::range_type;
};
}  // namespace detail

/// The range that a scale policy asks for: its `range_type`, or the largest magnitude (float) where it names none.
template <class Scale>
using range_of = typename detail::range_of<Scale>::type;

}  // namespace qgrain

#endif
