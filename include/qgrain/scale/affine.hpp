// Affine scales: a scale and an integer zero point per group, from its minimum and maximum.
#ifndef QGRAIN_SCALE_AFFINE_HPP
#define QGRAIN_SCALE_AFFINE_HPP

#include <qgrain/core/bits.hpp>
#include <qgrain/core/config.hpp>
#include <qgrain/core/half.hpp>
#include <qgrain/core/short_name.hpp>
#include <qgrain/scale/action.hpp>
#include <qgrain/scale/arithmetic_in.hpp>
#include <qgrain/scale/least_scale.hpp>
#include <qgrain/scale/range.hpp>

#include <cstdint>
#include <string_view>

namespace qgrain {

/// What is kept per group. The value of a code q is (q - zero_point) * scale.
template <storage_element T, class Integer>
struct affine_scale {
  T scale{};
  Integer zero_point = 0;
  friend constexpr bool operator==(affine_scale, affine_scale) = default;
};

namespace detail {

/// max(least, min(x, most)) of any sign; NaN becomes 0, which is where zero points of undefined ranges end.
[[nodiscard]] QGRAIN_ELEMENTWISE constexpr float clamp_zero_point(float x, float least, float most) noexcept {
  return selected(is_nan(x), 0.0F, larger_of(least, smaller_of(x, most)));
}

/// Whether codes are the integers that they stand for, with two ends: a zero point is added to codes.
template <class Format>
[[nodiscard]] QGRAIN_HOST_DEVICE constexpr bool codes_are_integers() noexcept {
  if constexpr (requires { Format::lowest; }) {
    return Format::decode(static_cast<typename Format::code_type>(1)) == 1.0F;
  } else {
    return false;
  }
}

/// Both rules below: the width of the range falls on the width of the format's range.
template <storage_element T, class Format>
[[nodiscard]] QGRAIN_ELEMENTWISE constexpr float minmax_scale(signed_range range) noexcept {
  return arithmetic_in<T>::div(arithmetic_in<T>::add(range.above, range.below), Format::max_finite - Format::lowest);
}

}  // namespace detail

/// z = round(clamp(lowest - min / s)), ties to even: compressed-tensors, ONNX DynamicQuantizeLinear.
struct zero_point_rounded_last {
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "minmax_"; }
  template <storage_element T, class Format>
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float scale(signed_range range) noexcept {
    return detail::minmax_scale<T, Format>(range);
  }
  template <storage_element T, class Format>
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float zero_point(signed_range range, float scale) noexcept {
    const float place = arithmetic_in<T>::sub(Format::lowest, arithmetic_in<T>::div(-range.below, scale));
    return detail::nearest_integer(detail::clamp_zero_point(place, Format::lowest, Format::max_finite));
  }
};

/// z = clamp(lowest - round(min / s)), ties to even: torchao.
struct zero_point_rounded_first {
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "minmax1_"; }
  template <storage_element T, class Format>
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float scale(signed_range range) noexcept {
    return detail::minmax_scale<T, Format>(range);
  }
  template <storage_element T, class Format>
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float zero_point(signed_range range, float scale) noexcept {
    const float steps = detail::nearest_integer(arithmetic_in<T>::div(-range.below, scale));
    const float place = arithmetic_in<T>::sub(Format::lowest, steps);
    return detail::clamp_zero_point(place, Format::lowest, Format::max_finite);
  }
};

/// s = max(min / lowest, max / highest), z = 0: torchao's symmetric scale that never clips.
struct zero_point_of_nothing {
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "ends_"; }
  template <storage_element T, class Format>
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float scale(signed_range range) noexcept {
    const float below = arithmetic_in<T>::div(range.below, -Format::lowest);
    const float above = arithmetic_in<T>::div(range.above, Format::max_finite);
    return float_from_magnitude(larger_of(magnitude_bits(below), magnitude_bits(above)));
  }
  template <storage_element T, class Format>
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float zero_point(signed_range, float) noexcept {
    return 0.0F;
  }
};

/// A scale of type T and a zero point per group. Zero is always inside the range and always has a code of its own.
///
/// @tparam Action how scale and zero point act on an element (action.hpp)
/// @tparam Rule   scale and zero point from minimum and maximum: zero_point_rounded_last and its kin
/// @tparam Least  what a scale of zero or next to zero becomes (least_scale.hpp)
/// @tparam T      type of the scale and of the arithmetic
///
/// A NaN in the group makes the scale and every element NaN, the zero point 0. An infinite range gives an infinite
/// scale, and zero point 0 where the rule has no number: values come back as NaN or infinite.
template <class Action, class Rule, class Least = any_scale, storage_element T = float, class Integer = std::int32_t>
struct affine_by : detail::one_level_scale<typename Action::template in<T>> {
  using range_type = signed_range;
  using stored_type = affine_scale<T, Integer>;
  using action = typename Action::template in<T>;
  static constexpr int bits = 8 * static_cast<int>(sizeof(T) + sizeof(Integer));

  [[nodiscard]] static constexpr std::string_view name() noexcept { return name_.view(); }

  template <class Format>
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr stored_type stored(signed_range range, float) noexcept {
    static_assert(
        detail::codes_are_integers<Format>(),
        "qgrain::affine_by: a zero point needs an integer format; use symmetric_by or absmax_f32 for anything else");
    const float scale = Least::template apply<T>(Rule::template scale<T, Format>(range));
    const float usable = selected(is_nan(range), quiet_nan(), scale);
    const float zero_point = Rule::template zero_point<T, Format>(range, usable);
    return {from_float<T>(usable), static_cast<Integer>(static_cast<std::int32_t>(zero_point))};
  }
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr affine_factors factors(stored_type stored, float) noexcept {
    return action::factors(to_float(stored.scale), static_cast<float>(stored.zero_point));
  }

 private:
  static constexpr detail::short_name name_ =
      detail::short_name{}.text(Rule::name()).text(arithmetic_in<T>::name()).text(Action::name()).text(Least::name());
};

/// The plain asymmetric scale: s = (max - min) / (highest - lowest code), z = round(lowest - min / s), codes
/// round(x / s) + z, all ties to even; a group of zeros has scale 1. ONNX's QuantizeLinear and DynamicQuantizeLinear.
using minmax_f32 = affine_by<divide_round_add, zero_point_rounded_last, zero_scale_is_one>;

}  // namespace qgrain

#endif
