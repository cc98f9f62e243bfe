// Which elements of a tensor of any rank share a scale: names, and the tensor cut into matrices.
#ifndef QGRAIN_QUANTIZE_GRANULARITY_HPP
#define QGRAIN_QUANTIZE_GRANULARITY_HPP

#include <quantize/host_tensor.hpp>

#include <qgrain/granularity/grouping.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace qgrain::convert {

/// A grouping of a tensor of any rank. As text:
/// "per_tensor";
/// "axis<K>", "per_out_channel" (axis 0), "per_in_channel" (the last axis): one scale per index of the axis;
/// "per_token": one scale per row, a row being the last axis;
/// "axis<K>/block<N>", "group<N>" (the last axis): runs of N along one axis;
/// "tile<R>x<C>": of the last two axes.
struct tensor_grouping {
  grouping groups;    ///< of channels: per_in_channel for axis -1, else per_out_channel
  index_t axis = -1;  ///< of channels and groups; negative ones count from the end
};
/// Whether there is one scale per index of an axis.
[[nodiscard]] constexpr bool is_per_channel(granularity_kind kind) noexcept {
  return kind == granularity_kind::per_out_channel || kind == granularity_kind::per_in_channel;
}

/// One of the names above, with short last groups, or nothing.
[[nodiscard]] std::optional<tensor_grouping> parse_granularity(std::string_view text);
[[nodiscard]] std::string name_of(const tensor_grouping& g);

/// A tensor as matrices of one shape, one after the other, whose groups have one shape.
struct tensor_cut {
  index_t batches = 1;
  shape2d matrix;
  shape2d group;
  index_t moved_axis = -1;  ///< this axis stands first in the matrix, and has to be moved there
  extents counts;           ///< groups along each axis of the tensor; 1 where the whole axis is in every group

  [[nodiscard]] shape2d groups() const noexcept {
    return {ceil_div(matrix.rows, group.rows), ceil_div(matrix.cols, group.cols)};
  }
  [[nodiscard]] index_t group_count() const noexcept { return batches * groups().elements(); }
};

/// @throws error errc::invalid_shape, naming the tensor and both numbers, where the granularity does not suit the shape
[[nodiscard]] tensor_cut cut_tensor(const tensor_grouping& g, const extents& shape, const std::string& where);

/// Elements into the order of the cut's matrices, and back. Nothing moves unless cut.moved_axis says so.
template <class T>
[[nodiscard]] std::vector<T> moved_in(const tensor_cut& cut, const extents& shape, std::vector<T> values) {
  if (cut.moved_axis < 0) return values;
  const auto axis = static_cast<std::size_t>(cut.moved_axis);
  const index_t before = element_count(std::span(shape).first(axis));
  const index_t after = element_count(std::span(shape).subspan(axis + 1));
  std::vector<T> moved(values.size());
  std::size_t at = 0;
  for (index_t k = 0; k < shape[axis]; ++k) {
    for (index_t b = 0; b < before; ++b) {
      for (index_t a = 0; a < after; ++a)
        moved[at++] = values[static_cast<std::size_t>((b * shape[axis] + k) * after + a)];
    }
  }
  return moved;
}
template <class T>
[[nodiscard]] std::vector<T> moved_out(const tensor_cut& cut, const extents& shape, std::vector<T> values) {
  if (cut.moved_axis < 0) return values;
  std::vector<index_t> places(values.size());
  for (std::size_t i = 0; i < places.size(); ++i) places[i] = static_cast<index_t>(i);
  places = moved_in(cut, shape, std::move(places));
  std::vector<T> moved(values.size());
  for (std::size_t i = 0; i < places.size(); ++i) moved[static_cast<std::size_t>(places[i])] = values[i];
  return moved;
}

}  // namespace qgrain::convert

#endif
