// float32 arithmetic whose every result is rounded to a storage type: what a tool does that stays in the tensor's own
// type.
#ifndef QGRAIN_SCALE_ARITHMETIC_IN_HPP
#define QGRAIN_SCALE_ARITHMETIC_IN_HPP

#include <qgrain/core/arithmetic.hpp>
#include <qgrain/core/config.hpp>
#include <qgrain/core/half.hpp>

#include <concepts>
#include <string_view>

namespace qgrain {

/// Operations on values of T, given and returned as floats. For float itself nothing is rounded a second time; a
/// 16-bit result is the float32 result rounded once more, to nearest, ties to even, as CPU libraries compute it.
template <storage_element T>
struct arithmetic_in {
  [[nodiscard]] static constexpr std::string_view name() noexcept {
    return std::same_as<T, float> ? "f32" : std::same_as<T, bfloat16> ? "bf16" : "f16";
  }
  /// The distance from 1 to the next number.
  static constexpr float epsilon = power_of_two(std::same_as<T, float> ? -23 : std::same_as<T, bfloat16> ? -7 : -10);

  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float rounded(float x) noexcept {
    return to_float(from_float<T>(x));
  }
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float add(float a, float b) noexcept {
    return rounded(add_rn(a, b));
  }
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float sub(float a, float b) noexcept {
    return rounded(sub_rn(a, b));
  }
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float mul(float a, float b) noexcept {
    return rounded(mul_rn(a, b));
  }
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float div(float a, float b) noexcept {
    return rounded(div_rn(a, b));
  }
};

}  // namespace qgrain

#endif
