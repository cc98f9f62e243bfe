// The ranges of a matrix, as scales are made of them.
#ifndef QGRAIN_HOST_RANGES_HPP
#define QGRAIN_HOST_RANGES_HPP

#include <qgrain/core/detail/requirements.hpp>
#include <qgrain/core/half.hpp>
#include <qgrain/core/matrix_view.hpp>
#include <qgrain/core/status.hpp>
#include <qgrain/host/detail/row_chunks.hpp>
#include <qgrain/host/on_host.hpp>

#include <algorithm>
#include <type_traits>
#include <vector>

namespace qgrain {

/// The range of each group of `group.rows` x `group.cols` elements, cut from the upper left corner, by rows and columns
/// of groups: the largest magnitude (Range = float), both ends (signed_range), or any type with `widened(range, x)`. A
/// group as large as the matrix or larger is the whole of it; shape2d{1, in.shape.cols} is per row, {in.shape.rows, 1}
/// per column, what a granularity's group_shape(in.shape) gives is that granularity.
///
/// in: [rows, cols], any leading dimension. NaN in a group is in its range. Exact maxima: the bits do not depend on
/// `where`. One pass. Allocates the result, and as much per thread where one row of groups covers the matrix.
/// @throws error errc::invalid_shape for a matrix or group without elements, else as `quantize` for the matrix
template <class Range = float, readable_element T = const float>
[[nodiscard]] std::vector<Range> ranges_of(const on_host& where, matrix_view<T> in, shape2d group) {
  const auto elements_fault = [](shape2d shape) {
    if (shape.rows > 0 && shape.cols > 0) return detail::fault{};
    return detail::shape_fault(status(errc::invalid_shape, 1, std::min(shape.rows, shape.cols)), "finding ranges",
                               shape);
  };
  detail::raise_if(elements_fault(in.shape));
  detail::raise_if(elements_fault(group));
  detail::raise_if(detail::matrix_fault("the input matrix", in));
  const shape2d within{std::min(group.rows, in.shape.rows), std::min(group.cols, in.shape.cols)};
  std::vector<Range> ranges;
  detail::with_runner(where, [&](task_runner& runner) {
    ranges = detail::ranges_of<Range, std::remove_const_t<T>>(runner, in, within);
  });
  return ranges;
}

}  // namespace qgrain

#endif
