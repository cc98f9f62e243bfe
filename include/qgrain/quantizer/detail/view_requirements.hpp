// What the operations of both backends ask of views, and of ranges that are given.
#ifndef QGRAIN_QUANTIZER_DETAIL_VIEW_REQUIREMENTS_HPP
#define QGRAIN_QUANTIZER_DETAIL_VIEW_REQUIREMENTS_HPP

#include <qgrain/core/detail/requirements.hpp>
#include <qgrain/core/matrix_view.hpp>
#include <qgrain/core/status.hpp>
#include <qgrain/quantizer/packed_view.hpp>
#include <qgrain/scale/range.hpp>

#include <cstddef>
#include <string>
#include <type_traits>

namespace qgrain::detail {

/// Of a quantized_view or packed_view.
template <class Q, class View>
[[nodiscard]] fault memory_fault(const char* what, const View& view) {
  if (view.codes != nullptr && view.scales != nullptr &&
      (Q::scale_type::tensor_bits == 0 || view.tensor_scale != nullptr)) {
    return {};
  }
  return {errc::invalid_argument, std::string(what) + " has no memory for codes, scales or the tensor scale"};
}

template <class Q>
[[nodiscard]] fault packed_shape_fault(shape2d shape) {
  if (fault found = quantizer_fault<Q>(shape)) return found;
  const status verdict = check_packed<Q>(shape);
  if (verdict) return {};
  return shape_fault(verdict, std::string("packing ").append(std::to_string(Q::format_type::bits)).append(" bits"),
                     shape);
}

/// Of so many given ranges: they are of the kind that the scale is made of, one per group. None are always right.
template <class Q>
[[nodiscard]] fault given_kinds_fault(shape2d shape, std::size_t absmax, std::size_t ends) {
  using range_type = typename Q::range_type;
  constexpr bool of_absmax = std::is_same_v<range_type, float>;
  constexpr bool of_ends = std::is_same_v<range_type, signed_range>;
  const auto kind_fault = [&](std::size_t count, bool right, const char* kind) -> fault {
    if (count == 0) return {};
    if (right) return count_fault("given ranges, one per scale", Q::scale_count(shape), static_cast<index_t>(count));
    constexpr const char* instead = of_absmax ? "give absmax"
                                    : of_ends ? "give ends"
                                              : "give scales to quantize_with_scales";
    return {errc::invalid_argument, std::string(Q::scale_type::name()) + " is not made of " + kind + ", of which " +
                                        std::to_string(count) + " are given: " + instead};
  };
  return first_fault([&] { return kind_fault(absmax, of_absmax, "largest magnitudes"); },
                     [&] { return kind_fault(ends, of_ends, "both ends of ranges"); });
}

}  // namespace qgrain::detail

#endif
