// The bulk operations as sequences of kernels: checks, then the choice of bodies and grids. A Device runs them: a
// stream (launch.cuh), or an emulated device that tests run on the host.
// Operations return what is wrong: arguments, looked at before anything is queued, or the device's outcome.
#ifndef QGRAIN_CUDA_DETAIL_OPERATIONS_HPP
#define QGRAIN_CUDA_DETAIL_OPERATIONS_HPP

#include <qgrain/core/concepts.hpp>
#include <qgrain/core/detail/requirements.hpp>
#include <qgrain/core/half.hpp>
#include <qgrain/core/matrix_view.hpp>
#include <qgrain/core/status.hpp>
#include <qgrain/cuda/detail/group_bodies.hpp>
#include <qgrain/cuda/detail/lanes.hpp>
#include <qgrain/cuda/detail/maps.hpp>
#include <qgrain/cuda/detail/range_bodies.hpp>
#include <qgrain/cuda/detail/sweep_bodies.hpp>
#include <qgrain/cuda/device_ranges.hpp>
#include <qgrain/cuda/scratch.hpp>
#include <qgrain/quantizer/detail/view_requirements.hpp>
#include <qgrain/quantizer/given_scales.hpp>
#include <qgrain/quantizer/packed_view.hpp>
#include <qgrain/quantizer/quantized_view.hpp>
#include <qgrain/scale/range.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <type_traits>

