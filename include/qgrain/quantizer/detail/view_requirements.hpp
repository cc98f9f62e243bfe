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
#include <string_view>
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

/// What given ranges have to be.
struct range_rules {
  std::string_view scale;   ///< its name
  bool of_absmax = false;   ///< made of largest magnitudes
  bool of_ends = false;     ///< made of both ends of ranges
  bool two_levels = false;  ///< there is a tensor scale
  index_t groups = 0;
};

template <class Q>
[[nodiscard]] range_rules range_rules_of(shape2d shape) {
  using range_type = typename Q::range_type;
  return {Q::scale_type::name(), std::is_same_v<range_type, float>, std::is_same_v<range_type, signed_range>,
          Q::scale_type::tensor_bits > 0, Q::scale_count(shape)};
}

/// Of so many given ranges: they are of the kind that the scale is made of, one per group. None are always right.
[[nodiscard]] inline fault given_kinds_fault(const range_rules& rules, std::size_t absmax, std::size_t ends) {
  const auto kind_fault = [&](std::size_t count, bool right, const char* kind) -> fault {
    if (count == 0) return {};
    if (right) return count_fault("given ranges, one per scale", rules.groups, static_cast<index_t>(count));
    const char* const instead = rules.of_absmax ? "give absmax"
                                : rules.of_ends ? "give ends"
                                                : "give scales to quantize_with_scales";
    return {errc::invalid_argument, std::string(rules.scale) + " is not made of " + kind + ", of which " +
                                        std::to_string(count) + " are given: " + instead};
  };
  return first_fault([&] { return kind_fault(absmax, rules.of_absmax, "largest magnitudes"); },
                     [&] { return kind_fault(ends, rules.of_ends, "both ends of ranges"); });
}

/// Tensor scales, one per matrix, are for stacks.
[[nodiscard]] inline fault single_matrix_fault(std::size_t tensor_scales) {
  if (tensor_scales == 0) return {};
  return {errc::invalid_argument, "tensor scales of " + std::to_string(tensor_scales) +
                                      " matrices are given for 1 that is no stack: give tensor_scale"};
}

/// As many as matrices, and none for all of them.
[[nodiscard]] inline fault tensor_scales_fault(index_t matrices, std::size_t tensor_scales, bool of_all) {
  if (tensor_scales == 0) return {};
  if (of_all) {
    return {errc::invalid_argument, "1 tensor scale for all matrices and " + std::to_string(tensor_scales) +
                                        " tensor scales, one per matrix, are both given: give one of them"};
  }
  return count_fault("given tensor scales, one per matrix", matrices, static_cast<index_t>(tensor_scales));
}

}  // namespace qgrain::detail

#endif
