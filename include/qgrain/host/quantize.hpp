// Bulk operations on host memory: quantize, dequantize, fake_quantize.
#ifndef QGRAIN_HOST_QUANTIZE_HPP
#define QGRAIN_HOST_QUANTIZE_HPP

#include <qgrain/core/concepts.hpp>
#include <qgrain/core/half.hpp>
#include <qgrain/core/matrix_view.hpp>
#include <qgrain/core/status.hpp>
#include <qgrain/host/detail/blocks.hpp>
#include <qgrain/host/detail/row_chunks.hpp>
#include <qgrain/host/given_ranges.hpp>
#include <qgrain/host/on_host.hpp>
#include <qgrain/host/parallel.hpp>
#include <qgrain/quantizer/quantized_matrix.hpp>
#include <qgrain/quantizer/quantized_view.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <type_traits>

namespace qgrain {

namespace detail {

inline void require_shape(status verdict, const std::string& what, shape2d shape) {
  if (verdict) return;
  throw error(verdict.code(), what + " cannot take a " + std::to_string(shape.rows) + " x " +
                                  std::to_string(shape.cols) + " matrix: the rule asks for " +
                                  std::to_string(verdict.wanted()) + ", found " + std::to_string(verdict.found()));
}

inline void require_same(const char* what, index_t wanted, index_t found) {
  if (wanted == found) return;
  throw error(errc::invalid_shape,
              std::string(what) + ": expected " + std::to_string(wanted) + ", found " + std::to_string(found));
}

inline void require_size(const char* what, index_t wanted, index_t found) {
  if (found >= wanted) return;
  throw error(errc::buffer_too_small,
              std::string(what) + ": needs " + std::to_string(wanted) + ", has " + std::to_string(found));
}

template <class T>
void require_matrix(const char* what, matrix_view<T> matrix) {
  if (matrix.data == nullptr) throw error(errc::invalid_argument, std::string(what) + " has no memory");
  require_size(what, matrix.shape.cols, matrix.leading_dimension);
}

/// Faults that every operation looks for before it writes anything.
template <class Q, class T>
void require_input(matrix_view<const T> in, const given_ranges& given) {
  require_shape(Q::check(in.shape),
                std::string(Q::format_type::name()) + " " + std::string(Q::granularity_type::name()), in.shape);
  require_matrix("the input matrix", in);
  if (!given.absmax.empty()) {
    require_same("given ranges, one per scale", Q::scale_count(in.shape), static_cast<index_t>(given.absmax.size()));
  }
}

}  // namespace detail

/// Quantizes into memory that the caller owns.
///
/// in: [rows, cols], float, bfloat16 or float16, any leading dimension. out.codes needs Q::code_bytes(shape) bytes,
/// out.scales Q::scale_count(shape) entries, out.tensor_scale one float where the scale has two levels. Ranges come
/// from the data unless given. Values outside the range saturate; NaN becomes what the format has for it. The bits do
/// not depend on `where`. Two passes over the input (three where the scale has two levels).
/// @throws error errc::invalid_shape where Q::check refuses the shape or the shapes differ, errc::invalid_argument for
/// missing memory; nothing has been written then
template <quantizer_type Q, storage_element T>
void quantize(const on_host& where, matrix_view<const T> in, quantized_view<Q> out, const given_ranges& given = {}) {
  detail::require_input<Q>(in, given);
  detail::require_same("rows of the output", in.shape.rows, out.shape.rows);
  detail::require_same("columns of the output", in.shape.cols, out.shape.cols);
  if (out.codes == nullptr || out.scales == nullptr ||
      (Q::scale_type::tensor_bits > 0 && out.tensor_scale == nullptr)) {
    throw error(errc::invalid_argument, "the output of quantize has no memory for codes, scales or the tensor scale");
  }
  const shape2d group = Q::granularity_type::group_shape(in.shape);
  const index_t scales_per_row = Q::scale_shape(in.shape).cols;
  detail::with_pool(where, [&](thread_pool& pool) {
    const detail::known_ranges known = detail::ranges_before<Q, T>(pool, in, given);
    if (out.tensor_scale != nullptr) *out.tensor_scale = known.tensor_scale;
    detail::for_each_row_chunk(pool, in.shape, group, [&](index_t row, index_t rows) {
      const detail::float_rows<T> x(in.band(row, rows));
      const matrix_view<typename Q::code_type> codes{out.codes + row * in.shape.cols, {rows, in.shape.cols}};
      const shape2d local{std::min(group.rows, rows), group.cols};
      detail::for_each_ranged_block(
          x.view(), local, known.from_row(row, group), [&](const detail::block& b, const float* absmax) {
            std::array<typename Q::stored_scale, static_cast<std::size_t>(detail::max_block_groups)> scales;
            detail::run_widest<detail::encode_block<Q>>(detail::part(x.view(), b), detail::part(codes, b), group.cols,
                                                        absmax, scales.data(), known.tensor_scale);
            if (row % group.rows != 0) return;  // a group over several chunks: the first one writes its scale
            const index_t at = (row / group.rows + b.group_row) * scales_per_row + b.group_col;
            std::copy_n(scales.begin(), ceil_div(b.shape.cols, group.cols), out.scales + at);
          });
    });
  });
}

/// The same into memory of its own.
template <quantizer_type Q, storage_element T>
[[nodiscard]] quantized_matrix<Q> quantize(const on_host& where, matrix_view<const T> in,
                                           const given_ranges& given = {}) {
  detail::require_input<Q>(in, given);
  quantized_matrix<Q> out(in.shape);
  quantize<Q>(where, in, out.view(), given);
  return out;
}
template <quantizer_type Q>
[[nodiscard]] quantized_matrix<Q> quantize(const on_host& where, matrix_view<const float> in,
                                           const given_ranges& given = {}) {
  return quantize<Q, float>(where, in, given);
}

/// Codes back to values: out[r, c] = value of the code times its scale, rounded to T. One pass.
/// @throws error errc::invalid_shape where the shapes differ, errc::invalid_argument for missing memory
template <quantizer_type Q, storage_element T>
void dequantize(const on_host& where, quantized_view<Q> in, matrix_view<T> out) {
  detail::require_shape(Q::check(in.shape), std::string(Q::format_type::name()), in.shape);
  detail::require_same("rows of the output", in.shape.rows, out.shape.rows);
  detail::require_same("columns of the output", in.shape.cols, out.shape.cols);
  detail::require_matrix("the output matrix", out);
  if (in.codes == nullptr || in.scales == nullptr) {
    throw error(errc::invalid_argument, "the input of dequantize has no codes or no scales");
  }
  const shape2d group = Q::granularity_type::group_shape(in.shape);
  const index_t scales_per_row = Q::scale_shape(in.shape).cols;
  const float tensor_scale = in.tensor_scale == nullptr ? 1.0F : *in.tensor_scale;
  detail::with_pool(where, [&](thread_pool& pool) {
    detail::for_each_row_chunk(pool, in.shape, group, [&](index_t row, index_t rows) {
      const matrix_view<const typename Q::code_type> codes{in.codes + row * in.shape.cols, {rows, in.shape.cols}};
      detail::float_sink<T> y(out.band(row, rows));
      detail::for_each_block(codes.shape, {std::min(group.rows, rows), group.cols}, [&](const detail::block& b) {
        const index_t at = (row / group.rows + b.group_row) * scales_per_row + b.group_col;
        detail::run_widest<detail::decode_block<Q>>(detail::part(codes, b), detail::part(y.view(), b), group.cols,
                                                    static_cast<const typename Q::stored_scale*>(in.scales + at),
                                                    tensor_scale);
      });
      y.store();
    });
  });
}

/// Quantizes and dequantizes in one go: out has the values that the codes would stand for, rounded to T.
///
/// Equal to dequantize(quantize(in)), except that NaN stays NaN and the sign of zero stays in formats that lack them.
/// `out` may be `in`. Ranges, bits, errors and passes as in `quantize`.
template <quantizer_type Q, storage_element T>
void fake_quantize(const on_host& where, std::type_identity_t<matrix_view<const T>> in, matrix_view<T> out,
                   const given_ranges& given = {}) {
  detail::require_input<Q, T>(in, given);
  detail::require_same("rows of the output", in.shape.rows, out.shape.rows);
  detail::require_same("columns of the output", in.shape.cols, out.shape.cols);
  detail::require_matrix("the output matrix", out);
  const shape2d group = Q::granularity_type::group_shape(in.shape);
  constexpr detail::fake_block_function element_stage =
      detail::fake_quantize_block<typename Q::format_type, typename Q::scale_type, typename Q::rounding_type>;
  detail::with_pool(where, [&](thread_pool& pool) {
    const detail::known_ranges known = detail::ranges_before<Q, T>(pool, in, given);
    detail::for_each_row_chunk(pool, in.shape, group, [&](index_t row, index_t rows) {
      const detail::float_rows<T> x(in.band(row, rows));
      detail::float_sink<T> y(out.band(row, rows));
      detail::fake_quantize_band(element_stage, x.view(), y.view(), {std::min(group.rows, rows), group.cols},
                                 known.from_row(row, group), known.tensor_scale);
      y.store();
    });
  });
}

}  // namespace qgrain

#endif
