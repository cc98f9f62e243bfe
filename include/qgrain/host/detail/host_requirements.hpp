// What the bulk operations of the host ask of their arguments before they write anything.
#ifndef QGRAIN_HOST_DETAIL_HOST_REQUIREMENTS_HPP
#define QGRAIN_HOST_DETAIL_HOST_REQUIREMENTS_HPP

#include <qgrain/core/bits.hpp>
#include <qgrain/core/detail/requirements.hpp>
#include <qgrain/core/half.hpp>
#include <qgrain/core/matrix_view.hpp>
#include <qgrain/core/stack_view.hpp>
#include <qgrain/core/status.hpp>
#include <qgrain/host/given_ranges.hpp>
#include <qgrain/quantizer/detail/view_requirements.hpp>
#include <qgrain/quantizer/given_scales.hpp>
#include <qgrain/scale/range.hpp>

#include <cstddef>
#include <limits>
#include <span>
#include <string>
#include <type_traits>

namespace qgrain::detail {

template <class Q, class View>
[[nodiscard]] fault output_fault(shape2d in, const View& out) {
  return first_fault([&] { return same_shape_fault(in, out.shape); },
                     [&] { return memory_fault<Q>("the output of quantize", out); });
}

[[nodiscard]] constexpr bool is_magnitude(float value) noexcept {
  return value >= 0.0F && value <= std::numeric_limits<float>::max();
}

/// Of a number from outside that should be finite and not below zero: what is wrong with it.
[[nodiscard]] inline fault magnitude_fault(float value, const std::string& what) {
  return {is_finite(value) ? errc::out_of_range : errc::non_finite,
          what + " is " + std::to_string(value) + ", which is not the largest magnitude of anything"};
}

[[nodiscard]] inline std::string numbered(const char* what, std::size_t i) {
  return std::string(what).append(" ").append(std::to_string(i));
}

/// Of ranges: of the kind that the scale is made of, as many as there are groups, magnitudes.
[[nodiscard]] inline fault ranges_fault(const range_rules& rules, const given_ranges& given) {
  if (fault found = first_fault([&] { return given_kinds_fault(rules, given.absmax.size(), given.ends.size()); },
                                [&] { return single_matrix_fault(given.tensor_scales.size()); })) {
    return found;
  }
  for (std::size_t i = 0; i < given.absmax.size(); ++i) {
    if (!is_magnitude(given.absmax[i])) return magnitude_fault(given.absmax[i], numbered("given range", i));
  }
  for (std::size_t i = 0; i < given.ends.size(); ++i) {
    const signed_range& range = given.ends[i];
    if (!is_magnitude(range.below)) return magnitude_fault(range.below, numbered("the lower end of given range", i));
    if (!is_magnitude(range.above)) return magnitude_fault(range.above, numbered("the upper end of given range", i));
  }
  if (given.tensor_absmax && !is_magnitude(*given.tensor_absmax))
    return magnitude_fault(*given.tensor_absmax, "the range given for the tensor");
  if (given.tensor_scale && !is_magnitude(*given.tensor_scale))
    return magnitude_fault(*given.tensor_scale, "the scale given for the tensor");
  if (!rules.two_levels && (given.tensor_absmax || given.tensor_scale)) {
    return {errc::invalid_argument, std::string(rules.scale) + " has one level: there is no tensor " +
                                        (given.tensor_scale ? "scale to be " + std::to_string(*given.tensor_scale)
                                                            : "range to be " + std::to_string(*given.tensor_absmax) +
                                                                  " beside those of groups")};
  }
  if (given.tensor_absmax && given.tensor_scale) {
    return {errc::invalid_argument, std::string("the tensor's range ") + std::to_string(*given.tensor_absmax) +
                                        " and its scale " + std::to_string(*given.tensor_scale) +
                                        " are both given: give one of them"};
  }
  return {};
}

/// Of tensor scales that are given for the matrices of a stack.
[[nodiscard]] inline fault tensor_scales_fault(index_t matrices, const given_ranges& given) {
  if (fault found = tensor_scales_fault(matrices, given.tensor_scales.size(), given.tensor_scale.has_value()))
    return found;
  for (std::size_t i = 0; i < given.tensor_scales.size(); ++i) {
    if (!is_magnitude(given.tensor_scales[i]))
      return magnitude_fault(given.tensor_scales[i], numbered("given tensor scale", i));
  }
  return {};
}

/// Whether a scale can be used: of floats the scale itself is looked at, of codes what they stand for.
template <class Q>
[[nodiscard]] float scale_number(typename Q::stored_scale stored) noexcept {
  if constexpr (requires { stored.zero_point; }) {
    return to_float(stored.scale);
  } else if constexpr (storage_element<typename Q::stored_scale>) {
    return to_float(stored);
  } else {
    return Q::scale_type::restored(1.0F, Q::factors(stored));
  }
}

/// Of scales that are given: numbers that can be used. Q: a quantizer or its element stage.
template <class Q>
[[nodiscard]] fault scale_numbers_fault(std::span<const typename Q::stored_scale> scales, const float* tensor_scale) {
  if (Q::scale_type::tensor_bits > 0 && tensor_scale == nullptr) {
    return {errc::invalid_argument, std::string(Q::scale_type::name()) + " has two levels: give the tensor's scale"};
  }
  constexpr bool magnitudes =
      std::is_same_v<typename Q::range_type, float> || std::is_same_v<typename Q::range_type, signed_range>;
  const auto usable = [](float value) { return is_finite(value) && (!magnitudes || value >= 0.0F); };
  const auto unusable = [](errc code, const std::string& what, const std::string& number) -> fault {
    return {code, what + " is " + number + ", which cannot be used"};
  };
  const auto code_of = [](float value) { return is_finite(value) ? errc::out_of_range : errc::non_finite; };
  if (tensor_scale != nullptr && !usable(*tensor_scale)) {
    return unusable(code_of(*tensor_scale), "the scale given for the tensor", std::to_string(*tensor_scale));
  }
  for (std::size_t i = 0; i < scales.size(); ++i) {
    const auto stored = scales[i];
    const float value = scale_number<Q>(stored);
    if (!usable(value)) return unusable(code_of(value), numbered("given scale", i), std::to_string(value));
    if constexpr (requires { stored.zero_point; }) {
      const auto zero = static_cast<float>(stored.zero_point);
      if (zero < Q::format_type::lowest || zero > Q::format_type::max_finite) {
        return unusable(errc::out_of_range, numbered("given zero point", i), std::to_string(stored.zero_point));
      }
    }
  }
  return {};
}

/// The same, and that there are as many as groups.
template <class Q>
[[nodiscard]] fault scales_fault(shape2d shape, const given_scales<Q>& given) {
  return first_fault(
      [&] {
        return count_fault("given scales, one per group", Q::scale_count(shape),
                           static_cast<index_t>(given.scales.size()));
      },
      [&] { return scale_numbers_fault<Q>(given.scales, given.tensor_scale); });
}

/// What every operation looks at before it writes anything.
template <class Q, class T>
[[nodiscard]] fault input_fault(matrix_view<const T> in, const given_ranges& given) {
  return first_fault([&] { return quantizer_fault<Q>(in.shape); }, [&] { return matrix_fault("the input matrix", in); },
                     [&] { return ranges_fault(range_rules_of<Q>(in.shape), given); });
}

}  // namespace qgrain::detail

#endif
