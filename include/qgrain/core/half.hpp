// The two 16-bit floating-point types as storage, with exact widening and rounding to nearest, ties to even.
#ifndef QGRAIN_CORE_HALF_HPP
#define QGRAIN_CORE_HALF_HPP

#include <qgrain/core/arithmetic.hpp>
#include <qgrain/core/bits.hpp>
#include <qgrain/core/config.hpp>

#include <concepts>
#include <cstdint>
#include <type_traits>

namespace qgrain {

/// The upper half of a float32.
struct bfloat16 {
  std::uint16_t bits = 0;
  friend constexpr bool operator==(bfloat16, bfloat16) = default;  ///< equal patterns, not equal values
};

/// IEEE binary16.
struct float16 {
  std::uint16_t bits = 0;
  friend constexpr bool operator==(float16, float16) = default;  ///< equal patterns, not equal values
};

/// A type whose elements widen to float32 without loss and can be rounded back.
template <class T>
concept storage_element = std::same_as<T, float> || std::same_as<T, bfloat16> || std::same_as<T, float16>;

/// The element of a view that is only read: const or not.
template <class T>
concept readable_element = storage_element<std::remove_const_t<T>>;

/// The value as float32, exact; a NaN keeps its sign and its upper digits.
[[nodiscard]] QGRAIN_ELEMENTWISE constexpr float to_float(float x) noexcept { return x; }

/// The same of bfloat16.
[[nodiscard]] QGRAIN_ELEMENTWISE constexpr float to_float(bfloat16 x) noexcept {
  return float_from_bits(static_cast<std::uint32_t>(x.bits) << 16U);
}

/// The same of float16, subnormal numbers among them.
[[nodiscard]] QGRAIN_ELEMENTWISE constexpr float to_float(float16 x) noexcept {
  constexpr std::uint32_t rebias = static_cast<std::uint32_t>(f32_bias - 15) << f32_mantissa_bits;
  const std::uint32_t magnitude = x.bits & 0x7FFFU;
  const std::uint32_t sign = static_cast<std::uint32_t>(x.bits & 0x8000U) << 16U;
  const std::uint32_t shifted = (magnitude << 13U) + rebias;
  // Subnormals: place the digits under the leading one of 2^-14 and take that one away again; exact.
  const std::uint32_t subnormal = bits_of(float_from_bits(shifted + (1U << f32_mantissa_bits)) - power_of_two(-14));
  const std::uint32_t special = (magnitude << 13U) | f32_infinity_bits;
  const std::uint32_t finite = selected(magnitude < 0x0400U, subnormal, shifted);
  return float_from_bits(selected(magnitude >= 0x7C00U, special, finite) | sign);
}

/// Rounds float32 to T, ties to even. Overflow gives infinity; a NaN keeps its sign and becomes quiet.
template <storage_element T>
[[nodiscard]] QGRAIN_ELEMENTWISE constexpr T from_float(float x) noexcept;

template <>
[[nodiscard]] QGRAIN_ELEMENTWISE constexpr float from_float<float>(float x) noexcept {
  return x;
}

template <>
[[nodiscard]] QGRAIN_ELEMENTWISE constexpr bfloat16 from_float<bfloat16>(float x) noexcept {
  const std::uint32_t bits = bits_of(x);
  const std::uint32_t rounded = (bits + 0x7FFFU + ((bits >> 16U) & 1U)) >> 16U;
  return {static_cast<std::uint16_t>(is_nan(x) ? (bits >> 16U) | 0x0040U : rounded)};
}

template <>
[[nodiscard]] QGRAIN_ELEMENTWISE constexpr float16 from_float<float16>(float x) noexcept {
  constexpr std::int32_t overflow = 0x4780'0000;  // 65536: the pattern one past the largest is that of infinity
  constexpr std::int32_t least_exponent = f32_bias - 14;
  const std::int32_t magnitude = magnitude_bits(x);
  const std::int32_t clamped = smaller_of(magnitude, overflow);
  const std::int32_t exponent = larger_of(clamped >> f32_mantissa_bits, least_exponent);
  // The sum's last place is the code's last place, so adding rounds and leaves the significand in the low bits.
  const std::uint32_t anchor = static_cast<std::uint32_t>(exponent + f32_mantissa_bits - 10) << f32_mantissa_bits;
  const std::uint32_t significand = bits_of(add_rn(float_from_magnitude(clamped), float_from_bits(anchor))) - anchor;
  const std::uint32_t code = (static_cast<std::uint32_t>(exponent - least_exponent) << 10U) + significand;
  const std::uint32_t limited = smaller_of(code, 0x7C00U);
  const std::uint32_t nan = 0x7E00U | ((static_cast<std::uint32_t>(magnitude) >> 13U) & 0x01FFU);
  return {static_cast<std::uint16_t>(selected(is_nan(x), nan, limited) | (sign_of(x) >> 16U))};
}

}  // namespace qgrain

#endif
