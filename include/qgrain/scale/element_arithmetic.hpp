// What a scale does to an element, where that is one operation: loops over vectors can then do it in their own way.
#ifndef QGRAIN_SCALE_ELEMENT_ARITHMETIC_HPP
#define QGRAIN_SCALE_ELEMENT_ARITHMETIC_HPP

#include <cstdint>

namespace qgrain {

/// One float32 operation of an element with a factor.
enum class element_operation : std::uint8_t { other, quotient, product };

/// When the zero point of a scale is added to a quotient or product.
enum class zero_point_use : std::uint8_t {
  none,
  before_rounding,  ///< the sum is what the format rounds
  after_rounding,   ///< to the nearest integer of it, ties to even
};

/// An optional member `arithmetic` of scale policies. It promises that `scaled(x, f)` is the quotient x / f.forward or
/// the product, and `restored(q, f)` the product q * f.backward, each rounded once; with `zero_before` and `zero_after`
/// 0 is added to the results, which turns -0 into +0; with a zero point `scaled` adds f.zero_point as said and
/// `restored` takes it away before the product. A policy that derives from another and changes what that does says so
/// anew.
struct element_arithmetic {
  element_operation scaled = element_operation::other;
  element_operation restored = element_operation::other;
  bool zero_before = false;
  bool zero_after = false;
  zero_point_use zero_point = zero_point_use::none;
};

namespace detail {

template <class Scale>
[[nodiscard]] constexpr element_arithmetic arithmetic_of() noexcept {
  if constexpr (requires { Scale::arithmetic; }) return Scale::arithmetic;
  return {};
}

}  // namespace detail

}  // namespace qgrain

#endif
