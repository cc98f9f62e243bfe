// The bulk operations as sequences of kernels: checks, then the choice of bodies and grids. `Device` runs them: a
// stream (launch.cuh), or an emulated device that tests run on the host. It has
//   most_blocks()                     blocks that keep it busy; grids are not larger, their blocks go round
//   clear(void* memory, bytes)        zeros
//   run(grid, body)                   body(lane, shared memory) for every lane of the grid
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
#include <qgrain/cuda/scratch.hpp>
#include <qgrain/quantizer/packed_view.hpp>
#include <qgrain/quantizer/quantized_view.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <type_traits>

namespace qgrain::detail {

struct grid_size {
  index_t x = 1;
  index_t y = 1;
};

inline constexpr index_t most_grid_rows = 65535;  ///< the hardware's limit for y

/// A grid of at most `most` blocks for `columns` by `rows` blocks' worth of work, columns first.
[[nodiscard]] constexpr grid_size fitting_grid(index_t columns, index_t rows, index_t most) noexcept {
  const index_t x = std::min(columns, most);
  return {x, std::min({rows, std::max<index_t>(1, most / x), most_grid_rows})};
}

/// The least power of two, at most block_warps, of warps that cover `columns` with `warp_columns` each.
[[nodiscard]] constexpr int warps_for(index_t columns, index_t warp_columns) noexcept {
  int warps = 1;
  while (warps < block_warps && warps * warp_columns < columns) warps *= 2;
  return warps;
}

/// Views have their shape in elements and their leading dimension in units of memory, `Fold` elements each.
template <int Fold = 1, class T>
[[nodiscard]] constexpr bool dense(matrix_view<T> matrix) noexcept {
  return matrix.leading_dimension * Fold == matrix.shape.cols || matrix.shape.rows == 1;
}

/// The same elements as one row.
template <class T>
[[nodiscard]] constexpr matrix_view<T> as_one_row(matrix_view<T> matrix) noexcept {
  return {matrix.data, {1, matrix.shape.elements()}};
}

/// Runs a body that walks over strips. Dense matrices whose groups do not begin anew in each row become one row, which
/// leaves no part of a block idle.
template <class Device, class Body>
void run_strips(const Device& device, Body body, bool one_row) {
  if (one_row) body.in = as_one_row(body.in);
  if constexpr (requires { body.out; }) {
    if (one_row) body.out = as_one_row(body.out);
  }
  const shape2d shape = body.in.shape;
  const int warps = warps_for(shape.cols, Body::strip_columns);
  body.walk = {shape, warps};
  device.run(fitting_grid(ceil_div(shape.cols, warps * Body::strip_columns), ceil_div(shape.rows, block_warps / warps),
                          device.most_blocks()),
             body);
}

template <class Device, class Body>
void run_columns(const Device& device, const Body& body) {
  const shape2d shape = body.in.shape;
  device.run(fitting_grid(ceil_div(shape.cols, Body::block_columns), ceil_div(shape.rows, Body::rows_at_once),
                          device.most_blocks()),
             body);
}

template <class Device, class Body>
void run_long_groups(const Device& device, Body body) {
  body.warps_per_group = warps_for(body.group_cols, Body::kept_packs * Body::warp_columns);
  const index_t groups = body.in.shape.rows * ceil_div(body.in.shape.cols, body.group_cols);
  device.run(fitting_grid(ceil_div(groups, block_warps / body.warps_per_group), 1, device.most_blocks()), body);
}

/// Ranges, scales and elements of `in` through `map` to `out`.
template <class Q, class Device, class Map>
void run_quantizer(const Device& device, Map map, matrix_view<const typename Map::source> in,
                   matrix_view<typename Map::target> out, made_scales<typename Q::element_type> scales,
                   std::span<std::byte> scratch) {
  using T = typename Map::source;
  using element = typename Q::element_type;
  using range_type = typename Q::range_type;
  constexpr group_kind kind = kind_of_group<typename Q::granularity_type>;
  const scratch_plan plan = plan_scratch<Q>(in.shape);
  const auto words = [&](index_t offset) { return reinterpret_cast<std::int32_t*>(scratch.data() + offset); };
  if (plan.bytes > 0) device.clear(scratch.data(), plan.bytes);

  if constexpr (Q::scale_type::tensor_bits > 0) {
    scales.tensor_range = words(plan.tensor_range);
    run_strips(device, tensor_range_body<float, T>{in, words(plan.tensor_range), {}}, dense(in));
  }
  if constexpr (kind == group_kind::tensor) {
    scales.ranges = words(plan.group_ranges);
    run_strips(device, tensor_range_body<range_type, T>{in, words(plan.group_ranges), {}}, dense(in));
    run_strips(device, sweep_body<Map, made_scales<element>, whole_tensor>{map, in, out, scales, {}},
               dense(in) && dense<target_fold<Map>>(out));
  } else if constexpr (kind == group_kind::column) {
    scales.ranges = words(plan.group_ranges);
    run_columns(device, column_range_body<range_type, T>{in, words(plan.group_ranges)});
    run_columns(device, column_body<Map, made_scales<element>>{map, in, out, scales});
  } else if constexpr (kind == group_kind::row) {
    run_long_groups(device, long_group_body<Map>{map, in, out, scales, in.shape.cols, 1});
  } else {
    constexpr index_t size = Q::granularity_type::group_shape({1, 1}).cols;
    if constexpr (small_group_body<Map, size>::possible) {
      run_strips(device, small_group_body<Map, size>{map, in, out, scales, {}},
                 dense(in) && dense<target_fold<Map>>(out) && in.shape.cols % size == 0);
    } else {
      run_long_groups(device, long_group_body<Map>{map, in, out, scales, size, 1});
    }
  }
}

/// Codes back to values.
template <class Q, class Device, class Map>
void run_decoder(const Device& device, Map map, matrix_view<const typename Map::source> in,
                 matrix_view<typename Map::target> out, stored_scales<typename Q::element_type> scales) {
  using stored = stored_scales<typename Q::element_type>;
  constexpr group_kind kind = kind_of_group<typename Q::granularity_type>;
  if constexpr (kind == group_kind::tensor) {
    run_strips(device, sweep_body<Map, stored, whole_tensor>{map, in, out, scales, {}}, dense(out));
  } else if constexpr (kind == group_kind::column) {
    run_columns(device, column_body<Map, stored>{map, in, out, scales});
  } else if constexpr (kind == group_kind::row) {
    run_strips(device, sweep_body<Map, stored, whole_row>{map, in, out, scales, {}}, false);
  } else {
    constexpr index_t size = Q::granularity_type::group_shape({1, 1}).cols;
    run_strips(device, sweep_body<Map, stored, size>{map, in, out, scales, {}},
               dense(out) && in.shape.cols % size == 0);
  }
}

/// What every call asks of the shape and of the granularity.
template <class Q>
void require_quantizer(shape2d shape) {
  static_assert(kind_of_group<typename Q::granularity_type> != group_kind::tile,
                "qgrain: kernels take groups within a row, whole columns and whole tensors; for tiles of several rows "
                "quantize on the host");
  static_assert(std::is_same_v<typename Q::range_type, float> || std::is_same_v<typename Q::range_type, signed_range>,
                "qgrain: kernels find the largest magnitude of a group or both ends of its range; for other ranges "
                "quantize on the host");
  require_shape(Q::check(shape), std::string(Q::format_type::name()) + " " + std::string(Q::granularity_type::name()),
                shape);
}

template <class Q, class T>
void require_kernel_input(matrix_view<const T> in, std::span<const std::byte> scratch) {
  require_quantizer<Q>(in.shape);
  require_matrix("the input matrix", in);
  const index_t wanted = scratch_bytes<Q>(in.shape);
  if (wanted == 0) return;
  require_size("scratch memory in bytes", wanted, static_cast<index_t>(scratch.size()));
  if (scratch.data() == nullptr) throw error(errc::invalid_argument, "scratch memory is null");
  if (!takes_packs<alignof(std::int32_t)>(scratch.data())) {
    throw error(errc::invalid_argument, "scratch memory is not aligned to 4 bytes");
  }
}

inline void require_same_shape(shape2d in, shape2d out) {
  require_same("rows of the output", in.rows, out.rows);
  require_same("columns of the output", in.cols, out.cols);
}

/// Of a quantized_view or packed_view.
template <template <class> class View, class Q>
void require_memory_of(const View<Q>& view) {
  if (view.codes == nullptr || view.scales == nullptr ||
      (Q::scale_type::tensor_bits > 0 && view.tensor_scale == nullptr)) {
    throw error(errc::invalid_argument, "a quantized matrix has no memory for codes, scales or the tensor scale");
  }
}

template <class Q, storage_element T, class Device>
void quantize_on(const Device& device, matrix_view<const T> in, quantized_view<Q> out, std::span<std::byte> scratch,
                 typename Q::rounding_type rounding) {
  using element = typename Q::element_type;
  require_kernel_input<Q, T>(in, scratch);
  require_same_shape(in.shape, out.shape);
  require_memory_of(out);
  run_quantizer<Q>(device, encode_map<element, T>{rounding}, in,
                   matrix_view<typename Q::code_type>{out.codes, out.shape},
                   made_scales<element>{out.scales, out.tensor_scale}, scratch);
}

template <class Q, storage_element T, class Device>
void fake_quantize_on(const Device& device, matrix_view<const T> in, matrix_view<T> out, std::span<std::byte> scratch,
                      typename Q::rounding_type rounding) {
  using element = typename Q::element_type;
  require_kernel_input<Q, T>(in, scratch);
  require_same_shape(in.shape, out.shape);
  require_matrix("the output matrix", out);
  run_quantizer<Q>(device, fake_map<element, T>{rounding}, in, out, made_scales<element>{}, scratch);
}

template <class Q, storage_element T, class Device>
void dequantize_on(const Device& device, quantized_view<Q> in, matrix_view<T> out) {
  using element = typename Q::element_type;
  require_quantizer<Q>(in.shape);
  require_same_shape(in.shape, out.shape);
  require_matrix("the output matrix", out);
  require_memory_of(in);
  run_decoder<Q>(device, decode_map<element, T>{}, matrix_view<const typename Q::code_type>{in.codes, in.shape}, out,
                 stored_scales<element>{in.scales, in.tensor_scale});
}

/// Rows of packed codes begin at whole bytes, and so do groups.
template <class Q>
void require_packable(shape2d shape) {
  if constexpr (kind_of_group<typename Q::granularity_type> == group_kind::run) {
    static_assert(Q::granularity_type::group_shape({1, 1}).cols % 2 == 0,
                  "qgrain: two codes per byte need groups of an even size");
  }
  if (shape.cols % 2 == 0) return;
  throw error(errc::invalid_shape,
              "two codes per byte need an even number of columns, found " + std::to_string(shape.cols));
}

template <class Q, storage_element T, class Device>
void quantize_packed_on(const Device& device, matrix_view<const T> in, packed_view<Q> out, std::span<std::byte> scratch,
                        typename Q::rounding_type rounding) {
  using element = typename Q::element_type;
  require_kernel_input<Q, T>(in, scratch);
  require_same_shape(in.shape, out.shape);
  require_packable<Q>(in.shape);
  require_memory_of(out);
  run_quantizer<Q>(device, pack_map<element, T>{{rounding}, out.order}, in,
                   matrix_view<std::uint8_t>{out.codes, out.shape, out.shape.cols / 2},
                   made_scales<element>{out.scales, out.tensor_scale}, scratch);
}

template <class Q, storage_element T, class Device>
void dequantize_packed_on(const Device& device, packed_view<Q> in, matrix_view<T> out) {
  using element = typename Q::element_type;
  require_quantizer<Q>(in.shape);
  require_same_shape(in.shape, out.shape);
  require_packable<Q>(in.shape);
  require_matrix("the output matrix", out);
  require_memory_of(in);
  run_decoder<Q>(device, unpack_map<element, T>{{}, in.order},
                 matrix_view<const std::uint8_t>{in.codes, in.shape, in.shape.cols / 2}, out,
                 stored_scales<element>{in.scales, in.tensor_scale});
}

}  // namespace qgrain::detail

#endif
