#include <quantize/granularity.hpp>

#include <qgrain/core/status.hpp>

#include <charconv>

namespace qgrain::convert {
namespace {

std::optional<index_t> parse_number(std::string_view text, index_t least) {
  constexpr index_t most = index_t{1} << 40;
  index_t value = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (fault != std::errc{} || end != text.data() + text.size() || value < least || value > most) return std::nullopt;
  return value;
}

tensor_grouping channels(index_t axis) {
  using enum granularity_kind;
  return {{.kind = axis == -1 ? per_in_channel : per_out_channel, .size = {}}, axis};
}
tensor_grouping groups_of(index_t size, index_t axis) {
  return {{.kind = granularity_kind::per_group, .size = {1, size}}, axis};
}

std::optional<tensor_grouping> parse_axis(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto axis = parse_number(text.substr(0, slash), -8);
  if (!axis) return std::nullopt;
  if (slash == std::string_view::npos) return channels(*axis);
  const std::string_view block = text.substr(slash + 1);
  if (!block.starts_with("block")) return std::nullopt;
  const auto size = parse_number(block.substr(5), 1);
  if (!size) return std::nullopt;
  return groups_of(*size, *axis);
}

std::optional<tensor_grouping> parse_tile(std::string_view text) {
  const std::size_t cross = text.find('x');
  if (cross == std::string_view::npos) return std::nullopt;
  const auto rows = parse_number(text.substr(0, cross), 1);
  const auto cols = parse_number(text.substr(cross + 1), 1);
  if (!rows || !cols) return std::nullopt;
  return tensor_grouping{{.kind = granularity_kind::per_tile, .size = {*rows, *cols}}};
}

/// The axis counted from 0.
std::size_t resolve_axis(const tensor_grouping& g, const extents& shape, const std::string& where) {
  const auto rank = static_cast<index_t>(shape.size());
  if (g.axis >= -rank && g.axis < rank) return static_cast<std::size_t>(g.axis < 0 ? g.axis + rank : g.axis);
  throw error(errc::invalid_shape, where + ": " + name_of(g) + " asks for axis " + std::to_string(g.axis) +
                                       ", but the tensor has " + std::to_string(rank) + " of them");
}

void require_tail(const tensor_grouping& g, index_t length, const std::string& where) {
  const index_t size = g.groups.size.cols;
  const group_tail tail = g.groups.tail;
  const bool too_long = tail == group_tail::short_group && size > length;
  const bool ragged = tail == group_tail::reject && length % size != 0;
  if (!too_long && !ragged) return;
  throw error(errc::invalid_shape,
              where + ": " + name_of(g) + " on an axis of " + std::to_string(length) +
                  (too_long ? ": the group is longer than the axis" : ": the axis is not a whole number of groups"));
}

}  // namespace

std::optional<tensor_grouping> parse_granularity(std::string_view text) {
  if (text == "per_tensor") return tensor_grouping{};
  if (text == "per_out_channel") return channels(0);
  if (text == "per_in_channel") return channels(-1);
  if (text == "per_token") return tensor_grouping{{.kind = granularity_kind::per_token, .size = {}}};
  if (text.starts_with("axis")) return parse_axis(text.substr(4));
  if (text.starts_with("tile")) return parse_tile(text.substr(4));
  if (text.starts_with("group")) {
    if (const auto size = parse_number(text.substr(5), 1)) return groups_of(*size, -1);
  }
  return std::nullopt;
}

std::string name_of(const tensor_grouping& g) {
  using enum granularity_kind;
  const shape2d size = g.groups.size;
  switch (g.groups.kind) {
    case per_tensor:
      return "per_tensor";
    case per_token:
      return "per_token";
    case per_tile:
      return "tile" + std::to_string(size.rows) + "x" + std::to_string(size.cols);
    case per_out_channel:
    case per_in_channel:
      if (g.axis == 0) return "per_out_channel";
      return g.axis == -1 ? "per_in_channel" : "axis" + std::to_string(g.axis);
    case per_group:
      if (g.axis == -1) return "group" + std::to_string(size.cols);
      return "axis" + std::to_string(g.axis) + "/block" + std::to_string(size.cols);
  }
  return "";
}

tensor_cut cut_tensor(const tensor_grouping& g, const extents& shape, const std::string& where) {
  using enum granularity_kind;
  const index_t elements = element_count(shape);
  if (elements < 1) {
    throw error(errc::invalid_shape, where + " has shape " + lm::shape_text(shape) + " and with it no elements");
  }
  const index_t last = shape.empty() ? 1 : shape.back();
  tensor_cut cut;
  cut.matrix = {elements / last, last};
  cut.counts.assign(shape.size(), 1);
  switch (g.groups.kind) {
    case per_tensor:
      cut.group = cut.matrix;
      return cut;
    case per_token:
      cut.group = {1, last};
      cut.counts = shape;
      if (!shape.empty()) cut.counts.back() = 1;
      return cut;
    case per_out_channel:
    case per_in_channel: {
      const std::size_t axis = resolve_axis(g, shape, where);
      cut.counts[axis] = shape[axis];
      if (axis + 1 == shape.size() && axis > 0) {
        cut.group = {cut.matrix.rows, 1};
        return cut;
      }
      cut.matrix = {shape[axis], elements / shape[axis]};
      cut.group = {1, cut.matrix.cols};
      if (axis > 0) cut.moved_axis = static_cast<index_t>(axis);
      return cut;
    }
    case per_group: {
      const std::size_t axis = resolve_axis(g, shape, where);
      require_tail(g, shape[axis], where);
      cut.counts = shape;
      cut.counts[axis] = ceil_div(shape[axis], g.groups.size.cols);
      if (axis + 1 == shape.size()) {
        cut.group = {1, g.groups.size.cols};
        return cut;
      }
      cut.batches = element_count(std::span(shape).first(axis));
      cut.matrix = {shape[axis], elements / cut.batches / shape[axis]};
      cut.group = {g.groups.size.cols, 1};
      return cut;
    }
    case per_tile: {
      if (shape.size() < 2) {
        throw error(errc::invalid_shape,
                    where + ": " + name_of(g) + " needs two axes, the shape is " + lm::shape_text(shape));
      }
      cut.matrix.rows = shape[shape.size() - 2];
      cut.batches = elements / cut.matrix.elements();
      cut.group = g.groups.size;
      cut.counts = shape;
      cut.counts[shape.size() - 2] = ceil_div(cut.matrix.rows, g.groups.size.rows);
      cut.counts.back() = ceil_div(last, g.groups.size.cols);
      return cut;
    }
  }
  return cut;
}

}  // namespace qgrain::convert
