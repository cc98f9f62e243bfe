// Quantization and its error in one go.
#ifndef QGRAIN_HOST_MEASURE_HPP
#define QGRAIN_HOST_MEASURE_HPP

#include <qgrain/core/concepts.hpp>
#include <qgrain/core/half.hpp>
#include <qgrain/core/matrix_view.hpp>
#include <qgrain/core/status.hpp>
#include <qgrain/host/detail/bulk.hpp>
#include <qgrain/host/detail/host_requirements.hpp>
#include <qgrain/host/detail/measure_block.hpp>
#include <qgrain/host/detail/view_memory.hpp>
#include <qgrain/host/given_ranges.hpp>
#include <qgrain/host/on_host.hpp>
#include <qgrain/host/quantize.hpp>
#include <qgrain/quantizer/error_sums.hpp>
#include <qgrain/quantizer/quantized_view.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <type_traits>
#include <vector>

namespace qgrain {

namespace detail {

/// Quantizes and measures; `per_group` has one entry per scale, or one for the whole tensor.
///
/// Which elements are summed in which order follows from the shape alone. A chunk of rows adds to sums of its own,
/// unless its groups are its own; those of all chunks are merged from top to bottom.
template <class Q, class T>
void quantize_measured(const on_host& where, matrix_view<const T> in, quantized_view<Q> out, const given_ranges& given,
                       typename Q::rounding_type rounding, std::span<error_sums> sums, bool per_group) {
  using element = typename Q::element_type;
  raise_if(quantize_fault<Q, T>(in, out, given));
  const shape2d group = Q::granularity_type::group_shape(in.shape);
  const shape2d extent = Q::scale_shape(in.shape);
  if (per_group) raise_if(size_fault("memory for error sums", extent.elements(), static_cast<index_t>(sums.size())));

  // Keeps the sums of the chunks small next to the matrix where each column is a group.
  constexpr index_t least_group_elements = 256;
  const index_t rows = chunk_rows(in.shape, group, per_group ? least_group_elements : 1);
  const bool whole_groups = per_group && (group.rows < in.shape.rows || rows >= in.shape.rows);
  const index_t stride = per_group ? 1 : 0;
  const index_t chunk_sums = whole_groups ? 0 : per_group ? extent.cols : 1;
  std::vector<error_sums> partial(static_cast<std::size_t>(ceil_div(in.shape.rows, rows) * chunk_sums));
  const std::span<error_sums> results = sums.first(static_cast<std::size_t>(per_group ? extent.elements() : 1));
  std::fill(results.begin(), results.end(), error_sums{});

  quantize_matrix<element>(where, in, group, given, codes_in(out), scales_in(out), out.tensor_scale, rounding, rows,
                           [&](index_t row, const block& b, index_t first_group, matrix_view<const float> x,
                               matrix_view<const typename element::code_type> codes,
                               const typename element::stored_scale* scales, float tensor_scale) {
                             error_sums* const chunk = whole_groups ? results.data() + row / group.rows * extent.cols
                                                                    : partial.data() + row / rows * chunk_sums;
                             const index_t at =
                                 whole_groups ? b.group_row * extent.cols + b.group_col : b.group_col * stride;
                             run_widest<measure_block<element>>(x, codes, group.cols, scales, tensor_scale,
                                                                chunk + at + first_group * stride, stride);
                           });
  for (std::size_t i = 0; i < partial.size(); ++i) results[i % results.size()].merge(partial[i]);
}

}  // namespace detail

/// `quantize` and what it did to the tensor: codes and scales have the same bits, and the figures come from the same
/// pass, of each element and the float32 value of its code.
///
/// An element is clipped where saturation has made its error larger than rounding to the nearest value could: divided
/// by the scale (zero point added), it lies more than half a step beyond the largest or the least value of the format,
/// a step being the distance between the last two values at that end. 127.4 is not clipped by int8, 127.6 is, 464 is
/// not by float8_e4m3fn (448 and 480 would be a step), 465 is. Neither the rounding nor NaN matters to that; infinity
/// is clipped unless its scale is infinite too.
///
/// The sums are the same for any number of threads; parts of the tensor are summed apart and then merged, so another
/// order of elements may give other last bits. Memory of its own: at most half a byte per element for sums of parts,
/// and what `quantize` takes.
/// @throws error as `quantize`
template <quantizer_type Q, readable_element T = const float>
error_sums quantize_and_measure(const on_host& where, matrix_view<T> in, quantized_view<Q> out,
                                const given_ranges& given = {}, typename Q::rounding_type rounding = {}) {
  error_sums total;
  detail::quantize_measured<Q, std::remove_const_t<T>>(where, in, out, given, rounding, {&total, 1}, false);
  return total;
}

/// The same with the sums of each group: groups[i] belongs to out.scales[i]. What stood in `groups` is replaced;
/// entries beyond Q::scale_count(shape) stay.
/// @throws error as `quantize`, errc::buffer_too_small for less than Q::scale_count(shape) sums; nothing has been
/// written then
template <quantizer_type Q, readable_element T = const float>
void quantize_and_measure(const on_host& where, matrix_view<T> in, quantized_view<Q> out, std::span<error_sums> groups,
                          const given_ranges& given = {}, typename Q::rounding_type rounding = {}) {
  detail::quantize_measured<Q, std::remove_const_t<T>>(where, in, out, given, rounding, groups, true);
}

}  // namespace qgrain

#endif
