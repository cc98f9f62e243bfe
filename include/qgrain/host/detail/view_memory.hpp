// The loops of bulk.hpp over the memory of views: codes of one byte each or packed, scales in their layout.
#ifndef QGRAIN_HOST_DETAIL_VIEW_MEMORY_HPP
#define QGRAIN_HOST_DETAIL_VIEW_MEMORY_HPP

#include <qgrain/core/matrix_view.hpp>
#include <qgrain/host/detail/bulk.hpp>
#include <qgrain/host/detail/host_requirements.hpp>
#include <qgrain/host/detail/pieces.hpp>
#include <qgrain/host/given_ranges.hpp>
#include <qgrain/host/on_host.hpp>
#include <qgrain/layout/layout.hpp>
#include <qgrain/quantizer/given_scales.hpp>
#include <qgrain/quantizer/packed_view.hpp>
#include <qgrain/quantizer/quantized_view.hpp>

#include <type_traits>

namespace qgrain::detail {

template <class Q>
[[nodiscard]] auto codes_in(const quantized_view<Q>& view) noexcept {
  return plain_codes<as_const_as<Q, typename Q::code_type>>{view.codes, view.shape.cols};
}
template <class Q, class Layout>
[[nodiscard]] auto codes_in(const packed_view<Q, Layout>& view) noexcept {
  using code_type = typename Q::code_type;
  constexpr int bits = Q::format_type::bits;
  if constexpr (bits == 8) {
    using bytes = as_const_as<Q, code_type>;
    return plain_codes<bytes>{reinterpret_cast<bytes*>(view.codes), view.shape.cols};
  } else if constexpr (std::is_const_v<Q>) {
    return packed_source<code_type, bits>{view.codes, view.shape.cols, view.order};
  } else {
    return packed_target<code_type, bits>{view.codes, view.shape.cols, view.order};
  }
}

template <class Q>
[[nodiscard]] auto scales_in(const quantized_view<Q>& view) noexcept {
  return scale_memory<as_const_as<Q, typename Q::stored_scale>>{view.scales, Q::scale_shape(view.shape)};
}
template <class Q, class Layout>
[[nodiscard]] auto scales_in(const packed_view<Q, Layout>& view) noexcept {
  return scale_memory<as_const_as<Q, typename Q::stored_scale>, Layout>{view.scales, Q::scale_shape(view.shape)};
}

/// What `quantize` into a view of either kind asks.
template <class Q, class T, class View>
[[nodiscard]] fault quantize_fault(matrix_view<const T> in, const View& out, const given_ranges& given) {
  return first_fault([&] { return input_fault<Q, T>(in, given); }, [&] { return output_fault<Q>(in.shape, out); });
}

/// What `dequantize` of a view of either kind asks.
template <class Q, class T, class View>
[[nodiscard]] fault dequantize_fault(const View& in, matrix_view<T> out) {
  return first_fault([&] { return quantizer_fault<Q>(in.shape); },
                     [&] { return same_shape_fault(in.shape, out.shape); },
                     [&] { return matrix_fault("the output matrix", out); },
                     [&] { return memory_fault<Q>("the input of dequantize", in); });
}

/// Codes, plain or packed, under scales that are known.
template <class Q, class T, class Codes>
void encode_under(const on_host& where, matrix_view<const T> in, const given_scales<Q>& given, const Codes& codes,
                  typename Q::rounding_type rounding) {
  encode_matrix<typename Q::element_type, T>(
      where, in, Q::granularity_type::group_shape(in.shape),
      scale_memory<const typename Q::stored_scale>{given.scales.data(), Q::scale_shape(in.shape)},
      given.tensor_scale == nullptr ? 1.0F : *given.tensor_scale, codes, rounding);
}

template <class Q, class T, class View>
void quantize_to(const on_host& where, matrix_view<const T> in, const View& out, const given_ranges& given,
                 typename Q::rounding_type rounding) {
  const shape2d group = Q::granularity_type::group_shape(in.shape);
  quantize_matrix<typename Q::element_type, T>(where, in, group, given, codes_in(out), scales_in(out), out.tensor_scale,
                                               rounding, chunk_rows(in.shape, group));
}

template <class Q, class T, class View>
void dequantize_from(const on_host& where, const View& in, matrix_view<T> out) {
  dequantize_matrix<typename Q::element_type>(where, codes_in(in), scales_in(in),
                                              in.tensor_scale == nullptr ? 1.0F : *in.tensor_scale,
                                              Q::granularity_type::group_shape(in.shape), out);
}

}  // namespace qgrain::detail

#endif
