// Bulk operations on stacks of matrices in host memory: each matrix as the operation on one would have it, all of them
// in one call and on the same threads.
#ifndef QGRAIN_HOST_QUANTIZE_STACK_HPP
#define QGRAIN_HOST_QUANTIZE_STACK_HPP

#include <qgrain/core/concepts.hpp>
#include <qgrain/core/detail/requirements.hpp>
#include <qgrain/core/half.hpp>
#include <qgrain/core/matrix_view.hpp>
#include <qgrain/core/stack_view.hpp>
#include <qgrain/core/status.hpp>
#include <qgrain/host/detail/host_requirements.hpp>
#include <qgrain/host/detail/view_memory.hpp>
#include <qgrain/host/given_ranges.hpp>
#include <qgrain/host/on_host.hpp>
#include <qgrain/host/quantize.hpp>
#include <qgrain/layout/layout.hpp>
#include <qgrain/quantizer/quantized_stack.hpp>

#include <cstddef>
#include <type_traits>

namespace qgrain {

namespace detail {

/// body(where, matrix) for each matrix: those of large stacks one per thread, those of small ones one after the other.
template <class Body>
void for_each_matrix(const on_host& where, index_t count, const Body& body) {
  with_runner(where, [&](task_runner& runner) {
    if (count < runner.threads()) {
      for (index_t i = 0; i < count; ++i) body(on_host(runner), i);
    } else {
      runner.run(count, [&](index_t i) { body(on_host{}, i); });
    }
  });
}

/// The ranges of one matrix out of those of a stack. What is given for a tensor is given for each, unless each has its
/// own.
[[nodiscard]] inline given_ranges ranges_of_matrix(const given_ranges& given, index_t i, index_t scales) {
  const auto first = static_cast<std::size_t>(i * scales);
  const auto count = static_cast<std::size_t>(scales);
  given_ranges of_matrix = given;
  if (!given.absmax.empty()) of_matrix.absmax = {given.absmax.data() + first, count};
  if (!given.ends.empty()) of_matrix.ends = {given.ends.data() + first, count};
  if (!given.tensor_scales.empty()) {
    of_matrix.tensor_scale = given.tensor_scales[static_cast<std::size_t>(i)];
    of_matrix.tensor_scales = {};
  }
  return of_matrix;
}

/// Of all matrices, before anything is written.
template <class Q, class T>
[[nodiscard]] fault stacks_fault(stack_view<const T> in, matrix_stack out, const given_ranges& given) {
  const shape2d shape = in.extent.shape;
  const index_t scales = Q::scale_count(shape);
  const auto given_fault = [&](std::size_t count) {
    return count == 0
               ? fault{}
               : count_fault("given ranges, one per scale", in.extent.count * scales, static_cast<index_t>(count));
  };
  fault found = first_fault(
      [&] { return count_fault("matrices of the output", in.extent.count, out.count); },
      [&] { return same_shape_fault(shape, out.shape); }, [&] { return quantizer_fault<Q>(shape); },
      [&] { return stack_fault("the input stack", in); }, [&] { return given_fault(given.absmax.size()); },
      [&] { return given_fault(given.ends.size()); }, [&] { return tensor_scales_fault(in.extent.count, given); });
  for (index_t i = 0; i < in.extent.count && !found; ++i)
    found = ranges_fault(range_rules_of<Q>(shape), ranges_of_matrix(given, i, scales));
  return found;
}

template <class Q, class T, class Stack>
[[nodiscard]] fault quantize_stack_fault(stack_view<const T> in, const Stack& out, const given_ranges& given) {
  return first_fault(
      [&] { return stacks_fault<Q, T>(in, out.extent, given); },
      [&] { return out.extent.count == 0 ? fault{} : memory_fault<Q>("the output of quantize", out[0]); });
}

template <class Q, class T, class Stack>
void quantize_to_stack(const on_host& where, stack_view<const T> in, const Stack& out, const given_ranges& given,
                       typename Q::rounding_type rounding) {
  for_each_matrix(where, in.extent.count, [&](const on_host& one, index_t i) {
    quantize_to<Q, T>(one, in[i], out[i], ranges_of_matrix(given, i, Q::scale_count(in.extent.shape)), rounding);
  });
}

template <class Q, class T, class Stack>
[[nodiscard]] fault dequantize_stack_fault(const Stack& in, stack_view<T> out) {
  return first_fault(
      [&] { return count_fault("matrices of the output", in.extent.count, out.extent.count); },
      [&] { return same_shape_fault(in.extent.shape, out.extent.shape); },
      [&] { return quantizer_fault<Q>(in.extent.shape); }, [&] { return stack_fault("the output stack", out); },
      [&] { return in.extent.count == 0 ? fault{} : memory_fault<Q>("the input of dequantize", in[0]); });
}

template <class Q, class T, class Stack>
void dequantize_from_stack(const on_host& where, const Stack& in, stack_view<T> out) {
  for_each_matrix(where, in.extent.count,
                  [&](const on_host& one, index_t i) { dequantize_from<Q>(one, in[i], out[i]); });
}

}  // namespace detail

/// `quantize` of each matrix: out[i] has its bytes. Ranges given per group are those of all matrices, one after the
/// other; a given tensor range or scale is that of each, and `tensor_scales` has one per matrix. Stochastic rounding
/// counts elements within each matrix. An empty stack is nothing to do.
/// @throws error as `quantize`, for any of the matrices; errc::invalid_shape where the stacks differ; nothing has been
/// written then
template <quantizer_type Q, readable_element T = const float>
void quantize(const on_host& where, stack_view<T> in, quantized_stack_view<Q> out, const given_ranges& given = {},
              typename Q::rounding_type rounding = {}) {
  using element = std::remove_const_t<T>;
  detail::raise_if(detail::quantize_stack_fault<Q, element>(in, out, given));
  detail::quantize_to_stack<Q, element>(where, in, out, given, rounding);
}
/// `quantize` for callers without exceptions: the status of its checks; nothing has been written unless it is ok.
template <quantizer_type Q, readable_element T = const float>
[[nodiscard]] status try_quantize(const on_host& where, stack_view<T> in, quantized_stack_view<Q> out,
                                  const given_ranges& given = {}, typename Q::rounding_type rounding = {}) {
  using element = std::remove_const_t<T>;
  if (const detail::fault found = detail::quantize_stack_fault<Q, element>(in, out, given)) return found.verdict;
  detail::quantize_to_stack<Q, element>(where, in, out, given, rounding);
  return {};
}

/// `quantize_packed` of each matrix. Everything else as above.
template <quantizer_type Q, layout_policy ScaleLayout = row_major, readable_element T = const float>
void quantize_packed(const on_host& where, stack_view<T> in, packed_stack_view<Q, ScaleLayout> out,
                     const given_ranges& given = {}, typename Q::rounding_type rounding = {}) {
  using element = std::remove_const_t<T>;
  detail::raise_if(detail::packed_shape_fault<Q>(in.extent.shape));
  detail::raise_if(detail::quantize_stack_fault<Q, element>(in, out, given));
  detail::quantize_to_stack<Q, element>(where, in, out, given, rounding);
}
/// `quantize_packed` for callers without exceptions: the status of its checks; nothing has been written unless it is
/// ok.
template <quantizer_type Q, layout_policy ScaleLayout = row_major, readable_element T = const float>
[[nodiscard]] status try_quantize_packed(const on_host& where, stack_view<T> in, packed_stack_view<Q, ScaleLayout> out,
                                         const given_ranges& given = {}, typename Q::rounding_type rounding = {}) {
  using element = std::remove_const_t<T>;
  if (const detail::fault found = detail::packed_shape_fault<Q>(in.extent.shape)) return found.verdict;
  if (const detail::fault found = detail::quantize_stack_fault<Q, element>(in, out, given)) return found.verdict;
  detail::quantize_to_stack<Q, element>(where, in, out, given, rounding);
  return {};
}

namespace detail {

template <class Q, class T>
[[nodiscard]] fault fake_quantize_stack_fault(stack_view<const T> in, stack_view<T> out, const given_ranges& given) {
  return first_fault([&] { return stacks_fault<Q, T>(in, out.extent, given); },
                     [&] { return stack_fault("the output stack", out); });
}

template <class Q, class T>
void fake_quantize_stack(const on_host& where, stack_view<const T> in, stack_view<T> out, const given_ranges& given,
                         typename Q::rounding_type rounding) {
  for_each_matrix(where, in.extent.count, [&](const on_host& one, index_t i) {
    fake_quantize_to<Q, T>(one, in[i], out[i], ranges_of_matrix(given, i, Q::scale_count(in.extent.shape)), rounding);
  });
}

}  // namespace detail

/// `fake_quantize` of each matrix; `out` may be `in`. `given`, empty stacks and errors as above.
template <quantizer_type Q, storage_element T = float>
void fake_quantize(const on_host& where, std::type_identity_t<stack_view<const T>> in, stack_view<T> out,
                   const given_ranges& given = {}, typename Q::rounding_type rounding = {}) {
  detail::raise_if(detail::fake_quantize_stack_fault<Q, T>(in, out, given));
  detail::fake_quantize_stack<Q, T>(where, in, out, given, rounding);
}
/// `fake_quantize` for callers without exceptions: the status of its checks; nothing has been written unless it is ok.
template <quantizer_type Q, storage_element T = float>
[[nodiscard]] status try_fake_quantize(const on_host& where, std::type_identity_t<stack_view<const T>> in,
                                       stack_view<T> out, const given_ranges& given = {},
                                       typename Q::rounding_type rounding = {}) {
  if (const detail::fault found = detail::fake_quantize_stack_fault<Q, T>(in, out, given)) return found.verdict;
  detail::fake_quantize_stack<Q, T>(where, in, out, given, rounding);
  return {};
}

/// `dequantize` of each matrix. An empty stack is nothing to do.
/// @throws error as `dequantize`, for any of the matrices; errc::invalid_shape where the stacks differ; nothing has
/// been written then
template <quantizer_type Q, storage_element T = float>
void dequantize(const on_host& where, quantized_stack_view<Q> in, stack_view<T> out) {
  using quantizer = std::remove_const_t<Q>;
  detail::raise_if(detail::dequantize_stack_fault<quantizer>(in, out));
  detail::dequantize_from_stack<quantizer>(where, quantized_stack_view<const quantizer>(in), out);
}
/// `dequantize` for callers without exceptions: the status of its checks; nothing has been written unless it is ok.
template <quantizer_type Q, storage_element T = float>
[[nodiscard]] status try_dequantize(const on_host& where, quantized_stack_view<Q> in, stack_view<T> out) {
  using quantizer = std::remove_const_t<Q>;
  if (const detail::fault found = detail::dequantize_stack_fault<quantizer>(in, out)) return found.verdict;
  detail::dequantize_from_stack<quantizer>(where, quantized_stack_view<const quantizer>(in), out);
  return {};
}

/// `dequantize_packed` of each matrix, everything else as above.
template <quantizer_type Q, layout_policy ScaleLayout, storage_element T = float>
void dequantize_packed(const on_host& where, packed_stack_view<Q, ScaleLayout> in, stack_view<T> out) {
  using quantizer = std::remove_const_t<Q>;
  detail::raise_if(detail::packed_shape_fault<quantizer>(in.extent.shape));
  detail::raise_if(detail::dequantize_stack_fault<quantizer>(in, out));
  detail::dequantize_from_stack<quantizer>(where, packed_stack_view<const quantizer, ScaleLayout>(in), out);
}
/// `dequantize_packed` for callers without exceptions: the status of its checks; nothing has been written unless it is
/// ok.
template <quantizer_type Q, layout_policy ScaleLayout, storage_element T = float>
[[nodiscard]] status try_dequantize_packed(const on_host& where, packed_stack_view<Q, ScaleLayout> in,
                                           stack_view<T> out) {
  using quantizer = std::remove_const_t<Q>;
  if (const detail::fault found = detail::packed_shape_fault<quantizer>(in.extent.shape)) return found.verdict;
  if (const detail::fault found = detail::dequantize_stack_fault<quantizer>(in, out)) return found.verdict;
  detail::dequantize_from_stack<quantizer>(where, packed_stack_view<const quantizer, ScaleLayout>(in), out);
  return {};
}

}  // namespace qgrain

#endif
