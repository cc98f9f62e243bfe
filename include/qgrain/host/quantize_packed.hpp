// Bulk operations on host memory whose codes are packed and whose scales lie in any layout.
#ifndef QGRAIN_HOST_QUANTIZE_PACKED_HPP
#define QGRAIN_HOST_QUANTIZE_PACKED_HPP

#include <qgrain/core/concepts.hpp>
#include <qgrain/core/half.hpp>
#include <qgrain/core/matrix_view.hpp>
#include <qgrain/core/status.hpp>
#include <qgrain/host/detail/host_requirements.hpp>
#include <qgrain/host/detail/view_memory.hpp>
#include <qgrain/host/given_ranges.hpp>
#include <qgrain/host/on_host.hpp>
#include <qgrain/layout/layout.hpp>
#include <qgrain/quantizer/packed_matrix.hpp>
#include <qgrain/quantizer/packed_view.hpp>
#include <qgrain/quantizer/packing.hpp>

#include <type_traits>

namespace qgrain {

namespace detail {

template <class Q, class T, class View>
[[nodiscard]] fault quantize_packed_fault(matrix_view<const T> in, const View& out, const given_ranges& given) {
  return first_fault([&] { return packed_shape_fault<Q>(in.shape); },
                     [&] { return quantize_fault<Q, T>(in, out, given); });
}
template <class Q, class T, class View>
[[nodiscard]] fault dequantize_packed_fault(const View& in, matrix_view<T> out) {
  return first_fault([&] { return packed_shape_fault<Q>(in.shape); }, [&] { return dequantize_fault<Q>(in, out); });
}

}  // namespace detail

/// `quantize` with codes packed and scales laid out in the same pass, into memory that the caller owns: the bytes of
/// `quantize`, then pack_codes of all codes, then to_layout of the scales with zeros as padding.
///
/// out.codes needs packed_view::code_bytes(shape) bytes, out.scales packed_view::scale_count(shape) entries. Everything
/// else, `given` among it, as in `quantize`.
/// @throws error as `quantize`; errc::invalid_shape where check_packed refuses the shape
template <quantizer_type Q, layout_policy ScaleLayout = row_major, readable_element T = const float>
void quantize_packed(const on_host& where, matrix_view<T> in, packed_view<Q, ScaleLayout> out,
                     const given_ranges& given = {}, typename Q::rounding_type rounding = {}) {
  using element = std::remove_const_t<T>;
  detail::raise_if(detail::quantize_packed_fault<Q, element>(in, out, given));
  detail::quantize_to<Q, element>(where, in, out, given, rounding);
}
/// `quantize_packed` for callers without exceptions: the status of its checks; nothing has been written unless it is
/// ok.
template <quantizer_type Q, layout_policy ScaleLayout = row_major, readable_element T = const float>
[[nodiscard]] status try_quantize_packed(const on_host& where, matrix_view<T> in, packed_view<Q, ScaleLayout> out,
                                         const given_ranges& given = {}, typename Q::rounding_type rounding = {}) {
  using element = std::remove_const_t<T>;
  if (const detail::fault found = detail::quantize_packed_fault<Q, element>(in, out, given)) return found.verdict;
  detail::quantize_to<Q, element>(where, in, out, given, rounding);
  return {};
}

/// The same into memory of its own.
template <quantizer_type Q, layout_policy ScaleLayout = row_major, readable_element T = const float>
[[nodiscard]] packed_matrix<Q, ScaleLayout> quantize_packed(const on_host& where, matrix_view<T> in,
                                                            const given_ranges& given = {},
                                                            bit_order order = bit_order::low_first,
                                                            typename Q::rounding_type rounding = {}) {
  using element = std::remove_const_t<T>;
  detail::raise_if(detail::first_fault([&] { return detail::packed_shape_fault<Q>(in.shape); },
                                       [&] { return detail::input_fault<Q, element>(in, given); }));
  packed_matrix<Q, ScaleLayout> out(in.shape, order);
  detail::quantize_to<Q, element>(where, in, out.view(), given, rounding);
  return out;
}

/// `dequantize` of packed codes and scales in a layout, whose padding is not looked at. One pass, allocates nothing.
/// @throws error as `dequantize`; errc::invalid_shape where check_packed refuses the shape
template <quantizer_type Q, layout_policy ScaleLayout, storage_element T = float>
void dequantize_packed(const on_host& where, packed_view<Q, ScaleLayout> in, matrix_view<T> out) {
  using quantizer = std::remove_const_t<Q>;
  detail::raise_if(detail::dequantize_packed_fault<quantizer>(in, out));
  detail::dequantize_from<quantizer>(where, packed_view<const quantizer, ScaleLayout>(in), out);
}
/// `dequantize_packed` for callers without exceptions: the status of its checks; nothing has been written unless it is
/// ok.
template <quantizer_type Q, layout_policy ScaleLayout, storage_element T = float>
[[nodiscard]] status try_dequantize_packed(const on_host& where, packed_view<Q, ScaleLayout> in, matrix_view<T> out) {
  using quantizer = std::remove_const_t<Q>;
  if (const detail::fault found = detail::dequantize_packed_fault<quantizer>(in, out)) return found.verdict;
  detail::dequantize_from<quantizer>(where, packed_view<const quantizer, ScaleLayout>(in), out);
  return {};
}

}  // namespace qgrain

#endif
