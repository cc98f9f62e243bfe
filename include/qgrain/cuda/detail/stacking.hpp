// Kernels over stacks of matrices: a grid has one layer of blocks per matrix, or as many as it can, which go round.
#ifndef QGRAIN_CUDA_DETAIL_STACKING_HPP
#define QGRAIN_CUDA_DETAIL_STACKING_HPP

#include <qgrain/core/config.hpp>
#include <qgrain/core/detail/requirements.hpp>
#include <qgrain/core/half.hpp>
#include <qgrain/core/matrix_view.hpp>
#include <qgrain/core/stack_view.hpp>
#include <qgrain/core/status.hpp>
#include <qgrain/core/tensor_shape.hpp>
#include <qgrain/cuda/detail/maps.hpp>
#include <qgrain/cuda/detail/operations.hpp>
#include <qgrain/cuda/device_ranges.hpp>
#include <qgrain/cuda/scratch.hpp>
#include <qgrain/quantizer/packed_view.hpp>
#include <qgrain/quantizer/quantized_stack.hpp>

#include <algorithm>
#include <cstddef>
#include <span>

namespace qgrain::detail {

/// How far apart the parts of neighbouring matrices are, in units of what they hold.
struct stack_strides {
  index_t in = 0;
  index_t out = 0;
  scale_strides scales;
};

/// A body that its blocks run for each matrix of their layers.
template <class Body>
struct stacked_body {
  static constexpr int resident_blocks = Body::resident_blocks;
  using shared_memory = typename Body::shared_memory;

  Body of_first;
  index_t count;
  stack_strides strides;

  template <kernel_lane Lane>
  QGRAIN_HOST_DEVICE void operator()(const Lane& lane, shared_memory& shared) const {
    for (index_t i = lane.block_z(); i < count; i += lane.grid_z()) {
      Body body = of_first;
      body.in.data += i * strides.in;
      if constexpr (requires { body.out; }) body.out.data += i * strides.out;
      if constexpr (requires { body.words; }) body.words += i * strides.scales.words;
      if constexpr (requires { body.scales; }) body.scales.move(i, strides.scales);
      body(lane, shared);
      lane.sync_block();  // what the block shares is written anew
    }
  }
};

/// A Device whose grids cover all matrices of a stack. What is cleared, scratch and scales, lies matrix after matrix.
template <kernel_device Device>
struct stacking_device {
  const Device& device;
  index_t count;
  stack_strides strides;

