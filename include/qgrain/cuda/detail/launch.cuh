// Runs kernel bodies on a stream: the only place where code for the device differs from the host's.
#ifndef QGRAIN_CUDA_DETAIL_LAUNCH_CUH
#define QGRAIN_CUDA_DETAIL_LAUNCH_CUH

#include <qgrain/core/config.hpp>
#include <qgrain/core/matrix_view.hpp>
#include <qgrain/core/status.hpp>
#include <qgrain/cuda/detail/lanes.hpp>
#include <qgrain/cuda/detail/operations.hpp>

#include <cuda_runtime.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

namespace qgrain::detail {

/// A thread of a GPU as a Lane. The host halves exist for the sake of the annotations and are never called.
struct device_lane {
#if defined(__CUDA_ARCH__)
  __device__ int thread() const { return static_cast<int>(threadIdx.x); }
  __device__ unsigned block_x() const { return blockIdx.x; }
  __device__ unsigned block_y() const { return blockIdx.y; }
  __device__ unsigned block_z() const { return blockIdx.z; }
  __device__ unsigned grid_z() const { return gridDim.z; }
  __device__ unsigned grid_x() const { return gridDim.x; }
  __device__ unsigned grid_y() const { return gridDim.y; }
  __device__ std::int32_t exchange_xor(std::int32_t value, int mask) const {
    return __shfl_xor_sync(0xFFFF'FFFFU, value, mask);
  }
  __device__ void sync_block() const { __syncthreads(); }
  __device__ void raise(std::int32_t* word, std::int32_t value) const { atomicMax(word, value); }
#else
  QGRAIN_HOST_DEVICE int thread() const { return 0; }
  QGRAIN_HOST_DEVICE unsigned block_x() const { return 0; }
  QGRAIN_HOST_DEVICE unsigned block_y() const { return 0; }
  QGRAIN_HOST_DEVICE unsigned block_z() const { return 0; }
  QGRAIN_HOST_DEVICE unsigned grid_z() const { return 1; }
  QGRAIN_HOST_DEVICE unsigned grid_x() const { return 1; }
  QGRAIN_HOST_DEVICE unsigned grid_y() const { return 1; }
  QGRAIN_HOST_DEVICE std::int32_t exchange_xor(std::int32_t value, int) const { return value; }
  QGRAIN_HOST_DEVICE void sync_block() const {}
  QGRAIN_HOST_DEVICE void raise(std::int32_t*, std::int32_t) const {}
#endif
};

static_assert(kernel_lane<device_lane>);

/// Registers are limited so that a multiprocessor holds enough blocks to hide latency: 4 of the 8 that have room.
template <class Body>
__global__ void __launch_bounds__(block_lanes, Body::resident_blocks)
    run_body_kernel(const __grid_constant__ Body body) {
  __shared__ typename Body::shared_memory shared;
  body(device_lane{}, shared);
}

/// The stream as a Device. Asks CUDA for nothing before there is work to queue; the first call that CUDA refuses is
/// kept, and nothing is queued after it.
class stream_device {
 public:
  explicit stream_device(cudaStream_t stream) noexcept : stream_(stream) {}
  template <class Body>
  [[nodiscard]] index_t most_blocks() const {
    if (!ready()) return 1;
    int processors = 0;
    int blocks = 0;
    ask(cudaDeviceGetAttribute, "cudaDeviceGetAttribute", &processors, cudaDevAttrMultiProcessorCount, device_);
    ask(cudaOccupancyMaxActiveBlocksPerMultiprocessor<void (*)(Body)>, "cudaOccupancyMaxActiveBlocksPerMultiprocessor",
        &blocks, &run_body_kernel<Body>, block_lanes, std::size_t{0});
    return refused_ ? 1 : index_t{processors} * std::max(blocks, 1);
  }
  void clear(void* memory, index_t bytes) const {
    if (ready()) keep(cudaMemsetAsync(memory, 0, static_cast<std::size_t>(bytes), stream_), "cudaMemsetAsync");
  }
  template <class Body>
  void run(grid_size grid, const Body& body) const {
    if (!ready()) return;
    // Returns the error of this launch; cudaGetLastError would take one that is the caller's to see.
    cudaLaunchConfig_t launch{};
    launch.gridDim = dim3(static_cast<unsigned>(grid.x), static_cast<unsigned>(grid.y), static_cast<unsigned>(grid.z));
    launch.blockDim = dim3(static_cast<unsigned>(block_lanes));
    launch.stream = stream_;
    keep(cudaLaunchKernelEx(&launch, &run_body_kernel<Body>, body), "kernel launch");
  }
  [[nodiscard]] fault outcome() const { return refused_; }

 private:
  /// Whether work may be queued; looks once whether the stream is one of the current device.
  [[nodiscard]] bool ready() const {
    if (device_ < 0 && !refused_) {
      int current = 0;
      ask(cudaStreamGetDevice, "cudaStreamGetDevice", stream_, &device_);
      ask(cudaGetDevice, "cudaGetDevice", &current);
      if (!refused_ && device_ != current) {
        refused_ = fault(errc::invalid_argument, "the stream belongs to device " + std::to_string(device_) +
                                                     ", but the current one is " + std::to_string(current));
      }
    }
    return !refused_;
  }
  template <class Function, class... Arguments>
  void ask(Function* function, const char* name, Arguments... arguments) const {
    if (!refused_) keep(function(arguments...), name);
  }
  void keep(cudaError_t result, const char* what) const {
    if (result == cudaSuccess) return;
    refused_ = fault(errc::cuda_failure,
                     std::string(what) + ": " + cudaGetErrorName(result) + ", " + cudaGetErrorString(result));
  }

  cudaStream_t stream_;
  mutable int device_ = -1;  // not asked for yet
  mutable fault refused_;
};
static_assert(kernel_device<stream_device>);

}  // namespace qgrain::detail

#endif
