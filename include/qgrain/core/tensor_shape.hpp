// Tensors of any rank as the matrices that every operation takes.
#ifndef QGRAIN_CORE_TENSOR_SHAPE_HPP
#define QGRAIN_CORE_TENSOR_SHAPE_HPP

#include <qgrain/core/matrix_view.hpp>
#include <qgrain/core/status.hpp>

#include <cstddef>
#include <span>
#include <string>

namespace qgrain {

namespace detail {

/// The product of sizes, at most max_matrix_elements; 1 for none.
/// @throws error errc::invalid_shape
[[nodiscard]] constexpr index_t product_of(std::span<const index_t> sizes) {
  index_t product = 1;
  for (const index_t size : sizes) {
    if (size < 0)
      qgrain::detail::raise(errc::invalid_shape, "a tensor has a dimension of " + std::to_string(size) + " elements");
    if (size > 0 && product > max_matrix_elements / size) {
      qgrain::detail::raise(errc::invalid_shape, "a tensor has at most " + std::to_string(max_matrix_elements) +
                                                     " elements, found more than " + std::to_string(product) + " x " +
                                                     std::to_string(size));
    }
    product *= size;
  }
  return product;
}

}  // namespace detail

/// A dense row-major tensor as a matrix whose columns are its last dimension: what per_group, per_token and
/// per_channel<1> work on. A scalar is 1 x 1, a vector one row.
/// @throws error errc::invalid_shape for negative sizes and for more than max_matrix_elements elements, of which
/// dimensions of 0 are no part
[[nodiscard]] constexpr shape2d as_matrix(std::span<const index_t> dims) {
  (void)detail::product_of(dims);
  if (dims.empty()) return {1, 1};
  return {detail::product_of({dims.data(), dims.size() - 1}), dims.back()};
}

/// `count` matrices of one shape, one after the other in memory: matrix i begins at element i * shape.elements().
struct matrix_stack {
  index_t count = 0;
  shape2d shape;
  friend constexpr bool operator==(const matrix_stack&, const matrix_stack&) = default;
};

/// A dense row-major tensor as matrices whose rows are dimension `axis`, and whose columns are everything behind it. A
/// stack of one for axis 0: per_channel<0> then has one scale for each index of that dimension. For axes further back,
/// per_channel<0> has one for each index of all dimensions up to the axis, and per_tile<N, 1> cuts blocks of N along
/// it.
/// @throws error errc::out_of_range where there is no such axis; else as as_matrix
[[nodiscard]] constexpr matrix_stack as_matrices(std::span<const index_t> dims, std::size_t axis) {
  if (axis >= dims.size()) {
    qgrain::detail::raise(errc::out_of_range, "axis " + std::to_string(axis) + " of a tensor that has " +
                                                  std::to_string(dims.size()) + " dimensions");
  }
  (void)detail::product_of(dims);
  return {detail::product_of({dims.data(), axis}),
          {dims[axis], detail::product_of({dims.data() + axis + 1, dims.size() - axis - 1})}};
}

}  // namespace qgrain

#endif
