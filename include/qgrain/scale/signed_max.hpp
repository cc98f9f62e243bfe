// Symmetric scales from the element of the largest magnitude, its sign included.
#ifndef QGRAIN_SCALE_SIGNED_MAX_HPP
#define QGRAIN_SCALE_SIGNED_MAX_HPP

#include <qgrain/core/bits.hpp>
#include <qgrain/core/config.hpp>
#include <qgrain/core/half.hpp>
#include <qgrain/core/short_name.hpp>
#include <qgrain/scale/action.hpp>
#include <qgrain/scale/arithmetic_in.hpp>
#include <qgrain/scale/range.hpp>

#include <string_view>

namespace qgrain {

/// The first element, in row-major order, of the largest magnitude, sign kept; NaN counts as largest. Unlike the other
/// ranges this one depends on the order of elements, where both signs share the largest magnitude.
struct signed_largest {
  float value = 0.0F;
};

/// Whether a NaN was among the elements.
[[nodiscard]] QGRAIN_ELEMENTWISE constexpr bool is_nan(signed_largest range) noexcept { return is_nan(range.value); }

/// `x` comes after the elements seen so far.
[[nodiscard]] QGRAIN_ELEMENTWISE constexpr signed_largest widened(signed_largest range, float x) noexcept {
  return {magnitude_bits(x) > magnitude_bits(range.value) ? x : range.value};
}
/// The elements of `b` come after those of `a`.
[[nodiscard]] QGRAIN_ELEMENTWISE constexpr signed_largest widened(signed_largest a, signed_largest b) noexcept {
  return widened(a, b.value);
}

/// Times a factor, as searches try ranges.
[[nodiscard]] QGRAIN_ELEMENTWISE constexpr signed_largest range_times(signed_largest range, float factor) noexcept {
  return {range_times(range.value, factor)};
}

/// s = largest / lowest value of the format (-8 for int4), which may be negative: the element of the largest magnitude
/// falls on the lowest code whatever its sign, so that the whole range of a two's-complement format is used (the range
/// of ggml's q4_0 and q5_0). An element of the same magnitude and the other sign is clipped by one step. Elements are
/// divided by s. The scale has type T, and every operation is rounded to T.
///
/// All-zero group: s = 1. A NaN in the group makes the scale and every element NaN; an infinity makes the scale
/// infinite, finite elements 0 * inf, NaN.
template <storage_element T = float>
struct signed_max : detail::one_level_scale<divide::in<T>> {
  using range_type = signed_largest;
  using stored_type = T;
  static constexpr int bits = 8 * static_cast<int>(sizeof(T));

  [[nodiscard]] static constexpr std::string_view name() noexcept { return name_.view(); }

  template <class Format>
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr T stored(signed_largest range, float) noexcept {
    static_assert(
        requires { requires Format::lowest < -Format::max_finite; },
        "qgrain::signed_max: a format that reaches as far above zero as below gains nothing from the sign; use "
        "absmax_f32 or symmetric_by");
    const float scale = arithmetic_in<T>::div(range.value, Format::lowest);
    return from_float<T>(magnitude_bits(scale) == 0 ? 1.0F : scale);
  }
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr affine_factors factors(T scale, float) noexcept {
    return divide::in<T>::factors(to_float(scale), 0.0F);
  }

 private:
  static constexpr detail::short_name name_ = detail::short_name{}.text("signed_max_").text(arithmetic_in<T>::name());
};

}  // namespace qgrain

#endif
