// Ranges that are chosen before quantization: percentiles, least error, four over six.
#ifndef QGRAIN_HOST_CHOOSE_RANGES_HPP
#define QGRAIN_HOST_CHOOSE_RANGES_HPP

#include <qgrain/core/concepts.hpp>
#include <qgrain/core/half.hpp>
#include <qgrain/core/matrix_view.hpp>
#include <qgrain/core/status.hpp>
#include <qgrain/host/detail/blocks.hpp>
#include <qgrain/host/detail/bulk.hpp>
#include <qgrain/host/detail/choose.hpp>
#include <qgrain/host/detail/host_requirements.hpp>
#include <qgrain/host/detail/row_chunks.hpp>
#include <qgrain/host/detail/view_memory.hpp>
#include <qgrain/host/on_host.hpp>
#include <qgrain/host/quantize.hpp>
#include <qgrain/quantizer/choosing_recipes.hpp>
#include <qgrain/quantizer/element.hpp>
#include <qgrain/quantizer/quantized_matrix.hpp>
#include <qgrain/quantizer/quantized_view.hpp>
#include <qgrain/scale/range_choice.hpp>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <string>
#include <type_traits>
#include <vector>

namespace qgrain {

namespace detail {

inline void require_choice(const data_range&) noexcept {}
inline void require_choice(const percentile_range& choice) {
  if (choice.percent >= 0.0 && choice.percent <= 100.0) return;
  qgrain::detail::raise(errc::out_of_range, "a percentile lies in [0, 100], found " + std::to_string(choice.percent));
}
template <std::size_t Count>
void require_choice(const mse_range<Count>& choice) {
  for (const float factor : choice.factors) {
    if (factor > 0.0F && factor <= std::numeric_limits<float>::max()) continue;
    qgrain::detail::raise(errc::out_of_range,
                          "the factors of mse_range are positive and finite, found " + std::to_string(factor));
  }
}

/// Ranges of groups are what is chosen; those of the tensor may be given.
inline void require_no_groups(const given_ranges& given) {
  if (given.absmax.empty() && given.ends.empty()) return;
  qgrain::detail::raise(errc::invalid_argument, "the ranges of groups are chosen here, found " +
                                                    std::to_string(given.absmax.size() + given.ends.size()) +
                                                    " that are given: give the tensor's range or scale alone");
}

/// What the error of a choice is measured with: the quantizer's own rounding, or the nearest value where the rounding
/// differs by element.
template <class Q>
using measured_element =
    std::conditional_t<rounds_alike<typename Q::rounding_type>, typename Q::element_type,
                       element_quantizer<typename Q::format_type, typename Q::scale_type, nearest_even>>;

template <class Range>
struct chosen_ranges {
  std::vector<Range> groups;
  float tensor_scale = 1.0F;
};

template <class Q, class T, class Choice>
[[nodiscard]] chosen_ranges<typename Q::range_type> chosen(const on_host& where, matrix_view<const T> in,
                                                           const Choice& choice, const given_ranges& given) {
  const shape2d group = Q::granularity_type::group_shape(in.shape);
  chosen_ranges<typename Q::range_type> found;
  with_runner(where, [&](task_runner& runner) {
    found.tensor_scale = tensor_scale_from(runner, in, given, tensor_scale_function<typename Q::element_type>());
    found.groups = ranges_of<typename Q::range_type>(runner, in, group);
    choose<measured_element<Q>>(runner, group_grid<T>{in, group}, choice, found.tensor_scale, found.groups);
  });
  return found;
}

}  // namespace detail

/// The range of each group by `choice` (data_range, percentile_range, mse_range, four_over_six), in the order of the
/// scales, for any granularity.
///
/// in: [rows, cols], float, bfloat16 or float16, any leading dimension, to read or to modify.
/// `given`: of scales of two levels, the tensor's largest magnitude or its scale; from the data where neither is given.
/// The bits do not depend on `where`. Ranges that are floats can be given to `quantize` and `fake_quantize`; the
/// functions below take all kinds. Errors are measured in float32, with the quantizer's own rounding, or nearest_even
/// where that is stochastic.
///
/// Passes over the input: one or two for the ranges of the data, one more for the choice. Besides the result, memory
/// for a percentile is 4.5 bytes per element of a group and thread; for mse_range with groups of more than
/// error_run_elements it is 4 bytes per factor for each so many elements.
/// NaN, infinity and groups of zeros: see the choices.
/// @throws error as `quantize` does, errc::invalid_argument for given ranges of groups, and errc::out_of_range for a
/// percentile outside [0, 100] or a factor that is not positive and finite
template <quantizer_type Q, readable_element T = const float, range_choice Choice>
[[nodiscard]] std::vector<typename Q::range_type> choose_ranges(const on_host& where, matrix_view<T> in,
                                                                const Choice& choice, const given_ranges& given = {}) {
  detail::raise_if(detail::input_fault<Q, std::remove_const_t<T>>(in, given));
  detail::require_choice(choice);
  detail::require_no_groups(given);
  return detail::chosen<Q, std::remove_const_t<T>>(where, in, choice, given).groups;
}

/// `quantize` with ranges by choice, into memory that the caller owns. One pass more than choose_ranges. `rounding`:
/// the seed of a stochastic one.
template <quantizer_type Q, readable_element T = const float, range_choice Choice>
void quantize_choosing(const on_host& where, matrix_view<T> in, quantized_view<Q> out, const Choice& choice,
                       const given_ranges& given = {}, typename Q::rounding_type rounding = {}) {
  detail::raise_if(detail::input_fault<Q, std::remove_const_t<T>>(in, given));
  detail::raise_if(detail::output_fault<Q>(in.shape, out));
  detail::require_choice(choice);
  detail::require_no_groups(given);
  const auto ranges = detail::chosen<Q, std::remove_const_t<T>>(where, in, choice, given);
  if (out.tensor_scale != nullptr) *out.tensor_scale = ranges.tensor_scale;
  std::transform(ranges.groups.begin(), ranges.groups.end(), out.scales,
                 [&](typename Q::range_type range) { return Q::scale(range, ranges.tensor_scale); });
  detail::encode_matrix<typename Q::element_type, std::remove_const_t<T>>(
      where, in, Q::granularity_type::group_shape(in.shape), detail::scales_in(out), ranges.tensor_scale,
      detail::codes_in(out), rounding);
}

/// The same into memory of its own.
template <quantizer_type Q, readable_element T = const float, range_choice Choice>
[[nodiscard]] quantized_matrix<Q> quantize_choosing(const on_host& where, matrix_view<T> in, const Choice& choice,
                                                    const given_ranges& given = {},
                                                    typename Q::rounding_type rounding = {}) {
  detail::raise_if(detail::input_fault<Q, std::remove_const_t<T>>(in, {}));  // before memory is taken for it
  quantized_matrix<Q> out(in.shape);
  quantize_choosing<Q, T>(where, in, out.view(), choice, given, rounding);
  return out;
}

/// By a recipe that carries its choice: quantize_choosing<nvfp4_four_over_six>(where, in).
template <choosing_recipe R, readable_element T = const float>
[[nodiscard]] quantized_matrix<typename R::storage_type> quantize_choosing(const on_host& where, matrix_view<T> in,
                                                                           const given_ranges& given = {}) {
  return quantize_choosing<typename R::storage_type, T>(where, in, R::choice, given);
}

/// `fake_quantize` with ranges by choice. `out` may be `in`.
template <quantizer_type Q, storage_element T = float, range_choice Choice>
void fake_quantize_choosing(const on_host& where, std::type_identity_t<matrix_view<const T>> in, matrix_view<T> out,
                            const Choice& choice, const given_ranges& given = {},
                            typename Q::rounding_type rounding = {}) {
  detail::raise_if(detail::fake_quantize_fault<Q, T>(in, out, given));
  detail::require_choice(choice);
  detail::require_no_groups(given);
  using range_type = typename Q::range_type;
  const auto ranges = detail::chosen<Q, T>(where, in, choice, given);
  const shape2d group = Q::granularity_type::group_shape(in.shape);
  const detail::known_ranges<range_type> known{
      {}, {ranges.groups.data(), Q::scale_shape(in.shape)}, ranges.tensor_scale};
  const auto stage = detail::fake_stage<typename Q::element_type>(rounding);
  detail::with_runner(where, [&](task_runner& runner) {
    detail::fake_quantize_known<range_type, decltype(stage), T>(
        runner, stage, detail::fake_lane_stage<typename Q::element_type, T>(), known, in, out, group);
  });
}
/// The same for a recipe that names its choice.
template <choosing_recipe R, storage_element T = float>
void fake_quantize_choosing(const on_host& where, std::type_identity_t<matrix_view<const T>> in, matrix_view<T> out,
                            const given_ranges& given = {}) {
  fake_quantize_choosing<typename R::storage_type, T>(where, in, out, R::choice, given);
}

}  // namespace qgrain

#endif
