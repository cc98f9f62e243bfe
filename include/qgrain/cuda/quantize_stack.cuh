// Bulk operations on stacks of matrices in device memory: each matrix as the operation on one would have it, all of
// them in the launches of one.
#ifndef QGRAIN_CUDA_QUANTIZE_STACK_CUH
#define QGRAIN_CUDA_QUANTIZE_STACK_CUH

#include <qgrain/core/concepts.hpp>
#include <qgrain/core/half.hpp>
#include <qgrain/core/matrix_view.hpp>
#include <qgrain/core/stack_view.hpp>
#include <qgrain/core/status.hpp>
#include <qgrain/cuda/detail/launch.cuh>
#include <qgrain/cuda/detail/stacking.hpp>
#include <qgrain/cuda/device_ranges.hpp>
#include <qgrain/cuda/on_stream.cuh>
#include <qgrain/layout/layout.hpp>
#include <qgrain/quantizer/quantized_stack.hpp>

#include <cstddef>
#include <span>
#include <type_traits>

namespace qgrain {

// As the operations of quantize.cuh, for each matrix: out[i] has the bytes that in[i] alone would give. Scratch is
// extent.count * scratch_bytes<Q>(shape, given) bytes. Ranges given per group are those of all matrices, one after the
// other; a given tensor range or scale is that of each, and `tensor_scales` has one per matrix. Stochastic rounding
// counts elements within each matrix. An empty stack is nothing to do. Errors are those of one matrix, and
// errc::invalid_shape where the stacks differ; `try_...` return them.

/// `quantize` of every matrix of a stack in the launches of one.
template <quantizer_type Q, readable_element T = const float>
void quantize(const on_stream& where, stack_view<T> in, quantized_stack_view<Q> out, std::span<std::byte> scratch = {},
              const device_ranges& given = {}, typename Q::rounding_type rounding = {}) {
  detail::raise_if(detail::quantize_stack_on<Q, std::remove_const_t<T>>(detail::stream_device(where.stream), in, out,
                                                                        scratch, given, rounding));
}
/// `quantize` for callers without exceptions: the status of its checks, after which nothing has been queued unless it
/// is ok, or of its launches.
template <quantizer_type Q, readable_element T = const float>
[[nodiscard]] status try_quantize(const on_stream& where, stack_view<T> in, quantized_stack_view<Q> out,
                                  std::span<std::byte> scratch = {}, const device_ranges& given = {},
                                  typename Q::rounding_type rounding = {}) {
  return detail::quantize_stack_on<Q, std::remove_const_t<T>>(detail::stream_device(where.stream), in, out, scratch,
                                                              given, rounding)
      .verdict;
}

/// `quantize_packed` of every matrix of a stack in the launches of one.
template <quantizer_type Q, layout_policy ScaleLayout = row_major, readable_element T = const float>
void quantize_packed(const on_stream& where, stack_view<T> in, packed_stack_view<Q, ScaleLayout> out,
                     std::span<std::byte> scratch = {}, const device_ranges& given = {},
                     typename Q::rounding_type rounding = {}) {
  detail::raise_if(detail::quantize_packed_stack_on<Q, std::remove_const_t<T>>(detail::stream_device(where.stream), in,
                                                                               out, scratch, given, rounding));
}
/// `quantize_packed` for callers without exceptions: the status of its checks, after which nothing has been
/// queued unless it is ok, or of its launches.
template <quantizer_type Q, layout_policy ScaleLayout = row_major, readable_element T = const float>
[[nodiscard]] status try_quantize_packed(const on_stream& where, stack_view<T> in,
                                         packed_stack_view<Q, ScaleLayout> out, std::span<std::byte> scratch = {},
                                         const device_ranges& given = {}, typename Q::rounding_type rounding = {}) {
  return detail::quantize_packed_stack_on<Q, std::remove_const_t<T>>(detail::stream_device(where.stream), in, out,
                                                                     scratch, given, rounding)
      .verdict;
}

/// `out` may be `in`.
template <quantizer_type Q, storage_element T = float>
void fake_quantize(const on_stream& where, std::type_identity_t<stack_view<const T>> in, stack_view<T> out,
                   std::span<std::byte> scratch = {}, const device_ranges& given = {},
                   typename Q::rounding_type rounding = {}) {
  detail::raise_if(
      detail::fake_quantize_stack_on<Q, T>(detail::stream_device(where.stream), in, out, scratch, given, rounding));
}
/// `fake_quantize` for callers without exceptions: the status of its checks, after which nothing has been queued unless
/// it is ok, or of its launches.
template <quantizer_type Q, storage_element T = float>
[[nodiscard]] status try_fake_quantize(const on_stream& where, std::type_identity_t<stack_view<const T>> in,
                                       stack_view<T> out, std::span<std::byte> scratch = {},
                                       const device_ranges& given = {}, typename Q::rounding_type rounding = {}) {
  return detail::fake_quantize_stack_on<Q, T>(detail::stream_device(where.stream), in, out, scratch, given, rounding)
      .verdict;
}

/// `dequantize` of every matrix of a stack in the launches of one.
template <quantizer_type Q, storage_element T = float>
void dequantize(const on_stream& where, quantized_stack_view<Q> in, stack_view<T> out) {
  using quantizer = std::remove_const_t<Q>;
  detail::raise_if(detail::dequantize_stack_on<quantizer, T>(detail::stream_device(where.stream),
                                                             quantized_stack_view<const quantizer>(in), out));
}
/// `dequantize` for callers without exceptions: the status of its checks, after which nothing has been queued unless it
/// is ok, or of its launches.
template <quantizer_type Q, storage_element T = float>
[[nodiscard]] status try_dequantize(const on_stream& where, quantized_stack_view<Q> in, stack_view<T> out) {
  using quantizer = std::remove_const_t<Q>;
  return detail::dequantize_stack_on<quantizer, T>(detail::stream_device(where.stream),
                                                   quantized_stack_view<const quantizer>(in), out)
      .verdict;
}

/// `dequantize_packed` of every matrix of a stack in the launches of one.
template <quantizer_type Q, layout_policy ScaleLayout, storage_element T = float>
void dequantize_packed(const on_stream& where, packed_stack_view<Q, ScaleLayout> in, stack_view<T> out) {
  using quantizer = std::remove_const_t<Q>;
  detail::raise_if(detail::dequantize_packed_stack_on<quantizer, T>(
      detail::stream_device(where.stream), packed_stack_view<const quantizer, ScaleLayout>(in), out));
}
/// `dequantize_packed` for callers without exceptions: the status of its checks, after which nothing has been
/// queued unless it is ok, or of its launches.
template <quantizer_type Q, layout_policy ScaleLayout, storage_element T = float>
[[nodiscard]] status try_dequantize_packed(const on_stream& where, packed_stack_view<Q, ScaleLayout> in,
                                           stack_view<T> out) {
  using quantizer = std::remove_const_t<Q>;
  return detail::dequantize_packed_stack_on<quantizer, T>(detail::stream_device(where.stream),
                                                          packed_stack_view<const quantizer, ScaleLayout>(in), out)
      .verdict;
}

}  // namespace qgrain

#endif
