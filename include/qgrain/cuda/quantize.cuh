// Bulk operations on device memory: quantize, dequantize, fake_quantize on a stream.
#ifndef QGRAIN_CUDA_QUANTIZE_CUH
#define QGRAIN_CUDA_QUANTIZE_CUH

#include <qgrain/core/concepts.hpp>
#include <qgrain/core/half.hpp>
#include <qgrain/core/matrix_view.hpp>
#include <qgrain/cuda/detail/launch.cuh>
#include <qgrain/cuda/detail/operations.hpp>
#include <qgrain/cuda/on_stream.cuh>
#include <qgrain/cuda/scratch.hpp>
#include <qgrain/quantizer/packed_view.hpp>
#include <qgrain/quantizer/quantized_view.hpp>

#include <cstddef>
#include <span>
#include <type_traits>

namespace qgrain {

// All three queue kernels on where.stream and return. They allocate nothing and wait for nothing, so a stream that is
// being captured into a graph takes them. Every pointer, scratch included, is memory that the current device reaches,
// and must stay valid until the work is done. Codes, scales and values have the bits of the host's, whatever the
// alignment of the pointers; 16-byte aligned rows are faster. Granularities: runs of a row, rows, columns, the tensor.
//
// @throws error before anything is queued: errc::invalid_shape where Q::check refuses the shape or the shapes differ,
// errc::invalid_argument for missing memory, errc::buffer_too_small for scratch below scratch_bytes<Q>(shape), both
// numbers named. errc::cuda_failure where CUDA refuses a launch; kernels queued before it may still run.

/// in: [rows, cols], float, bfloat16 or float16, any leading dimension. out.codes needs Q::code_bytes(shape) bytes,
/// out.scales Q::scale_count(shape) entries, out.tensor_scale one float where the scale has two levels. Ranges come
/// from the data; values outside the range saturate; NaN becomes what the format has for it. `rounding` carries the
/// seed of stochastic rounding. One pass over the input, two where scratch_bytes is not 0.
template <quantizer_type Q, storage_element T>
void quantize(const on_stream& where, matrix_view<const T> in, quantized_view<Q> out, std::span<std::byte> scratch = {},
              typename Q::rounding_type rounding = {}) {
  detail::quantize_on<Q, T>(detail::stream_device(where.stream), in, out, scratch, rounding);
}

/// out[r, c] = value of the code times its scale, rounded to T; any leading dimension. One pass.
template <quantizer_type Q, storage_element T>
void dequantize(const on_stream& where, quantized_view<Q> in, matrix_view<T> out) {
  detail::dequantize_on<Q, T>(detail::stream_device(where.stream), in, out);
}

/// out has the values that the codes of `quantize` would stand for, rounded to T, except that NaN stays NaN and the
/// sign of zero stays in formats that lack them. `out` may be `in`. Everything else as in `quantize`.
template <quantizer_type Q, storage_element T>
void fake_quantize(const on_stream& where, std::type_identity_t<matrix_view<const T>> in, matrix_view<T> out,
                   std::span<std::byte> scratch = {}, typename Q::rounding_type rounding = {}) {
  detail::fake_quantize_on<Q, T>(detail::stream_device(where.stream), in, out, scratch, rounding);
}

/// `quantize` with two 4-bit codes per byte, in the order out.order. Rows have an even number of columns
/// (errc::invalid_shape otherwise). out.codes needs packed_bytes(shape.elements(), 4) bytes.
template <quantizer_type Q, storage_element T>
void quantize_packed(const on_stream& where, matrix_view<const T> in, packed_view<Q> out,
                     std::span<std::byte> scratch = {}, typename Q::rounding_type rounding = {}) {
  detail::quantize_packed_on<Q, T>(detail::stream_device(where.stream), in, out, scratch, rounding);
}

/// `dequantize` of two codes per byte.
template <quantizer_type Q, storage_element T>
void dequantize_packed(const on_stream& where, packed_view<Q> in, matrix_view<T> out) {
  detail::dequantize_packed_on<Q, T>(detail::stream_device(where.stream), in, out);
}

}  // namespace qgrain

#endif
