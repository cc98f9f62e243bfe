// What entry points of every backend ask of their arguments, with both numbers in a sentence.
#ifndef QGRAIN_CORE_DETAIL_REQUIREMENTS_HPP
#define QGRAIN_CORE_DETAIL_REQUIREMENTS_HPP

#include <qgrain/core/matrix_view.hpp>
#include <qgrain/core/stack_view.hpp>
#include <qgrain/core/status.hpp>

#include <string>

namespace qgrain::detail {

[[nodiscard]] inline fault shape_fault(status verdict, const std::string& what, shape2d shape) {
  return {verdict.code(),
          what + " cannot take a " + std::to_string(shape.rows) + " x " + std::to_string(shape.cols) +
              " matrix: the rule asks for " + std::to_string(verdict.wanted()) + ", found " +
              std::to_string(verdict.found()),
          verdict.wanted(), verdict.found()};
}

template <class Q>
[[nodiscard]] std::string quantizer_name() {
  return std::string(Q::format_type::name()).append(" ").append(Q::granularity_type::name());
}

/// Of what a quantizer takes.
template <class Q>
[[nodiscard]] fault quantizer_fault(shape2d shape) {
  const status verdict = Q::check(shape);
  return verdict ? fault{} : shape_fault(verdict, quantizer_name<Q>(), shape);
}

[[nodiscard]] inline fault count_fault(const char* what, index_t wanted, index_t found) {
  if (wanted == found) return {};
  return {errc::invalid_shape,
          std::string(what) + ": expected " + std::to_string(wanted) + ", found " + std::to_string(found), wanted,
          found};
}

[[nodiscard]] inline fault same_shape_fault(shape2d in, shape2d out) {
  return first_fault([&] { return count_fault("rows of the output", in.rows, out.rows); },
                     [&] { return count_fault("columns of the output", in.cols, out.cols); });
}

[[nodiscard]] inline fault size_fault(const char* what, index_t wanted, index_t found) {
  if (found >= wanted) return {};
  return {errc::buffer_too_small,
          std::string(what) + ": needs " + std::to_string(wanted) + ", has " + std::to_string(found), wanted, found};
}

/// Of a matrix whose shape has been checked: there is memory, rows do not overlap, and the last one can be addressed.
template <class T>
[[nodiscard]] fault matrix_fault(const char* what, matrix_view<T> matrix) {
  if (matrix.data == nullptr) return {errc::invalid_argument, std::string(what) + " has no memory"};
  if (fault found = size_fault(what, matrix.shape.cols, matrix.leading_dimension)) return found;
  const index_t most = max_matrix_elements / matrix.shape.rows;
  if (matrix.leading_dimension <= most) return {};
  return {errc::invalid_shape,
          std::string(what) + ": " + std::to_string(matrix.shape.rows) + " rows can be at most " +
              std::to_string(most) + " elements apart, found " + std::to_string(matrix.leading_dimension),
          most, matrix.leading_dimension};
}

/// Of a stack of matrices: each of them can be addressed. Shapes without elements are left to other checks.
template <class T>
[[nodiscard]] fault stack_fault(const char* what, stack_view<T> stack) {
  const index_t last = stack.extent.count - 1;
  if (last < -1) return {errc::invalid_shape, std::string(what) + " has " + std::to_string(last + 1) + " matrices"};
  if (last < 0 || stack.extent.shape.rows < 1 || stack.extent.shape.cols < 1) return {};
  if (fault found = matrix_fault(what, stack[0])) return found;
  const index_t within = (stack.extent.shape.rows - 1) * stack.leading_dimension + stack.extent.shape.cols;
  if (stack.stride >= 0 && (last == 0 || stack.stride <= (max_matrix_elements - within) / last)) return {};
  return {errc::invalid_shape, std::string(what) + ": " + std::to_string(stack.extent.count) + " matrices cannot be " +
                                   std::to_string(stack.stride) + " elements apart"};
}

}  // namespace qgrain::detail

#endif
