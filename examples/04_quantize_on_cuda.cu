// Quantizes on a stream, in memory of the caller: nothing is allocated and nothing waits inside.
#include <qgrain/cuda.cuh>
#include <qgrain/qgrain.hpp>

#include <cuda_runtime.h>

#include <cstdint>
#include <cstdio>
#include <vector>

using nvfp4 = qgrain::nvfp4_modelopt;

void quantize_activations(const qgrain::bfloat16* x, qgrain::index_t rows, qgrain::index_t cols, std::uint8_t* codes,
                          nvfp4::stored_scale* scales, float* tensor_scale, std::span<std::byte> scratch,
                          cudaStream_t stream) {
  // all of it device memory of the caller; __nv_bfloat16 has the bits of qgrain::bfloat16
  const qgrain::shape2d shape{rows, cols};
  const qgrain::quantized_view<nvfp4> q{codes, scales, tensor_scale, shape};
  qgrain::quantize<nvfp4>(qgrain::on_stream{stream}, qgrain::matrix_view(x, shape), q, scratch);
}

template <class T>
T* device_memory(std::size_t count) {
  T* memory = nullptr;
  cudaMalloc(&memory, count * sizeof(T));
  return memory;
}

int main() {
  int devices = 0;
  if (cudaGetDeviceCount(&devices) != cudaSuccess || devices == 0) {
    std::puts("skipped: no CUDA device");
    return 77;
  }
  constexpr qgrain::shape2d shape{32, 1024};
  std::vector<qgrain::bfloat16> x(32 * 1024);
  for (std::size_t i = 0; i < x.size(); ++i)
    x[i] = qgrain::from_float<qgrain::bfloat16>(static_cast<float>(i % 97) - 48.0F);

  auto* on_device = device_memory<qgrain::bfloat16>(x.size());
  auto* codes = device_memory<std::uint8_t>(x.size());
  auto* scales = device_memory<nvfp4::stored_scale>(static_cast<std::size_t>(nvfp4::scale_count(shape)));
  auto* tensor_scale = device_memory<float>(1);
  const auto scratch_size = static_cast<std::size_t>(qgrain::scratch_bytes<nvfp4>(shape));
  auto* scratch = device_memory<std::byte>(scratch_size);
  cudaStream_t stream = nullptr;
  cudaStreamCreate(&stream);

  cudaMemcpyAsync(on_device, x.data(), x.size() * sizeof(x[0]), cudaMemcpyHostToDevice, stream);
  quantize_activations(on_device, shape.rows, shape.cols, codes, scales, tensor_scale, {scratch, scratch_size}, stream);
  std::vector<std::uint8_t> got(x.size());
  cudaMemcpyAsync(got.data(), codes, got.size(), cudaMemcpyDeviceToHost, stream);
  cudaStreamSynchronize(stream);

  // The host has the same bits.
  const auto wanted = qgrain::quantize<nvfp4>(qgrain::on_host{}, qgrain::matrix_view(x.data(), shape));
  std::printf("%zu codes, equal to the host's: %s\n", got.size(), got == wanted.codes ? "yes" : "no");
  return got == wanted.codes ? 0 : 1;
}
