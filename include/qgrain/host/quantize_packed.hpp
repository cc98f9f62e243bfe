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
#include <qgrain/quantizer/given_scales.hpp>
#include <qgrain/quantizer/packed_matrix.hpp>
#include <qgrain/quantizer/packed_view.hpp>
#include <qgrain/quantizer/packing.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
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

template <class Q, class T>
[[nodiscard]] fault packed_with_scales_fault(matrix_view<const T> in, const given_scales<Q>& given, std::size_t bytes) {
  return first_fault([&] { return packed_shape_fault<Q>(in.shape); }, [&] { return input_fault<Q, T>(in, {}); },
                     [&] { return scales_fault<Q>(in.shape, given); },
                     [&] {
                       return size_fault("bytes for packed codes", packed_view<Q>::code_bytes(in.shape),
                                         static_cast<index_t>(bytes));
                     });
}

template <class Q, class T>
void encode_packed_with_scales(const on_host& where, matrix_view<const T> in, const given_scales<Q>& given,
                               std::uint8_t* codes, bit_order order, typename Q::rounding_type rounding) {
  encode_under<Q, T>(where, in, given, codes_in(packed_view<Q>{codes, nullptr, nullptr, in.shape, order}), rounding);
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

/// `quantize_with_scales` with codes packed in the same pass: its codes, then pack_codes of all of them. `given` as
/// there, its scales row-major; codes: packed_view<Q>::code_bytes(shape) bytes.
/// @throws error as `quantize_with_scales`; errc::invalid_shape where check_packed refuses the shape
template <quantizer_type Q, readable_element T = const float>
void quantize_packed_with_scales(const on_host& where, matrix_view<T> in,
                                 const std::type_identity_t<given_scales<Q>>& given, std::span<std::uint8_t> codes,
                                 bit_order order = bit_order::low_first, typename Q::rounding_type rounding = {}) {
  using element = std::remove_const_t<T>;
  detail::raise_if(detail::packed_with_scales_fault<Q, element>(in, given, codes.size()));
  detail::encode_packed_with_scales<Q, element>(where, in, given, codes.data(), order, rounding);
}
/// `quantize_packed_with_scales` for callers without exceptions: the status of its checks; nothing has been written
/// unless it is ok.
template <quantizer_type Q, readable_element T = const float>
[[nodiscard]] status try_quantize_packed_with_scales(const on_host& where, matrix_view<T> in,
                                                     const std::type_identity_t<given_scales<Q>>& given,
                                                     std::span<std::uint8_t> codes,
                                                     bit_order order = bit_order::low_first,
                                                     typename Q::rounding_type rounding = {}) {
  using element = std::remove_const_t<T>;
  if (const detail::fault found = detail::packed_with_scales_fault<Q, element>(in, given, codes.size()))
    return found.verdict;
  detail::encode_packed_with_scales<Q, element>(where, in, given, codes.data(), order, rounding);
  return {};
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
