// Bulk operations on device memory: quantize, dequantize, fake_quantize on a stream.
#ifndef QGRAIN_CUDA_QUANTIZE_CUH
#define QGRAIN_CUDA_QUANTIZE_CUH

#include <qgrain/core/concepts.hpp>
#include <qgrain/core/half.hpp>
#include <qgrain/core/matrix_view.hpp>
#include <qgrain/core/status.hpp>
#include <qgrain/cuda/detail/launch.cuh>
#include <qgrain/cuda/detail/operations.hpp>
#include <qgrain/cuda/device_ranges.hpp>
#include <qgrain/cuda/on_stream.cuh>
#include <qgrain/cuda/scratch.hpp>
#include <qgrain/layout/layout.hpp>
#include <qgrain/quantizer/given_scales.hpp>
#include <qgrain/quantizer/packed_view.hpp>
#include <qgrain/quantizer/packing.hpp>
#include <qgrain/quantizer/quantized_view.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

namespace qgrain {

// All queue kernels on where.stream and return. They allocate nothing and wait for nothing, so a stream that is
// being captured into a graph takes them. Every pointer, scratch included, is memory that the current device reaches,
// and must stay valid until the work is done. Codes, scales and values have the bits of the host's, whatever the
// alignment of the pointers; 16-byte aligned rows are faster. Granularities: runs of a row,
// tiles, rows, columns, the tensor.
//
// @throws error before anything is queued: errc::invalid_shape where Q::check refuses the shape or the shapes differ,
// errc::invalid_argument for missing memory, errc::buffer_too_small for scratch below scratch_bytes<Q>(shape), both
// numbers named. errc::cuda_failure where CUDA refuses a launch; kernels queued before it may still run. The twins
// `try_...` return the same as a status, for callers without exceptions.

/// Quantizes a matrix into device memory.
///
/// in: [rows, cols], float, bfloat16 or float16, any leading dimension, to read or to modify. out.codes needs
/// Q::code_bytes(shape) bytes, out.scales Q::scale_count(shape) entries, out.tensor_scale one float where the scale has
/// two levels. Ranges come from the data unless `given`; values outside the range saturate; NaN becomes what the format
/// has for it. `rounding` carries the seed of stochastic rounding. One pass over the input, two where
/// scratch_bytes<Q>(shape, given) is not 0.
template <quantizer_type Q, readable_element T = const float>
void quantize(const on_stream& where, matrix_view<T> in, quantized_view<Q> out, std::span<std::byte> scratch = {},
              const device_ranges& given = {}, typename Q::rounding_type rounding = {}) {
  detail::raise_if(detail::quantize_on<Q, std::remove_const_t<T>>(detail::stream_device(where.stream), in, out, scratch,
                                                                  given, rounding));
}
/// `quantize` for callers without exceptions: the status of its checks, after which nothing has been queued unless it
/// is ok, or of its launches.
template <quantizer_type Q, readable_element T = const float>
[[nodiscard]] status try_quantize(const on_stream& where, matrix_view<T> in, quantized_view<Q> out,
                                  std::span<std::byte> scratch = {}, const device_ranges& given = {},
                                  typename Q::rounding_type rounding = {}) {
  return detail::quantize_on<Q, std::remove_const_t<T>>(detail::stream_device(where.stream), in, out, scratch, given,
                                                        rounding)
      .verdict;
}

/// Codes under scales that are known: one scale per group, zero points among them, and the tensor's scale where there
/// are two levels, all in device memory; codes: one per element. The numbers are the caller's: none is checked. One
/// pass, no scratch.
/// @throws error errc::invalid_shape for another number of scales, errc::buffer_too_small for less room than codes
template <quantizer_type Q, readable_element T = const float>
void quantize_with_scales(const on_stream& where, matrix_view<T> in, const std::type_identity_t<given_scales<Q>>& given,
                          std::type_identity_t<std::span<typename Q::code_type>> codes,
                          typename Q::rounding_type rounding = {}) {
  detail::raise_if(detail::quantize_with_scales_on<Q, std::remove_const_t<T>>(detail::stream_device(where.stream), in,
                                                                              given, codes, rounding));
}
/// `quantize_with_scales` for callers without exceptions: the status of its checks, after which nothing has been queued
/// unless it is ok, or of its launches.
template <quantizer_type Q, readable_element T = const float>
[[nodiscard]] status try_quantize_with_scales(const on_stream& where, matrix_view<T> in,
                                              const std::type_identity_t<given_scales<Q>>& given,
                                              std::type_identity_t<std::span<typename Q::code_type>> codes,
                                              typename Q::rounding_type rounding = {}) {
  return detail::quantize_with_scales_on<Q, std::remove_const_t<T>>(detail::stream_device(where.stream), in, given,
                                                                    codes, rounding)
      .verdict;
}

/// out[r, c] = value of the code times its scale, rounded to T; any leading dimension. `in` may be a view to read or to
/// modify. One pass.
template <quantizer_type Q, storage_element T = float>
void dequantize(const on_stream& where, std::type_identity_t<quantized_view<const Q>> in, matrix_view<T> out) {
  detail::raise_if(detail::dequantize_on<Q, T>(detail::stream_device(where.stream), in, out));
}
/// The same where the view alone names the quantizer.
template <quantizer_type Q, storage_element T = float>
void dequantize(const on_stream& where, quantized_view<Q> in, matrix_view<T> out) {
  dequantize<std::remove_const_t<Q>, T>(where, quantized_view<const Q>(in), out);
}
/// `dequantize` for callers without exceptions: the status of its checks, after which nothing has been queued unless it
/// is ok, or of its launches.
template <quantizer_type Q, storage_element T = float>
[[nodiscard]] status try_dequantize(const on_stream& where, quantized_view<Q> in, matrix_view<T> out) {
  using quantizer = std::remove_const_t<Q>;
  return detail::dequantize_on<quantizer, T>(detail::stream_device(where.stream), quantized_view<const quantizer>(in),
                                             out)
      .verdict;
}

/// out has the values that the codes of `quantize` would stand for, rounded to T, except that NaN stays NaN and the
/// sign of zero stays in formats that lack them. `out` may be `in`. Everything else as in `quantize`.
template <quantizer_type Q, storage_element T = float>
void fake_quantize(const on_stream& where, std::type_identity_t<matrix_view<const T>> in, matrix_view<T> out,
                   std::span<std::byte> scratch = {}, const device_ranges& given = {},
                   typename Q::rounding_type rounding = {}) {
  detail::raise_if(
      detail::fake_quantize_on<Q, T>(detail::stream_device(where.stream), in, out, scratch, given, rounding));
}
/// `fake_quantize` for callers without exceptions: the status of its checks, after which nothing has been queued unless
/// it is ok, or of its launches.
template <quantizer_type Q, storage_element T = float>
[[nodiscard]] status try_fake_quantize(const on_stream& where, std::type_identity_t<matrix_view<const T>> in,
                                       matrix_view<T> out, std::span<std::byte> scratch = {},
                                       const device_ranges& given = {}, typename Q::rounding_type rounding = {}) {
  return detail::fake_quantize_on<Q, T>(detail::stream_device(where.stream), in, out, scratch, given, rounding).verdict;
}

/// `quantize` with codes packed and scales laid out in the same pass. out.codes needs packed_view::code_bytes(shape)
/// bytes, out.scales packed_view::scale_count(shape) entries; padding of the layout becomes zeros. Groups of a fixed
/// size end at whole bytes, and so do rows.
/// @throws error errc::invalid_shape where check_packed refuses the shape
template <quantizer_type Q, layout_policy ScaleLayout = row_major, readable_element T = const float>
void quantize_packed(const on_stream& where, matrix_view<T> in, packed_view<Q, ScaleLayout> out,
                     std::span<std::byte> scratch = {}, const device_ranges& given = {},
                     typename Q::rounding_type rounding = {}) {
  detail::raise_if(detail::quantize_packed_on<Q, std::remove_const_t<T>>(detail::stream_device(where.stream), in, out,
                                                                         scratch, given, rounding));
}
/// `quantize_packed` for callers without exceptions: the status of its checks, after which nothing has been
/// queued unless it is ok, or of its launches.
template <quantizer_type Q, layout_policy ScaleLayout = row_major, readable_element T = const float>
[[nodiscard]] status try_quantize_packed(const on_stream& where, matrix_view<T> in, packed_view<Q, ScaleLayout> out,
                                         std::span<std::byte> scratch = {}, const device_ranges& given = {},
                                         typename Q::rounding_type rounding = {}) {
  return detail::quantize_packed_on<Q, std::remove_const_t<T>>(detail::stream_device(where.stream), in, out, scratch,
                                                               given, rounding)
      .verdict;
}

/// `quantize_with_scales` with codes packed in the same pass; codes: packed_view<Q>::code_bytes(shape) bytes. Groups of
/// a fixed size end at whole bytes, and so do rows.
/// @throws error as `quantize_with_scales`; errc::invalid_shape where check_packed refuses the shape
template <quantizer_type Q, readable_element T = const float>
void quantize_packed_with_scales(const on_stream& where, matrix_view<T> in,
                                 const std::type_identity_t<given_scales<Q>>& given, std::span<std::uint8_t> codes,
                                 bit_order order = bit_order::low_first, typename Q::rounding_type rounding = {}) {
  detail::raise_if(detail::quantize_packed_with_scales_on<Q, std::remove_const_t<T>>(
      detail::stream_device(where.stream), in, given, codes, order, rounding));
}
/// `quantize_packed_with_scales` for callers without exceptions: the status of its checks, after which nothing has been
/// queued unless it is ok, or of its launches.
template <quantizer_type Q, readable_element T = const float>
[[nodiscard]] status try_quantize_packed_with_scales(const on_stream& where, matrix_view<T> in,
                                                     const std::type_identity_t<given_scales<Q>>& given,
                                                     std::span<std::uint8_t> codes,
                                                     bit_order order = bit_order::low_first,
                                                     typename Q::rounding_type rounding = {}) {
  return detail::quantize_packed_with_scales_on<Q, std::remove_const_t<T>>(detail::stream_device(where.stream), in,
                                                                           given, codes, order, rounding)
      .verdict;
}

/// `dequantize` of packed codes and scales in a layout.
template <quantizer_type Q, layout_policy ScaleLayout, storage_element T = float>
void dequantize_packed(const on_stream& where, packed_view<Q, ScaleLayout> in, matrix_view<T> out) {
  using quantizer = std::remove_const_t<Q>;
  detail::raise_if(detail::dequantize_packed_on<quantizer, T>(detail::stream_device(where.stream),
                                                              packed_view<const quantizer, ScaleLayout>(in), out));
}
/// `dequantize_packed` for callers without exceptions: the status of its checks, after which nothing has been
/// queued unless it is ok, or of its launches.
template <quantizer_type Q, layout_policy ScaleLayout, storage_element T = float>
[[nodiscard]] status try_dequantize_packed(const on_stream& where, packed_view<Q, ScaleLayout> in, matrix_view<T> out) {
  using quantizer = std::remove_const_t<Q>;
  return detail::dequantize_packed_on<quantizer, T>(detail::stream_device(where.stream),
                                                    packed_view<const quantizer, ScaleLayout>(in), out)
      .verdict;
}

}  // namespace qgrain

#endif