namespace qgrain::detail {

struct grid_size {
  index_t x = 1;
  index_t y = 1;
  index_t z = 1;  ///< layers, one per matrix of a stack
};

/// The least of bodies.
struct empty_body {
  static constexpr int resident_blocks = 1;
  using shared_memory = no_shared_memory;
  template <kernel_lane Lane>
  QGRAIN_HOST_DEVICE void operator()(const Lane&, shared_memory&) const {}
};

/// What runs bodies. most_blocks<Body>: blocks of such a body that it runs at once; grids are not larger, their blocks
/// go round. clear: zeros. run: body(lane, shared memory) for every lane of the grid. outcome: the first fault of what
/// was run, after which nothing more is.
template <class D>
concept kernel_device = requires(const D& device, void* memory, index_t bytes, grid_size grid, const empty_body& body) {
  { device.template most_blocks<empty_body>() } -> std::same_as<index_t>;
  device.clear(memory, bytes);
  device.run(grid, body);
  { device.outcome() } -> std::same_as<fault>;
};

inline constexpr index_t most_grid_rows = 65535;  ///< the hardware's limit for y and z

/// A grid of at most `most` blocks for `columns` by `rows` blocks' worth of work, columns first.
[[nodiscard]] constexpr grid_size fitting_grid(index_t columns, index_t rows, index_t most) noexcept {
  const index_t x = std::min(columns, most);
  return {x, std::min({rows, std::max<index_t>(1, most / x), most_grid_rows})};
}

/// Views have their shape in elements and their leading dimension in units of memory, `Units` for `Size` elements.
template <int Size = 1, int Units = 1, class T>
[[nodiscard]] constexpr bool dense(matrix_view<T> matrix) noexcept {
  return matrix.leading_dimension * Size == matrix.shape.cols * Units || matrix.shape.rows == 1;
}
template <class Map>
[[nodiscard]] constexpr bool both_dense(matrix_view<const typename Map::source> in,
                                        matrix_view<typename Map::target> out) noexcept {
  return dense<Map::size, source_units<Map>>(in) && dense<Map::size, target_units<Map>>(out);
}

/// The same elements as one row.
template <class T>
[[nodiscard]] constexpr matrix_view<T> as_one_row(matrix_view<T> matrix) noexcept {
  return {matrix.data, {1, matrix.shape.elements()}};
}

/// A body that walks over strips, with its walk. Dense matrices whose groups do not begin anew in each row become one
/// row, which leaves no part of a block idle.
template <class Body>
[[nodiscard]] Body over_strips(Body body, bool one_row) {
  if (one_row) body.in = as_one_row(body.in);
  if constexpr (requires { body.out; }) {
    if (one_row) body.out = as_one_row(body.out);
  }
  const shape2d shape = body.in.shape;
  body.walk = {shape, std::max(team_lanes(shape.cols, Body::size, Body::packs), Body::least_lanes)};
  return body;
}

template <kernel_device Device, class Body>
void run_strips(const Device& device, const Body& plain, bool one_row) {
  const Body body = over_strips(plain, one_row);
  const shape2d shape = body.in.shape;
  const int lanes = body.walk.lanes_per_row;
  device.run(fitting_grid(ceil_div(shape.cols, index_t{lanes} * Body::packs * Body::size),
                          ceil_div(shape.rows, block_lanes / lanes), device.template most_blocks<Body>()),
             body);
}

template <kernel_device Device, class Body>
void run_columns(const Device& device, Body body) {
  const shape2d shape = body.in.shape;
  const int lanes = team_lanes(shape.cols, Body::size, 1);
  body.walk = {lanes};
  device.run(fitting_grid(ceil_div(shape.cols, index_t{lanes} * Body::size),
                          ceil_div(shape.rows, index_t{block_lanes / lanes} * Body::rows_at_once),
                          device.template most_blocks<Body>()),
             body);
}

template <kernel_device Device, class Body>
void run_tiles(const Device& device, const Body& body, shape2d tile) {
  const shape2d shape = body.in.shape;
  device.run(fitting_grid(ceil_div(shape.cols, Body::block_columns), ceil_div(shape.rows, tile.rows) * Body::parts,
                          device.template most_blocks<Body>()),
             body);
}

template <kernel_device Device, class Body>
void run_long_groups(const Device& device, Body body) {
  body.lanes_per_group = team_lanes(std::min(body.group_cols, body.in.shape.cols), Body::size, Body::kept_packs);
  const index_t groups = body.in.shape.rows * ceil_div(body.in.shape.cols, body.group_cols);
  device.run(fitting_grid(ceil_div(groups, block_lanes / body.lanes_per_group), 1, device.template most_blocks<Body>()),
             body);
}

/// Tensors with one scale that one block quantizes, which spares two launches and a look at the ranges in memory.
inline constexpr index_t one_block_elements = index_t{1} << 15;

/// Elements whose groups have ranges or scales in memory, through `map`.
template <class Q, kernel_device Device, class Map, class Scales>
void run_sweep(const Device& device, Map map, matrix_view<const typename Map::source> in,
               matrix_view<typename Map::target> out, const Scales& scales) {
  constexpr group_kind kind = kind_of_group<typename Q::granularity_type>;
  if constexpr (kind == group_kind::tensor) {
    run_strips(device, sweep_body<Map, Scales, whole_tensor>{map, in, out, scales, {}}, both_dense<Map>(in, out));
  } else if constexpr (kind == group_kind::column) {
    run_columns(device, column_body<Map, Scales>{map, in, out, scales, {}});
  } else if constexpr (kind == group_kind::row) {
    run_strips(device, sweep_body<Map, Scales, whole_row>{map, in, out, scales, {}}, false);
  } else {
    constexpr shape2d group = Q::granularity_type::group_shape({1, 1});
    run_strips(device, sweep_body<Map, Scales, group.cols, group.rows>{map, in, out, scales, {}},
               group.rows == 1 && both_dense<Map>(in, out) && in.shape.cols % group.cols == 0);
  }
}

/// Ranges as far as they are not known, scales and elements of `in` through `map` to `out`.
template <class Q, kernel_device Device, class Map, class Layout>
void run_quantizer(const Device& device, Map map, matrix_view<const typename Map::source> in,
                   matrix_view<typename Map::target> out, made_scales<typename Q::element_type, Layout> scales,
                   std::span<std::byte> scratch) {
  using T = typename Map::source;
  using made = made_scales<typename Q::element_type, Layout>;
  using range_type = typename Q::range_type;
  constexpr group_kind kind = kind_of_group<typename Q::granularity_type>;
  const scratch_plan plan = plan_scratch<Q>(in.shape);
  const auto words = [&](index_t offset) { return reinterpret_cast<std::int32_t*>(scratch.data() + offset); };
  const bool finds_groups = spans_blocks(kind) && scales.known.ranges == nullptr;
  const bool finds_tensor = Q::scale_type::tensor_bits > 0 && !scales.known.of_tensor();
  const bool one_block = kind == group_kind::tensor && finds_groups && Q::scale_type::tensor_bits == 0 &&
                         in.shape.elements() <= one_block_elements;
  if ((finds_groups || finds_tensor) && !one_block) device.clear(scratch.data(), plan.bytes);
  if (scales.scales != nullptr && Layout::padded(scales.extent) != scales.extent) {
    device.clear(scales.scales, layout_size<Layout>(scales.extent) * static_cast<index_t>(sizeof(*scales.scales)));
  }

  if constexpr (Q::scale_type::tensor_bits > 0) {
    if (finds_tensor) {
      scales.tensor_range = words(plan.tensor_range);
      run_strips(device, tensor_range_body<float, T>{in, words(plan.tensor_range), {}}, dense(in));
    }
  }
  if constexpr (kind == group_kind::tensor) {
    if (one_block) {
      return device.run({}, over_strips(one_block_body<Map, made>{map, in, out, scales, {}}, both_dense<Map>(in, out)));
    }
    if (finds_groups) {
      scales.ranges = words(plan.group_ranges);
      run_strips(device, tensor_range_body<range_type, T>{in, words(plan.group_ranges), {}}, dense(in));
    }
    run_sweep<Q>(device, map, in, out, scales);
  } else if constexpr (kind == group_kind::column) {
    if (finds_groups) {
      scales.ranges = words(plan.group_ranges);
      run_columns(device, column_range_body<range_type, T>{in, words(plan.group_ranges), {}});
    }
    run_sweep<Q>(device, map, in, out, scales);
  } else if constexpr (kind == group_kind::tile) {
    if (finds_groups) {
      constexpr shape2d tile = Q::granularity_type::group_shape({1, 1});
      scales.ranges = words(plan.group_ranges);
      run_tiles(device, tile_range_body<range_type, T, tile.rows, tile.cols>{in, words(plan.group_ranges)}, tile);
    }
    run_sweep<Q>(device, map, in, out, scales);
  } else if (scales.known.ranges != nullptr) {
    run_sweep<Q>(device, map, in, out, scales);
  } else if constexpr (kind == group_kind::row) {
    run_long_groups(device, long_group_body<Map, made>{map, in, out, scales, in.shape.cols, 1});
  } else {
    constexpr index_t size = Q::granularity_type::group_shape({1, 1}).cols;
    if constexpr (small_group_body<Map, made, size>::possible) {
      run_strips(device, small_group_body<Map, made, size>{map, in, out, scales, {}},
                 both_dense<Map>(in, out) && in.shape.cols % size == 0);
    } else {
      run_long_groups(device, long_group_body<Map, made>{map, in, out, scales, size, 1});
    }
  }
}

/// What every call asks of the shape and of the granularity.
template <class Q>
[[nodiscard]] fault kernel_shape_fault(shape2d shape) {
  static_assert(kind_of_group<typename Q::granularity_type> != group_kind::other,
                "qgrain: kernels take groups of a fixed size, rows, columns and whole tensors; for others quantize on "
                "the host");
  static_assert(std::is_same_v<typename Q::range_type, float> || std::is_same_v<typename Q::range_type, signed_range>,
                "qgrain: kernels find the largest magnitude of a group or both ends of its range; for other ranges "
                "quantize on the host");
  return quantizer_fault<Q>(shape);
}

/// Counts and kinds; numbers in device memory are the caller's.
template <class Q>
[[nodiscard]] fault device_ranges_fault(shape2d shape, const device_ranges& given) {
  return first_fault(
      [&] { return given_kinds_fault(range_rules_of<Q>(shape), given.absmax.size(), given.ends.size()); },
      [&]() -> fault {
        if (Q::scale_type::tensor_bits > 0 || (given.tensor_scale == nullptr && given.tensor_absmax == nullptr))
          return {};
        return {errc::invalid_argument, std::string(Q::scale_type::name()) + " has one level: there is no tensor " +
                                            (given.tensor_scale != nullptr ? "scale" : "range beside those of groups")};
      },
      [&]() -> fault {
        if (given.tensor_scale == nullptr || given.tensor_absmax == nullptr) return {};
        return {errc::invalid_argument, "the tensor's range and its scale are both given: give one of them"};
      },
      [&] { return single_matrix_fault(given.tensor_scales.size()); });
}

template <class Q>
[[nodiscard]] fault scratch_fault(shape2d shape, std::span<const std::byte> scratch, const device_ranges& given) {
  const index_t wanted = scratch_bytes<Q>(shape, given);
  if (wanted == 0) return {};
  if (fault found = size_fault("scratch memory in bytes", wanted, static_cast<index_t>(scratch.size()))) return found;
  if (scratch.data() == nullptr) return {errc::invalid_argument, "scratch memory is null"};
  if (takes_packs<alignof(std::int32_t)>(scratch.data())) return {};
  return {errc::invalid_argument, "scratch memory is not aligned to 4 bytes"};
}

template <class Q, class T>
[[nodiscard]] fault kernel_input_fault(matrix_view<const T> in, shape2d out, std::span<const std::byte> scratch,
                                       const device_ranges& given) {
  return first_fault(
      [&] { return kernel_shape_fault<Q>(in.shape); }, [&] { return matrix_fault("the input matrix", in); },
      [&] { return device_ranges_fault<Q>(in.shape, given); },
      [&] { return scratch_fault<Q>(in.shape, scratch, given); }, [&] { return same_shape_fault(in.shape, out); });
}

template <class Q, class T, class View>
[[nodiscard]] fault decoder_fault(const View& in, matrix_view<T> out) {
  return first_fault([&] { return kernel_shape_fault<Q>(in.shape); },
                     [&] { return same_shape_fault(in.shape, out.shape); },
                     [&] { return matrix_fault("the output matrix", out); },
                     [&] { return memory_fault<Q>("a quantized matrix", in); });
}

/// Rows of packed codes begin at whole bytes, and so do groups.
template <class Q>
[[nodiscard]] fault kernel_packing_fault(shape2d shape) {
  constexpr int bits = Q::format_type::bits;
  if constexpr (kind_of_group<typename Q::granularity_type> == group_kind::run) {
    static_assert(
        Q::granularity_type::group_shape({1, 1}).cols * bits % 8 == 0,
        "qgrain: kernels that pack codes need groups that end at whole bytes; choose a size that is a multiple "
        "of 8, or pack on the host");
  }
  return packed_shape_fault<Q>(shape);
}

template <class Q>
[[nodiscard]] known_on_device<typename Q::range_type> known_ranges_of(const device_ranges& given) noexcept {
  known_on_device<typename Q::range_type> known{nullptr, given.tensor_absmax, given.tensor_scale};
  if constexpr (std::is_same_v<typename Q::range_type, float>)
    known.ranges = given.absmax.empty() ? nullptr : given.absmax.data();
  if constexpr (std::is_same_v<typename Q::range_type, signed_range>)
    known.ranges = given.ends.empty() ? nullptr : given.ends.data();
  return known;
}

template <class Q, storage_element T, kernel_device Device>
[[nodiscard]] fault quantize_on(const Device& device, matrix_view<const T> in, quantized_view<Q> out,
                                std::span<std::byte> scratch, const device_ranges& given,
                                typename Q::rounding_type rounding) {
  using element = typename Q::element_type;
  if (fault found = first_fault([&] { return kernel_input_fault<Q, T>(in, out.shape, scratch, given); },
                                [&] { return memory_fault<Q>("a quantized matrix", out); })) {
    return found;
  }
  run_quantizer<Q>(
      device, encode_map<element, T>{rounding}, in, matrix_view<typename Q::code_type>{out.codes, out.shape},
      made_scales<element>{out.scales, out.tensor_scale, Q::scale_shape(in.shape), known_ranges_of<Q>(given)}, scratch);
  return device.outcome();
}

/// What is asked of given scales, and of codes but for their room.
template <class Q, class T>
[[nodiscard]] fault kernel_with_scales_fault(matrix_view<const T> in, const given_scales<Q>& given, const void* codes) {
  return first_fault([&] { return kernel_shape_fault<Q>(in.shape); },
                     [&] { return matrix_fault("the input matrix", in); },
                     [&] {
                       return count_fault("given scales, one per group", Q::scale_count(in.shape),
                                          static_cast<index_t>(given.scales.size()));
                     },
                     [&]() -> fault {
                       if (given.scales.data() != nullptr && codes != nullptr &&
                           (Q::scale_type::tensor_bits == 0 || given.tensor_scale != nullptr)) {
                         return {};
                       }
                       return {errc::invalid_argument, "there is no memory for codes, scales or the tensor scale"};
                     });
}

template <class Q>
[[nodiscard]] stored_scales<typename Q::element_type> stored_on_device(shape2d shape,
                                                                       const given_scales<Q>& given) noexcept {
  return {given.scales.data(), given.tensor_scale, Q::scale_shape(shape)};
}

template <class Q, storage_element T, kernel_device Device>
[[nodiscard]] fault quantize_with_scales_on(const Device& device, matrix_view<const T> in, const given_scales<Q>& given,
                                            std::span<typename Q::code_type> codes,
                                            typename Q::rounding_type rounding) {
  if (fault found = first_fault(
          [&] { return kernel_with_scales_fault<Q, T>(in, given, codes.data()); },
          [&] { return size_fault("memory for codes", in.shape.elements(), static_cast<index_t>(codes.size())); })) {
    return found;
  }
  run_sweep<Q>(device, encode_map<typename Q::element_type, T>{rounding}, in,
               matrix_view<typename Q::code_type>{codes.data(), in.shape}, stored_on_device<Q>(in.shape, given));
  return device.outcome();
}

template <class Q, storage_element T, kernel_device Device>
[[nodiscard]] fault fake_quantize_on(const Device& device, matrix_view<const T> in, matrix_view<T> out,
                                     std::span<std::byte> scratch, const device_ranges& given,
                                     typename Q::rounding_type rounding) {
  using element = typename Q::element_type;
  if (fault found = first_fault([&] { return kernel_input_fault<Q, T>(in, out.shape, scratch, given); },
                                [&] { return matrix_fault("the output matrix", out); })) {
    return found;
  }
  run_quantizer<Q>(device, fake_map<element, T>{rounding}, in, out,
                   made_scales<element>{nullptr, nullptr, Q::scale_shape(in.shape), known_ranges_of<Q>(given)},
                   scratch);
  return device.outcome();
}

template <class Q, storage_element T, kernel_device Device>
[[nodiscard]] fault dequantize_on(const Device& device, quantized_view<const Q> in, matrix_view<T> out) {
  using element = typename Q::element_type;
  if (fault found = decoder_fault<Q>(in, out)) return found;
  run_sweep<Q>(device, decode_map<element, T>{}, matrix_view<const typename Q::code_type>{in.codes, in.shape}, out,
               stored_scales<element>{in.scales, in.tensor_scale, Q::scale_shape(in.shape)});
  return device.outcome();
}

/// Bytes from row to row.
template <class Q>
[[nodiscard]] constexpr index_t packed_stride(shape2d shape) noexcept {
  return packed_bytes(shape.cols, Q::format_type::bits);
}

template <class Q, storage_element T, class Layout, kernel_device Device>
[[nodiscard]] fault quantize_packed_on(const Device& device, matrix_view<const T> in, packed_view<Q, Layout> out,
                                       std::span<std::byte> scratch, const device_ranges& given,
                                       typename Q::rounding_type rounding) {
  using element = typename Q::element_type;
  if (fault found = first_fault([&] { return kernel_input_fault<Q, T>(in, out.shape, scratch, given); },
                                [&] { return kernel_packing_fault<Q>(in.shape); },
                                [&] { return memory_fault<Q>("a quantized matrix", out); })) {
    return found;
  }
  run_quantizer<Q>(
      device, pack_map<element, T>{{rounding}, out.order}, in,
      matrix_view<std::uint8_t>{out.codes, out.shape, packed_stride<Q>(out.shape)},
      made_scales<element, Layout>{out.scales, out.tensor_scale, Q::scale_shape(in.shape), known_ranges_of<Q>(given)},
      scratch);
  return device.outcome();
}

template <class Q, storage_element T, kernel_device Device>
[[nodiscard]] fault quantize_packed_with_scales_on(const Device& device, matrix_view<const T> in,
                                                   const given_scales<Q>& given, std::span<std::uint8_t> codes,
                                                   bit_order order, typename Q::rounding_type rounding) {
  if (fault found = first_fault([&] { return kernel_with_scales_fault<Q, T>(in, given, codes.data()); },
                                [&] { return kernel_packing_fault<Q>(in.shape); },
                                [&] {
                                  return size_fault("bytes for packed codes", packed_view<Q>::code_bytes(in.shape),
                                                    static_cast<index_t>(codes.size()));
                                })) {
    return found;
  }
  run_sweep<Q>(device, pack_map<typename Q::element_type, T>{{rounding}, order}, in,
               matrix_view<std::uint8_t>{codes.data(), in.shape, packed_stride<Q>(in.shape)},
               stored_on_device<Q>(in.shape, given));
  return device.outcome();
}

template <class Q, storage_element T, class Layout, kernel_device Device>
[[nodiscard]] fault dequantize_packed_on(const Device& device, packed_view<const Q, Layout> in, matrix_view<T> out) {
  using element = typename Q::element_type;
  if (fault found =
          first_fault([&] { return decoder_fault<Q>(in, out); }, [&] { return kernel_packing_fault<Q>(in.shape); })) {
    return found;
  }
  run_sweep<Q>(device, unpack_map<element, T>{{}, in.order},
               matrix_view<const std::uint8_t>{in.codes, in.shape, packed_stride<Q>(in.shape)}, out,
               stored_scales<element, Layout>{in.scales, in.tensor_scale, Q::scale_shape(in.shape)});
  return device.outcome();
}

}  // namespace qgrain::detail

#endif
