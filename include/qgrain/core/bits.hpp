// Bit patterns of float32, and the by-value helpers that host and device code share.
#ifndef QGRAIN_CORE_BITS_HPP
#define QGRAIN_CORE_BITS_HPP

#include <qgrain/core/config.hpp>

#include <cstdint>

namespace qgrain {

inline constexpr std::uint32_t f32_sign_bit = 0x8000'0000U;                  ///< of a float32's pattern
inline constexpr std::uint32_t f32_infinity_bits = 0x7F80'0000U;             ///< the pattern of plus infinity
inline constexpr int f32_mantissa_bits = 23;                                 ///< stored, without the leading one
inline constexpr int f32_bias = 127;                                         ///< of the exponent field
inline constexpr std::uint64_t f64_magnitude_bits = 0x7FFF'FFFF'FFFF'FFFFU;  ///< of a float64's pattern
inline constexpr std::uint64_t f64_infinity_bits = 0x7FF0'0000'0000'0000U;   ///< the pattern of plus infinity

/// std::bit_cast that kernels can call.
[[nodiscard]] QGRAIN_ELEMENTWISE constexpr std::uint32_t bits_of(float x) noexcept {
  return __builtin_bit_cast(std::uint32_t, x);
}
/// The float of a pattern.
[[nodiscard]] QGRAIN_ELEMENTWISE constexpr float float_from_bits(std::uint32_t bits) noexcept {
  return __builtin_bit_cast(float, bits);
}

/// The pattern of |x| as a signed number: the order of magnitudes is the order of these integers, infinity next to
/// last, NaN last.
[[nodiscard]] QGRAIN_ELEMENTWISE constexpr std::int32_t magnitude_bits(float x) noexcept {
  return static_cast<std::int32_t>(bits_of(x) & ~f32_sign_bit);
}
/// The sign bit in its place, NaN included.
[[nodiscard]] QGRAIN_ELEMENTWISE constexpr std::uint32_t sign_of(float x) noexcept { return bits_of(x) & f32_sign_bit; }
/// The inverse of magnitude_bits, without a sign.
[[nodiscard]] QGRAIN_ELEMENTWISE constexpr float float_from_magnitude(std::int32_t bits) noexcept {
  return float_from_bits(static_cast<std::uint32_t>(bits));
}
/// A positive number with a sign bit of sign_of.
[[nodiscard]] QGRAIN_ELEMENTWISE constexpr float with_sign(float magnitude, std::uint32_t sign) noexcept {
  return float_from_bits(bits_of(magnitude) | sign);
}
/// By its bits, so that no compiler option removes it.
[[nodiscard]] QGRAIN_ELEMENTWISE constexpr bool is_nan(float x) noexcept {
  return magnitude_bits(x) > static_cast<std::int32_t>(f32_infinity_bits);
}
/// The same of a float64.
[[nodiscard]] QGRAIN_ELEMENTWISE constexpr bool is_nan(double x) noexcept {
  return (__builtin_bit_cast(std::uint64_t, x) & f64_magnitude_bits) > f64_infinity_bits;
}
/// Neither infinite nor NaN, by its bits too.
[[nodiscard]] QGRAIN_ELEMENTWISE constexpr bool is_finite(float x) noexcept {
  return magnitude_bits(x) < static_cast<std::int32_t>(f32_infinity_bits);
}
/// The same of a float64.
[[nodiscard]] QGRAIN_ELEMENTWISE constexpr bool is_finite(double x) noexcept {
  return (__builtin_bit_cast(std::uint64_t, x) & f64_magnitude_bits) < f64_infinity_bits;
}
/// The positive quiet NaN without further bits.
[[nodiscard]] QGRAIN_ELEMENTWISE constexpr float quiet_nan() noexcept { return float_from_bits(0x7FC0'0000U); }

/// `condition ? yes : no`, both of which are made: a floating-point operation in one arm of the operator would keep g++
/// from vectorizing the loop around it.
[[nodiscard]] QGRAIN_ELEMENTWISE constexpr std::uint32_t selected(bool condition, std::uint32_t yes,
                                                                  std::uint32_t no) noexcept {
  const std::uint32_t mask = 0U - static_cast<std::uint32_t>(condition);
  return (yes & mask) | (no & ~mask);
}
/// The same of signed numbers.
[[nodiscard]] QGRAIN_ELEMENTWISE constexpr std::int32_t selected(bool condition, std::int32_t yes,
                                                                 std::int32_t no) noexcept {
  return static_cast<std::int32_t>(
      selected(condition, static_cast<std::uint32_t>(yes), static_cast<std::uint32_t>(no)));
}
/// The same of floats, bit by bit: a NaN keeps its pattern.
[[nodiscard]] QGRAIN_ELEMENTWISE constexpr float selected(bool condition, float yes, float no) noexcept {
  return float_from_bits(selected(condition, bits_of(yes), bits_of(no)));
}

/// The sign of a NaN `result` of an operation on a and b, where it reaches a code: that of a NaN operand, a's first,
/// and minus where the operation made it (infinity / infinity). x86 gives just that, but for the factors of a product,
/// which compilers put in either order: `Ordered` says that it is a / b. Other processors make a positive one, and
/// devices drop the sign of operands too.
template <bool Ordered = false>
[[nodiscard]] QGRAIN_ELEMENTWISE constexpr std::uint32_t sign_of_computed_nan([[maybe_unused]] float result,
                                                                              [[maybe_unused]] float a,
                                                                              [[maybe_unused]] float b) noexcept {
#if defined(__x86_64__) && !defined(__CUDA_ARCH__)
  if constexpr (Ordered) return sign_of(result);
  return selected(is_nan(a), sign_of(a), sign_of(result));
#else
  return selected(is_nan(a), sign_of(a), selected(is_nan(b), sign_of(b), f32_sign_bit));
#endif
}

/// 2^exponent for a normal result, exponent in [-126, 127].
[[nodiscard]] QGRAIN_ELEMENTWISE constexpr float power_of_two(std::int32_t exponent) noexcept {
  return float_from_bits(static_cast<std::uint32_t>(exponent + f32_bias) << f32_mantissa_bits);
}

/// std::min and std::max take references, which device code cannot bind to constants; and <algorithm> would be a sixth
/// of what host.hpp compiles.
template <class T>
[[nodiscard]] QGRAIN_ELEMENTWISE constexpr T smaller_of(T a, T b) noexcept {
  return b < a ? b : a;
}
/// The first of two that compare as equal, and of a NaN and a number.
template <class T>
[[nodiscard]] QGRAIN_ELEMENTWISE constexpr T larger_of(T a, T b) noexcept {
  return a < b ? b : a;
}

}  // namespace qgrain

#endif