  [[nodiscard]] index_t layers() const noexcept { return std::min(count, most_grid_rows); }
  template <class Body>
  [[nodiscard]] index_t most_blocks() const {
    return std::max<index_t>(1, device.template most_blocks<stacked_body<Body>>() / layers());
  }
  void clear(void* memory, index_t bytes) const { device.clear(memory, bytes * count); }
  template <class Body>
  void run(grid_size grid, const Body& body) const {
    device.run({grid.x, grid.y, layers()}, stacked_body<Body>{body, count, strides});
  }
  [[nodiscard]] fault outcome() const { return device.outcome(); }
};

/// Of all matrices what the operation does not see in the first one.
template <class T, class Out>
[[nodiscard]] fault stacks_fault(stack_view<const T> in, const Out& out) {
  return first_fault([&] { return count_fault("matrices of the output", in.extent.count, out.extent.count); },
                     [&] { return stack_fault("the input stack", in); });
}
template <class In, class T>
[[nodiscard]] fault decoded_stacks_fault(const In& in, stack_view<T> out) {
  return first_fault([&] { return count_fault("matrices of the output", in.extent.count, out.extent.count); },
                     [&] { return stack_fault("the output stack", out); });
}

template <class Q>
[[nodiscard]] stack_strides strides_of(shape2d shape, index_t in, index_t out, index_t scales,
                                       const device_ranges& given = {}) noexcept {
  const index_t tensors = given.tensor_scales.empty() ? 0 : 1;
  return {in, out, {Q::scale_count(shape), scales, plan_scratch<Q>(shape).bytes / 4, tensors}};
}

/// Scratch and ranges of a stack are those of its matrices, one after the other.
template <class Q>
[[nodiscard]] fault stack_memory_fault(matrix_stack extent, std::span<const std::byte> scratch,
                                       const device_ranges& given) {
  const auto given_fault = [&](std::size_t found) {
    return found == 0 ? fault{}
                      : count_fault("given ranges, one per scale", extent.count * Q::scale_count(extent.shape),
                                    static_cast<index_t>(found));
  };
  return first_fault(
      [&] { return quantizer_fault<Q>(extent.shape); },
      [&] {
        return size_fault("scratch memory in bytes", extent.count * scratch_bytes<Q>(extent.shape, given),
                          static_cast<index_t>(scratch.size()));
      },
      [&] { return given_fault(given.absmax.size()); }, [&] { return given_fault(given.ends.size()); },
      [&] { return tensor_scales_fault(extent.count, given.tensor_scales.size(), given.tensor_scale != nullptr); });
}

/// The ranges of the first matrix.
template <class Q>
[[nodiscard]] device_ranges first_ranges(shape2d shape, const device_ranges& given) noexcept {
  const auto count = static_cast<std::size_t>(Q::scale_count(shape));
  device_ranges first = given;
  if (!given.absmax.empty()) first.absmax = given.absmax.first(count);
  if (!given.ends.empty()) first.ends = given.ends.first(count);
  if (!given.tensor_scales.empty()) {
    first.tensor_scale = given.tensor_scales.data();
    first.tensor_scales = {};
  }
  return first;
}

template <class Q, storage_element T, kernel_device Device>
[[nodiscard]] fault quantize_stack_on(const Device& device, stack_view<const T> in, quantized_stack_view<Q> out,
                                      std::span<std::byte> scratch, const device_ranges& given,
                                      typename Q::rounding_type rounding) {
  if (fault found = stacks_fault(in, out)) return found;
  if (in.extent.count == 0) return {};
  const shape2d shape = in.extent.shape;
  if (fault found = stack_memory_fault<Q>(in.extent, scratch, given)) return found;
  const stack_strides strides = strides_of<Q>(shape, in.stride, shape.elements(), Q::scale_count(shape), given);
  return quantize_on<Q, T>(stacking_device<Device>{device, in.extent.count, strides}, in[0], out[0], scratch,
                           first_ranges<Q>(shape, given), rounding);
}

template <class Q, storage_element T, class Layout, kernel_device Device>
[[nodiscard]] fault quantize_packed_stack_on(const Device& device, stack_view<const T> in,
                                             packed_stack_view<Q, Layout> out, std::span<std::byte> scratch,
                                             const device_ranges& given, typename Q::rounding_type rounding) {
  using matrix = packed_view<Q, Layout>;
  if (fault found = stacks_fault(in, out)) return found;
  if (in.extent.count == 0) return {};
  const shape2d shape = in.extent.shape;
  if (fault found = stack_memory_fault<Q>(in.extent, scratch, given)) return found;
  const stack_strides strides =
      strides_of<Q>(shape, in.stride, matrix::code_bytes(shape), matrix::scale_count(shape), given);
  return quantize_packed_on<Q, T, Layout>(stacking_device<Device>{device, in.extent.count, strides}, in[0], out[0],
                                          scratch, first_ranges<Q>(shape, given), rounding);
}

template <class Q, storage_element T, kernel_device Device>
[[nodiscard]] fault fake_quantize_stack_on(const Device& device, stack_view<const T> in, stack_view<T> out,
                                           std::span<std::byte> scratch, const device_ranges& given,
                                           typename Q::rounding_type rounding) {
  if (fault found = stacks_fault(in, out)) return found;
  if (fault found = stack_fault("the output stack", out)) return found;
  if (in.extent.count == 0) return {};
  const shape2d shape = in.extent.shape;
  if (fault found = stack_memory_fault<Q>(in.extent, scratch, given)) return found;
  const stack_strides strides = strides_of<Q>(shape, in.stride, out.stride, Q::scale_count(shape), given);
  return fake_quantize_on<Q, T>(stacking_device<Device>{device, in.extent.count, strides}, in[0], out[0], scratch,
                                first_ranges<Q>(shape, given), rounding);
}

template <class Q, storage_element T, kernel_device Device>
[[nodiscard]] fault dequantize_stack_on(const Device& device, quantized_stack_view<const Q> in, stack_view<T> out) {
  if (fault found = decoded_stacks_fault(in, out)) return found;
  if (in.extent.count == 0) return {};
  const shape2d shape = in.extent.shape;
  const stack_strides strides = strides_of<Q>(shape, shape.elements(), out.stride, Q::scale_count(shape));
  return dequantize_on<Q, T>(stacking_device<Device>{device, in.extent.count, strides}, in[0], out[0]);
}

template <class Q, storage_element T, class Layout, kernel_device Device>
[[nodiscard]] fault dequantize_packed_stack_on(const Device& device, packed_stack_view<const Q, Layout> in,
                                               stack_view<T> out) {
  using matrix = packed_view<const Q, Layout>;
  if (fault found = decoded_stacks_fault(in, out)) return found;
  if (in.extent.count == 0) return {};
  const shape2d shape = in.extent.shape;
  const stack_strides strides = strides_of<Q>(shape, matrix::code_bytes(shape), out.stride, matrix::scale_count(shape));
  return dequantize_packed_on<Q, T, Layout>(stacking_device<Device>{device, in.extent.count, strides}, in[0], out[0]);
}

}  // namespace qgrain::detail

#endif
