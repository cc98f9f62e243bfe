// How a stored scale and zero point act on an element: divide or multiply, and when the zero point is added.
#ifndef QGRAIN_SCALE_ACTION_HPP
#define QGRAIN_SCALE_ACTION_HPP

#include <qgrain/core/arithmetic.hpp>
#include <qgrain/core/bits.hpp>
#include <qgrain/core/config.hpp>
#include <qgrain/format/rounding.hpp>
#include <qgrain/scale/arithmetic_in.hpp>
#include <qgrain/scale/element_arithmetic.hpp>

#include <concepts>
#include <string_view>

namespace qgrain {

/// A scale and a zero point, ready for use.
struct affine_factors {
  float forward;
  float backward;
  float zero_point;
};

namespace detail {

/// The nearest integer, ties to even, of any float: from 2^22 on it is one already, or far outside every code.
[[nodiscard]] QGRAIN_ELEMENTWISE constexpr float nearest_integer(float x) noexcept {
  constexpr float beyond = 4194304.0F;
  const float nearest = with_sign(nearest_even_integer(float_from_magnitude(magnitude_bits(x))), sign_of(x));
  return selected(magnitude_bits(x) >= magnitude_bits(beyond), x, nearest);
}

/// Other types round every result once more.
template <storage_element T>
[[nodiscard]] constexpr element_arithmetic in_float32(element_arithmetic arithmetic) noexcept {
  return std::same_as<T, float> ? arithmetic : element_arithmetic{};
}

/// What the actions have in common: the way back is (q - zero point) * scale.
template <storage_element T>
struct action_base {
  using arithmetic = arithmetic_in<T>;
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr affine_factors factors(float scale, float zero_point) noexcept {
    return {scale, scale, zero_point};
  }
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float restored(float q, affine_factors f) noexcept {
    return arithmetic::mul(arithmetic::sub(q, f.zero_point), f.backward);
  }
};

}  // namespace detail

namespace detail {

/// What scale policies of one level share: nothing is kept per tensor, and `Action` does the work on elements.
template <class Action>
struct one_level_scale {
  using factors_type = affine_factors;
  static constexpr int tensor_bits = 0;
  static constexpr element_arithmetic arithmetic = arithmetic_of<Action>();

  template <class Format>
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float tensor_scale(float) noexcept {
    return 1.0F;
  }
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float scaled(float x, affine_factors f) noexcept {
    return Action::scaled(x, f);
  }
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float restored(float q, affine_factors f) noexcept {
    return Action::restored(q, f);
  }
};

}  // namespace detail

/// x / s: symmetric scales of torchao's and ModelOpt's fp8, ModelOpt's packed int8. There is no zero point.
struct divide {
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "_divide"; }
  template <storage_element T>
  struct in : detail::action_base<T> {
    static constexpr element_arithmetic arithmetic =
        detail::in_float32<T>({element_operation::quotient, element_operation::product});
    [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float scaled(float x, affine_factors f) noexcept {
      return arithmetic_in<T>::div(x, f.forward);
    }
    [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float restored(float q, affine_factors f) noexcept {
      return arithmetic_in<T>::mul(q, f.backward);
    }
  };
};

/// round(x / s + z): compressed-tensors. Symmetric scales add z = 0, which turns -0 into +0.
struct divide_add_round {
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "_add"; }
  template <storage_element T>
  struct in : detail::action_base<T> {
    static constexpr element_arithmetic arithmetic = detail::in_float32<T>(
        {element_operation::quotient, element_operation::product, false, false, zero_point_use::before_rounding});
    [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float scaled(float x, affine_factors f) noexcept {
      return arithmetic_in<T>::add(arithmetic_in<T>::div(x, f.forward), f.zero_point);
    }
  };
};

/// round(x / s) + z, ties to even whatever the quantizer's rounding: ONNX.
struct divide_round_add {
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "_round"; }
  template <storage_element T>
  struct in : detail::action_base<T> {
    static constexpr element_arithmetic arithmetic = detail::in_float32<T>(
        {element_operation::quotient, element_operation::product, false, false, zero_point_use::after_rounding});
    [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float scaled(float x, affine_factors f) noexcept {
      return arithmetic_in<T>::add(detail::nearest_integer(arithmetic_in<T>::div(x, f.forward)), f.zero_point);
    }
  };
};

/// round(x * fl(1 / s)) + z, ties to even whatever the quantizer's rounding: torchao.
struct invert_round_add {
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "_invert"; }
  template <storage_element T>
  struct in : detail::action_base<T> {
    static constexpr element_arithmetic arithmetic = detail::in_float32<T>(
        {element_operation::product, element_operation::product, false, false, zero_point_use::after_rounding});
    [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr affine_factors factors(float scale, float zero_point) noexcept {
      return {arithmetic_in<T>::div(1.0F, scale), scale, zero_point};
    }
    [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float scaled(float x, affine_factors f) noexcept {
      return arithmetic_in<T>::add(detail::nearest_integer(arithmetic_in<T>::mul(x, f.forward)), f.zero_point);
    }
  };
};

/// x * s on the way to the codes, q / s back: s is a multiplier, there is no zero point.
struct multiply {
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "_multiply"; }
  template <storage_element T>
  struct in {
    [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr affine_factors factors(float scale, float zero_point) noexcept {
      return {scale, scale, zero_point};
    }
    [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float scaled(float x, affine_factors f) noexcept {
      return arithmetic_in<T>::mul(x, f.forward);
    }
    [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float restored(float q, affine_factors f) noexcept {
      return arithmetic_in<T>::div(q, f.backward);
    }
  };
};

}  // namespace qgrain

#endif
