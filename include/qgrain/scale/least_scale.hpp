// What happens to scales that are zero or too small to divide by.
#ifndef QGRAIN_SCALE_LEAST_SCALE_HPP
#define QGRAIN_SCALE_LEAST_SCALE_HPP

#include <qgrain/core/bits.hpp>
#include <qgrain/core/config.hpp>
#include <qgrain/scale/arithmetic_in.hpp>

#include <concepts>
#include <string_view>

namespace qgrain {

/// Zero stays: elements of an all-zero group are 0 / 0. The codes of such a group are what the format makes of NaN.
struct any_scale {
  [[nodiscard]] static constexpr std::string_view name() noexcept { return ""; }
  template <storage_element T>
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float apply(float scale) noexcept {
    return scale;
  }
};

/// Zero becomes 1: an all-zero group has zero codes.
struct zero_scale_is_one {
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "_one"; }
  template <storage_element T>
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float apply(float scale) noexcept {
    return selected(magnitude_bits(scale) == 0, 1.0F, scale);
  }
};

namespace detail {
/// For scales, which are never negative; NaN stays.
[[nodiscard]] QGRAIN_ELEMENTWISE constexpr float raised_to(float scale, float least) noexcept {
  return float_from_magnitude(larger_of(magnitude_bits(scale), magnitude_bits(least)));
}
}  // namespace detail

/// At least 2^-23, whatever the type of the tensor: compressed-tensors.
struct at_least_f32_epsilon {
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "_eps32"; }
  template <storage_element T>
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float apply(float scale) noexcept {
    return detail::raised_to(scale, arithmetic_in<float>::epsilon);
  }
};

/// At least the epsilon of the tensor's own type (2^-7 for bfloat16): torchao.
struct at_least_own_epsilon {
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "_eps"; }
  template <storage_element T>
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float apply(float scale) noexcept {
    return detail::raised_to(scale, arithmetic_in<T>::epsilon);
  }
};

/// Rounded to another type than the one it is kept in: torchao's fp8 scale is a float32 that was computed in the
/// tensor's type. Zero stays.
template <storage_element Computed>
struct computed_in {
  [[nodiscard]] static constexpr std::string_view name() noexcept {
    return std::same_as<Computed, bfloat16> ? "_bf16" : "_f16";
  }
  template <storage_element T>
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float apply(float scale) noexcept {
    return arithmetic_in<Computed>::rounded(scale);
  }
};

}  // namespace qgrain

#endif
