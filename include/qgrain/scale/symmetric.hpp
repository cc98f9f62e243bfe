// Symmetric scales in any storage type: one number per group, from the largest magnitude, each rule a policy.
#ifndef QGRAIN_SCALE_SYMMETRIC_HPP
#define QGRAIN_SCALE_SYMMETRIC_HPP

#include <qgrain/core/config.hpp>
#include <qgrain/core/half.hpp>
#include <qgrain/core/short_name.hpp>
#include <qgrain/scale/action.hpp>
#include <qgrain/scale/arithmetic_in.hpp>
#include <qgrain/scale/least_scale.hpp>

#include <string_view>

namespace qgrain {

namespace detail {

/// The least value of a format; formats without a `lowest` are symmetric.
template <class Format>
[[nodiscard]] QGRAIN_ELEMENTWISE constexpr float lowest_value() noexcept {
  if constexpr (requires { Format::lowest; }) {
    return Format::lowest;
  } else {
    return -Format::max_finite;
  }
}

}  // namespace detail

/// absmax falls on the largest value of the format: 127 for int8.
struct to_largest_value {
  [[nodiscard]] static constexpr std::string_view name() noexcept { return ""; }
  template <class Format>
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float steps() noexcept {
    return Format::max_finite;
  }
};

/// absmax falls on half the width of the format's range: 127.5 for int8, so that +absmax itself is clipped.
struct to_half_range {
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "_half"; }
  template <class Format>
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float steps() noexcept {
    return (Format::max_finite - detail::lowest_value<Format>()) * 0.5F;
  }
};

/// s = absmax / steps, made usable by `Least`, kept as T; every operation is rounded to T.
///
/// @tparam Action how s acts on an element (action.hpp)
/// @tparam Least  what a scale of zero or next to zero becomes (least_scale.hpp)
/// @tparam T      type of the scale and of the arithmetic: float, or the 16-bit type of the tensor
/// @tparam Steps  how many steps of the format absmax stands for
///
/// A NaN in the group makes the scale and every element NaN. An infinite range gives an infinite scale: finite elements
/// are zero, infinite ones inf / inf.
template <class Action, class Least = any_scale, storage_element T = float, class Steps = to_largest_value>
struct symmetric_by : detail::one_level_scale<typename Action::template in<T>> {
  using stored_type = T;
  using action = typename Action::template in<T>;
  static constexpr int bits = 8 * static_cast<int>(sizeof(T));

  [[nodiscard]] static constexpr std::string_view name() noexcept { return name_.view(); }

  template <class Format>
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr T stored(float absmax, float) noexcept {
    const float scale = arithmetic_in<T>::div(absmax, Steps::template steps<Format>());
    return from_float<T>(Least::template apply<T>(scale));
  }
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr affine_factors factors(T scale, float) noexcept {
    return action::factors(to_float(scale), 0.0F);
  }

 private:
  static constexpr detail::short_name name_ = detail::short_name{}
                                                  .text("absmax_")
                                                  .text(arithmetic_in<T>::name())
                                                  .text(Action::name())
                                                  .text(Steps::name())
                                                  .text(Least::name());
};

/// ModelOpt's packed int4: the multiplier s = fl(fl(1 / absmax) * max) is kept as T, x * s is rounded, q / s is the
/// value, every operation rounded to T. An all-zero group has an infinite multiplier: its elements are 0 * inf, NaN.
template <storage_element T = float>
struct absmax_multiplier : detail::one_level_scale<multiply::in<T>> {
  using stored_type = T;
  static constexpr int bits = 8 * static_cast<int>(sizeof(T));

  [[nodiscard]] static constexpr std::string_view name() noexcept { return name_.view(); }

  template <class Format>
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr T stored(float absmax, float) noexcept {
    return from_float<T>(mul_rn(arithmetic_in<T>::div(1.0F, absmax), Format::max_finite));
  }
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr affine_factors factors(T multiplier, float) noexcept {
    return multiply::in<T>::factors(to_float(multiplier), 0.0F);
  }

 private:
  static constexpr detail::short_name name_ =
      detail::short_name{}.text("absmax_").text(arithmetic_in<T>::name()).text("_multiplier");
};

}  // namespace qgrain

#endif
