// Bulk operations on host memory: quantize, dequantize, fake_quantize.
#ifndef QGRAIN_HOST_QUANTIZE_HPP
#define QGRAIN_HOST_QUANTIZE_HPP

#include <qgrain/core/concepts.hpp>
#include <qgrain/core/half.hpp>
#include <qgrain/core/matrix_view.hpp>
#include <qgrain/core/status.hpp>
#include <qgrain/host/detail/bulk.hpp>
#include <qgrain/host/given_ranges.hpp>
#include <qgrain/host/on_host.hpp>
#include <qgrain/quantizer/quantized_matrix.hpp>
#include <qgrain/quantizer/quantized_view.hpp>

#include <cmath>
#include <concepts>
#include <cstddef>
#include <limits>
#include <string>
#include <type_traits>

namespace qgrain {

namespace detail {

template <class Q, class T>
void require_output(matrix_view<const T> in, const quantized_view<Q>& out) {
  require_same("rows of the output", in.shape.rows, out.shape.rows);
  require_same("columns of the output", in.shape.cols, out.shape.cols);
  if (out.codes == nullptr || out.scales == nullptr ||
      (Q::scale_type::tensor_bits > 0 && out.tensor_scale == nullptr)) {
    throw error(errc::invalid_argument, "the output of quantize has no memory for codes, scales or the tensor scale");
  }
}

/// Largest magnitudes that come from outside: finite, and not below zero.
inline void require_ranges(const given_ranges& given) {
  const auto is_range = [](float value) { return value >= 0.0F && value <= std::numeric_limits<float>::max(); };
  const auto refuse = [](std::string what, float value) {
    what.append(" is ").append(std::to_string(value)).append(", which is not the largest magnitude of anything");
    throw error(std::isfinite(value) ? errc::out_of_range : errc::non_finite, what);
  };
  for (std::size_t i = 0; i < given.absmax.size(); ++i) {
    if (!is_range(given.absmax[i])) refuse(std::string("given range ").append(std::to_string(i)), given.absmax[i]);
  }
  if (given.tensor_absmax && !is_range(*given.tensor_absmax))
    refuse("the range given for the tensor", *given.tensor_absmax);
}

/// Faults that every operation looks for before it writes anything.
template <class Q, class T>
void require_input(matrix_view<const T> in, const given_ranges& given) {
  require_shape(Q::check(in.shape),
                std::string(Q::format_type::name()) + " " + std::string(Q::granularity_type::name()), in.shape);
  require_matrix("the input matrix", in);
  if (!given.absmax.empty() && !std::is_same_v<typename Q::range_type, float>) {
    throw error(errc::invalid_argument, std::string(Q::scale_type::name()) +
                                            " needs both ends of a range: give scales and zero points to encode "
                                            "instead of " +
                                            std::to_string(given.absmax.size()) + " largest magnitudes");
  }
  if (!given.absmax.empty()) {
    require_same("given ranges, one per scale", Q::scale_count(in.shape), static_cast<index_t>(given.absmax.size()));
  }
  require_ranges(given);
}

}  // namespace detail

/// Quantizes into memory that the caller owns.
///
/// in: [rows, cols], float, bfloat16 or float16, any leading dimension. out.codes needs Q::code_bytes(shape) bytes,
/// out.scales Q::scale_count(shape) entries (view_of makes a view that knows), out.tensor_scale one float where the
/// scale has two levels. Ranges come from the data unless given. Values outside the range saturate; NaN becomes what
/// the format has for it. Stochastic rounding takes its seed from `rounding` and its choice for an element from the
/// element's index row * cols + col, whatever the leading dimension. The bits do not depend on `where`. Two passes over
/// the input (three where the scale has two levels).
/// @throws error errc::invalid_shape where Q::check refuses the shape or the shapes differ, errc::buffer_too_small for
/// a leading dimension below the columns, errc::invalid_argument for missing memory, errc::out_of_range or
/// errc::non_finite for a given range that is negative, NaN or infinite; nothing has been written then
template <quantizer_type Q, storage_element T>
void quantize(const on_host& where, matrix_view<const T> in, quantized_view<Q> out, const given_ranges& given = {},
              typename Q::rounding_type rounding = {}) {
  detail::require_input<Q>(in, given);
  detail::require_output<Q>(in, out);
  const shape2d group = Q::granularity_type::group_shape(in.shape);
  detail::quantize_matrix<typename Q::element_type>(where, in, group, given, {out.codes, out.scales, out.tensor_scale},
                                                    rounding, detail::chunk_rows(in.shape, group),
                                                    detail::nothing_more{});
}

/// Codes under scales that are known: out.scales (zero points among them) and out.tensor_scale are read, only out.codes
/// is written. One pass; everything else as in `quantize`.
template <quantizer_type Q, storage_element T>
void encode(const on_host& where, std::type_identity_t<matrix_view<const T>> in, quantized_view<Q> out,
            typename Q::rounding_type rounding = {}) {
  detail::require_input<Q, T>(in, {});
  detail::require_output<Q, T>(in, out);
  detail::encode_matrix<typename Q::element_type, T>(where, in, Q::granularity_type::group_shape(in.shape),
                                                     {out.codes, out.scales, out.tensor_scale}, rounding);
}

namespace detail {

template <class Q, class T>
[[nodiscard]] quantized_matrix<Q> quantize_to_own(const on_host& where, matrix_view<const T> in,
                                                  const given_ranges& given, typename Q::rounding_type rounding) {
  require_input<Q>(in, given);  // before memory is asked for
  quantized_matrix<Q> out(in.shape);
  quantize<Q>(where, in, out.view(), given, rounding);
  return out;
}

}  // namespace detail

/// `quantize` into memory of its own. Two overloads, so that a call without T takes whatever converts to a view of
/// floats.
template <quantizer_type Q, storage_element T>
requires(!std::same_as<T, float>)
    [[nodiscard]] quantized_matrix<Q> quantize(const on_host& where, matrix_view<const T> in,
                                               const given_ranges& given = {},
                                               typename Q::rounding_type rounding = {}) {
  return detail::quantize_to_own<Q>(where, in, given, rounding);
}
template <quantizer_type Q, std::same_as<float> T = float>
[[nodiscard]] quantized_matrix<Q> quantize(const on_host& where, matrix_view<const float> in,
                                           const given_ranges& given = {}, typename Q::rounding_type rounding = {}) {
  return detail::quantize_to_own<Q>(where, in, given, rounding);
}

/// Codes back to values: out[r, c] = value of the code times its scale, rounded to T. One pass.
/// @throws error errc::invalid_shape where the shapes differ, errc::invalid_argument for missing memory
template <quantizer_type Q, storage_element T>
void dequantize(const on_host& where, quantized_view<Q> in, matrix_view<T> out) {
  detail::require_shape(Q::check(in.shape), std::string(Q::format_type::name()), in.shape);
  detail::require_same("rows of the output", in.shape.rows, out.shape.rows);
  detail::require_same("columns of the output", in.shape.cols, out.shape.cols);
  detail::require_matrix("the output matrix", out);
  if (in.codes == nullptr || in.scales == nullptr || (Q::scale_type::tensor_bits > 0 && in.tensor_scale == nullptr)) {
    throw error(errc::invalid_argument, "the input of dequantize has no memory for codes, scales or the tensor scale");
  }
  detail::dequantize_matrix<typename Q::element_type>(where, {in.codes, in.scales, in.tensor_scale},
                                                      Q::granularity_type::group_shape(in.shape), out);
}

/// Quantizes and dequantizes in one go: out has the values that the codes would stand for, rounded to T.
///
/// Equal to dequantize(quantize(in)), except that NaN stays NaN and the sign of zero stays in formats that lack them.
/// `out` may be `in`. Ranges, rounding, bits, errors and passes as in `quantize`.
template <quantizer_type Q, storage_element T>
void fake_quantize(const on_host& where, std::type_identity_t<matrix_view<const T>> in, matrix_view<T> out,
                   const given_ranges& given = {}, typename Q::rounding_type rounding = {}) {
  detail::require_input<Q, T>(in, given);
  detail::require_same("rows of the output", in.shape.rows, out.shape.rows);
  detail::require_same("columns of the output", in.shape.cols, out.shape.cols);
  detail::require_matrix("the output matrix", out);
  using element = typename Q::element_type;
  detail::fake_quantize_matrix<typename Q::range_type>(where, detail::fake_stage<element>(rounding),
                                                       detail::tensor_scale_function<element>(), in, out,
                                                       Q::granularity_type::group_shape(in.shape), given);
}

}  // namespace qgrain

#endif
