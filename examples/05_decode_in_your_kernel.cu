// A kernel of one's own that reads quantized weights element by element.
#include <qgrain/cuda.cuh>
#include <qgrain/qgrain.hpp>

#include <cuda_runtime.h>

#include <cmath>
#include <cstdio>
#include <vector>

// y[row] += sum of weights(row, col) * x[col]; one block per row, y zeroed by the caller.
template <qgrain::quantizer_type Q>
__global__ void gemv_kernel(const __grid_constant__ qgrain::quantized_view<Q> weights, const float* x, float* y) {
  const auto row = static_cast<qgrain::index_t>(blockIdx.x);
  float sum = 0.0F;
  for (qgrain::index_t col = threadIdx.x; col < weights.shape.cols; col += blockDim.x)
    sum += weights(row, col) * x[col];
  atomicAdd(&y[row], sum);
}

template <class T>
T* on_device(const std::vector<T>& values) {
  T* memory = nullptr;
  cudaMalloc(&memory, values.size() * sizeof(T));
  cudaMemcpy(memory, values.data(), values.size() * sizeof(T), cudaMemcpyHostToDevice);
  return memory;
}

int main() {
  int devices = 0;
  if (cudaGetDeviceCount(&devices) != cudaSuccess || devices == 0) {
    std::puts("skipped: no CUDA device");
    return 77;
  }
  using int8_per_row = qgrain::quantizer<qgrain::int8, qgrain::per_channel<0>>;
  constexpr qgrain::shape2d shape{64, 512};
  std::vector<float> weights(64 * 512);
  for (std::size_t i = 0; i < weights.size(); ++i) weights[i] = std::sin(static_cast<float>(i));
  std::vector<float> x(512, 0.5F);
  std::vector<float> y(64, 0.0F);

  auto quantized = qgrain::quantize<int8_per_row>(qgrain::on_host{}, {weights.data(), shape});
  const qgrain::quantized_view<int8_per_row> view{on_device(quantized.codes), on_device(quantized.scales), nullptr,
                                                  shape};
  float* result = on_device(y);
  gemv_kernel<<<static_cast<unsigned>(shape.rows), 128>>>(view, on_device(x), result);
  cudaMemcpy(y.data(), result, y.size() * sizeof(float), cudaMemcpyDeviceToHost);

  float worst = 0.0F;
  for (std::size_t r = 0; r < y.size(); ++r) {
    float wanted = 0.0F;
    for (std::size_t c = 0; c < x.size(); ++c)
      wanted += quantized.view()(static_cast<qgrain::index_t>(r), static_cast<qgrain::index_t>(c)) * x[c];
    worst = std::fmax(worst, std::fabs(y[r] - wanted));
  }
  std::printf("worst difference from the host's sum: %g\n", static_cast<double>(worst));
  return worst < 1e-3F ? 0 : 1;
}
