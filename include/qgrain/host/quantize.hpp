// Bulk operations on host memory: quantize, quantize_with_scales, dequantize, fake_quantize.
#ifndef QGRAIN_HOST_QUANTIZE_HPP
#define QGRAIN_HOST_QUANTIZE_HPP

#include <qgrain/core/concepts.hpp>
#include <qgrain/core/half.hpp>
#include <qgrain/core/matrix_view.hpp>
#include <qgrain/core/status.hpp>
#include <qgrain/host/detail/bulk.hpp>
#include <qgrain/host/detail/host_requirements.hpp>
#include <qgrain/host/detail/view_memory.hpp>
#include <qgrain/host/given_ranges.hpp>
#include <qgrain/host/on_host.hpp>
#include <qgrain/quantizer/given_scales.hpp>
#include <qgrain/quantizer/quantized_matrix.hpp>
#include <qgrain/quantizer/quantized_view.hpp>

#include <cstddef>
#include <span>
#include <type_traits>

namespace qgrain {

// Each operation has a twin `try_...` that returns the status of its checks where the other throws, for callers without
// exceptions; the status names the same code and numbers.

/// Quantizes into memory that the caller owns.
///
/// in: [rows, cols], float, bfloat16 or float16, any leading dimension, to read or to modify; braces make a view of
/// floats. out.codes needs Q::code_bytes(shape) bytes, out.scales Q::scale_count(shape) entries (view_of makes a view
/// that knows), out.tensor_scale one float where the scale has two levels. Ranges come from the data unless given.
/// Values outside the range saturate; NaN becomes what the format has for it. Stochastic rounding takes its seed from
/// `rounding` and its choice for an element from the element's index row * cols + col, whatever the leading dimension.
/// The bits do not depend on `where`. Two passes over the input (three where the scale has two levels). Allocates
/// nothing but ranges, for groups of several rows: one per group and thread.
/// @throws error errc::invalid_shape where Q::check refuses the shape or the shapes differ, errc::buffer_too_small for
/// a leading dimension below the columns, errc::invalid_argument for missing memory and for ranges of the wrong kind,
/// errc::out_of_range or errc::non_finite for a given number that is negative, NaN or infinite; nothing has been
/// written then
template <quantizer_type Q, readable_element T = const float>
void quantize(const on_host& where, matrix_view<T> in, quantized_view<Q> out, const given_ranges& given = {},
              typename Q::rounding_type rounding = {}) {
  using element = std::remove_const_t<T>;
  detail::raise_if(detail::quantize_fault<Q, element>(in, out, given));
  detail::quantize_to<Q, element>(where, in, out, given, rounding);
}
/// `quantize` for callers without exceptions: the status of its checks; nothing has been written unless it is ok.
template <quantizer_type Q, readable_element T = const float>
[[nodiscard]] status try_quantize(const on_host& where, matrix_view<T> in, quantized_view<Q> out,
                                  const given_ranges& given = {}, typename Q::rounding_type rounding = {}) {
  using element = std::remove_const_t<T>;
  if (const detail::fault found = detail::quantize_fault<Q, element>(in, out, given)) return found.verdict;
  detail::quantize_to<Q, element>(where, in, out, given, rounding);
  return {};
}

/// `quantize` into memory of its own.
template <quantizer_type Q, readable_element T = const float>
[[nodiscard]] quantized_matrix<Q> quantize(const on_host& where, matrix_view<T> in, const given_ranges& given = {},
                                           typename Q::rounding_type rounding = {}) {
  using element = std::remove_const_t<T>;
  detail::raise_if(detail::input_fault<Q, element>(in, given));  // before memory is asked for
  quantized_matrix<Q> out(in.shape);
  detail::quantize_to<Q, element>(where, in, out.view(), given, rounding);
  return out;
}

namespace detail {

template <class Q, class T>
[[nodiscard]] fault with_scales_fault(matrix_view<const T> in, const given_scales<Q>& given, std::size_t codes) {
  return first_fault([&] { return input_fault<Q, T>(in, {}); }, [&] { return scales_fault<Q>(in.shape, given); },
                     [&] { return size_fault("memory for codes", in.shape.elements(), static_cast<index_t>(codes)); });
}

template <class Q, class T>
void encode_with_scales(const on_host& where, matrix_view<const T> in, const given_scales<Q>& given,
                        typename Q::code_type* codes, typename Q::rounding_type rounding) {
  encode_under<Q, T>(where, in, given, plain_codes<typename Q::code_type>{codes, in.shape.cols}, rounding);
}

}  // namespace detail

/// Codes under scales that are known: codes[row * cols + col] of one byte each. One pass; everything else as in
/// `quantize`.
/// @throws error as `quantize`; errc::invalid_shape for another number of scales than Q::scale_count(shape),
/// errc::buffer_too_small for less room than Q::code_bytes(shape), errc::non_finite and errc::out_of_range for a scale
/// that is NaN, infinite or (where ranges are magnitudes) negative, and for a zero point that is no code
template <quantizer_type Q, readable_element T = const float>
void quantize_with_scales(const on_host& where, matrix_view<T> in, const std::type_identity_t<given_scales<Q>>& given,
                          std::type_identity_t<std::span<typename Q::code_type>> codes,
                          typename Q::rounding_type rounding = {}) {
  using element = std::remove_const_t<T>;
  detail::raise_if(detail::with_scales_fault<Q, element>(in, given, codes.size()));
  detail::encode_with_scales<Q, element>(where, in, given, codes.data(), rounding);
}
/// `quantize_with_scales` for callers without exceptions: the status of its checks; nothing has been written unless it
/// is ok.
template <quantizer_type Q, readable_element T = const float>
[[nodiscard]] status try_quantize_with_scales(const on_host& where, matrix_view<T> in,
                                              const std::type_identity_t<given_scales<Q>>& given,
                                              std::type_identity_t<std::span<typename Q::code_type>> codes,
                                              typename Q::rounding_type rounding = {}) {
  using element = std::remove_const_t<T>;
  if (const detail::fault found = detail::with_scales_fault<Q, element>(in, given, codes.size())) return found.verdict;
  detail::encode_with_scales<Q, element>(where, in, given, codes.data(), rounding);
  return {};
}

/// Codes back to values: out[r, c] = value of the code times its scale, rounded to T; any leading dimension. `in` may
/// be a view to read or to modify. One pass, allocates nothing.
/// @throws error errc::invalid_shape where the shapes differ, errc::invalid_argument for missing memory
template <quantizer_type Q, storage_element T = float>
void dequantize(const on_host& where, std::type_identity_t<quantized_view<const Q>> in, matrix_view<T> out) {
  detail::raise_if(detail::dequantize_fault<Q>(in, out));
  detail::dequantize_from<Q>(where, in, out);
}
/// The same where the view alone names the quantizer.
template <quantizer_type Q, storage_element T = float>
void dequantize(const on_host& where, quantized_view<Q> in, matrix_view<T> out) {
  dequantize<std::remove_const_t<Q>, T>(where, quantized_view<const Q>(in), out);
}
/// `dequantize` for callers without exceptions: the status of its checks; nothing has been written unless it is ok.
template <quantizer_type Q, storage_element T = float>
[[nodiscard]] status try_dequantize(const on_host& where, quantized_view<Q> in, matrix_view<T> out) {
  using quantizer = std::remove_const_t<Q>;
  if (const detail::fault found = detail::dequantize_fault<quantizer>(in, out)) return found.verdict;
  detail::dequantize_from<quantizer>(where, quantized_view<const quantizer>(in), out);
  return {};
}

namespace detail {

template <class Q, class T>
[[nodiscard]] fault fake_quantize_fault(matrix_view<const T> in, matrix_view<T> out, const given_ranges& given) {
  return first_fault([&] { return input_fault<Q, T>(in, given); },
                     [&] { return same_shape_fault(in.shape, out.shape); },
                     [&] { return matrix_fault("the output matrix", out); });
}

template <class Q, class T>
void fake_quantize_to(const on_host& where, matrix_view<const T> in, matrix_view<T> out, const given_ranges& given,
                      typename Q::rounding_type rounding) {
  using element = typename Q::element_type;
  fake_quantize_matrix<typename Q::range_type, decltype(fake_stage<element>(rounding)), T>(
      where, fake_stage<element>(rounding), fake_lane_stage<element, T>(), tensor_scale_function<element>(), in, out,
      Q::granularity_type::group_shape(in.shape), given);
}

}  // namespace detail

/// Quantizes and dequantizes in one go: out has the values that the codes would stand for, rounded to T.
///
/// Equal to dequantize(quantize(in)), except that NaN stays NaN and the sign of zero stays in formats that lack them.
/// `out` may be `in`. Ranges, rounding, bits, errors, passes and memory as in `quantize`.
template <quantizer_type Q, storage_element T = float>
void fake_quantize(const on_host& where, std::type_identity_t<matrix_view<const T>> in, matrix_view<T> out,
                   const given_ranges& given = {}, typename Q::rounding_type rounding = {}) {
  detail::raise_if(detail::fake_quantize_fault<Q, T>(in, out, given));
  detail::fake_quantize_to<Q, T>(where, in, out, given, rounding);
}
/// `fake_quantize` for callers without exceptions: the status of its checks; nothing has been written unless it is ok.
template <quantizer_type Q, storage_element T = float>
[[nodiscard]] status try_fake_quantize(const on_host& where, std::type_identity_t<matrix_view<const T>> in,
                                       matrix_view<T> out, const given_ranges& given = {},
                                       typename Q::rounding_type rounding = {}) {
  if (const detail::fault found = detail::fake_quantize_fault<Q, T>(in, out, given)) return found.verdict;
  detail::fake_quantize_to<Q, T>(where, in, out, given, rounding);
  return {};
}

}  // namespace qgrain

#endif
