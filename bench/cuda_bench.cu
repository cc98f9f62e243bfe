// How near the kernels come to the speed of a copy. Argument: MiB of input (256). Prints Markdown; exit code 77 where
// there is no GPU. Needs the CUDA toolkit alone.
//
// "bytes" are those that the operation moves through device memory: the input as often as it is read, the output and
// the scales. The ceiling is the better of cudaMemcpy and a copy kernel over as many bytes of input, bytes read plus
// bytes written. Times are medians of CUDA events around one call, its memset and passes included, after a warm-up. The
// input is random; input and output together are larger than the cache from 256 MiB on.
#include <qgrain/cuda.cuh>
#include <qgrain/granularity/per_tensor.hpp>

#include <cuda_runtime.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using namespace qgrain;

constexpr int skipped = 77;
constexpr int rounds = 25;
constexpr index_t cols = 4096;

using int8_token = quantizer<int8, per_token>;
using int8_channel = modelopt_integer<int8, per_channel<0>>;
using int8_column = modelopt_integer<int8, per_channel<1>>;
using int8_tensor = quantizer<int8, per_tensor>;
using fp8_token = modelopt_fp8<per_token>;
using fp8_1x128 = quantizer<float8_e4m3fn, per_group<128>>;
using int4_g128 = quantizer<qgrain::int4, per_group<128>>;

void require(cudaError_t result) {
  if (result != cudaSuccess) throw std::runtime_error(cudaGetErrorString(result));
}

class device_memory {
 public:
  explicit device_memory(index_t bytes) { require(cudaMalloc(&data_, static_cast<std::size_t>(bytes))); }
  device_memory(const device_memory&) = delete;
  device_memory& operator=(const device_memory&) = delete;
  ~device_memory() { cudaFree(data_); }
  template <class T>
  [[nodiscard]] T* as() const {
    return static_cast<T*>(data_);
  }

 private:
  void* data_ = nullptr;
};

/// Numbers of about normal distribution: sums of four bytes of a hash of the index.
__global__ void fill_kernel(bfloat16* out, index_t count) {
  const index_t step = static_cast<index_t>(gridDim.x) * blockDim.x;
  for (index_t i = static_cast<index_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < count; i += step) {
    std::uint32_t h = static_cast<std::uint32_t>(i) * 2654435769U;
    h = (h ^ (h >> 16U)) * 0x85EBCA6BU;
    h = (h ^ (h >> 13U)) * 0xC2B2AE35U;
    h ^= h >> 16U;
    const auto sum = static_cast<int>((h & 255U) + (h >> 8U & 255U) + (h >> 16U & 255U) + (h >> 24U)) - 510;
    out[i] = from_float<bfloat16>(static_cast<float>(sum) * 0.0068F);
  }
}

__global__ void copy_kernel(const float4* in, float4* out, index_t count) {
  const index_t step = static_cast<index_t>(gridDim.x) * blockDim.x;
  for (index_t i = static_cast<index_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < count; i += step) out[i] = in[i];
}

/// Median milliseconds of a call on the default stream.
double milliseconds(const std::function<void()>& call) {
  cudaEvent_t start = nullptr;
  cudaEvent_t stop = nullptr;
  require(cudaEventCreate(&start));
  require(cudaEventCreate(&stop));
  for (int i = 0; i < 3; ++i) call();
  std::vector<float> times;
  for (int i = 0; i < rounds; ++i) {
    float elapsed = 0.0F;
    require(cudaEventRecord(start));
    call();
    require(cudaEventRecord(stop));
    require(cudaEventSynchronize(stop));
    require(cudaEventElapsedTime(&elapsed, start, stop));
    times.push_back(elapsed);
  }
  require(cudaEventDestroy(start));
  require(cudaEventDestroy(stop));
  std::sort(times.begin(), times.end());
  return static_cast<double>(times[times.size() / 2]);
}

struct bench {
  shape2d shape;
  device_memory in;
  device_memory out;
  device_memory codes;
  device_memory scales;
  device_memory scratch;
  double ceiling = 0.0;  // bytes per millisecond

  explicit bench(shape2d extent)
      : shape(extent),
        in(extent.elements() * 2),
        out(extent.elements() * 2),
        codes(extent.elements()),
        scales(extent.elements()),
        scratch(extent.cols * 8 + 64) {
    fill_kernel<<<1024, 256>>>(in.as<bfloat16>(), extent.elements());
    require(cudaGetLastError());
    const index_t bytes = extent.elements() * 2;
    const double by_driver = milliseconds([&] {
      require(
          cudaMemcpyAsync(out.as<void>(), in.as<void>(), static_cast<std::size_t>(bytes), cudaMemcpyDeviceToDevice));
    });
    double by_kernel = by_driver;
    for (const unsigned blocks : {1024U, 2048U, 8192U, 65536U}) {
      by_kernel =
          std::min(by_kernel,
                   milliseconds([&] { copy_kernel<<<blocks, 256>>>(in.as<float4>(), out.as<float4>(), bytes / 16); }));
    }
    ceiling = 2.0 * static_cast<double>(bytes) / by_kernel;
    std::printf("input %lld x %lld bf16, %.0f MiB; copy: driver %.0f GB/s, best kernel or driver %.0f GB/s\n\n",
                static_cast<long long>(extent.rows), static_cast<long long>(extent.cols),
                static_cast<double>(bytes) / 1048576.0, 2e-6 * static_cast<double>(bytes) / by_driver, ceiling * 1e-6);
    std::printf("| recipe | operation | MB moved | ms | GB/s | share of copy |\n|---|---|---:|---:|---:|---:|\n");
  }

  void row(const std::string& name, const char* operation, index_t bytes, const std::function<void()>& call) const {
    const double ms = milliseconds(call);
    const double rate = static_cast<double>(bytes) / ms;
    std::printf("| %s | %s | %.0f | %.4f | %.0f | %.1f %% |\n", name.c_str(), operation,
                static_cast<double>(bytes) * 1e-6, ms, rate * 1e-6, 100.0 * rate / ceiling);
    std::fflush(stdout);
  }

  template <class Q>
  void recipe(const std::string& name) const {
    const matrix_view<const bfloat16> x{in.as<bfloat16>(), shape};
    const matrix_view<bfloat16> y{out.as<bfloat16>(), shape};
    const auto size = static_cast<std::size_t>(scratch_bytes<Q>(shape));
    const std::span<std::byte> memory(scratch.as<std::byte>(), size);
    auto* const tensor_scale = reinterpret_cast<float*>(scratch.as<std::byte>() + shape.cols * 8);
    const quantized_view<Q> q{codes.as<typename Q::code_type>(), scales.as<typename Q::stored_scale>(), tensor_scale,
                              shape};
    const index_t input = shape.elements() * 2;
    const index_t reads = size > 0 ? 2 * input : input;
    const index_t coded = Q::code_bytes(shape) + Q::scale_bytes(shape);
    row(name, "quantize", reads + coded, [&] { quantize<Q>(on_stream{}, x, q, memory); });
    row(name, "dequantize", coded + input, [&] { dequantize<Q>(on_stream{}, q, y); });
    row(name, "fake_quantize", reads + input, [&] { fake_quantize<Q>(on_stream{}, x, y, memory); });
    if constexpr (Q::format_type::bits == 4) {
      const packed_view<Q> p{codes.as<std::uint8_t>(), q.scales, tensor_scale, shape};
      const index_t packed = packed_bytes(shape.elements(), 4) + Q::scale_bytes(shape);
      row(name, "quantize_packed", reads + packed, [&] { quantize_packed<Q>(on_stream{}, x, p, memory); });
      row(name, "dequantize_packed", packed + input, [&] { dequantize_packed<Q>(on_stream{}, p, y); });
    }
  }
};

}  // namespace

int main(int count, char** arguments) {
  int devices = 0;
  if (cudaGetDeviceCount(&devices) != cudaSuccess || devices == 0) {
    std::printf("skipped: no GPU\n");
    return skipped;
  }
  try {
    cudaDeviceProp properties{};
    require(cudaGetDeviceProperties(&properties, 0));
    std::printf("%s, %d multiprocessors, %d MiB of cache\n", properties.name, properties.multiProcessorCount,
                properties.l2CacheSize >> 20);
    const index_t mebibytes = count > 1 ? std::max(1, std::atoi(arguments[1])) : 256;
    const bench all({mebibytes * 1048576 / 2 / cols, cols});
    all.recipe<int8_token>("int8 per token");
    all.recipe<int8_channel>("int8 per output channel");
    all.recipe<int8_column>("int8 per input channel");
    all.recipe<int8_tensor>("int8 per tensor");
    all.recipe<fp8_token>("fp8 per token");
    all.recipe<fp8_1x128>("fp8 1x128");
    all.recipe<int4_g128>("int4_g128");
    all.recipe<mxfp4_ocp>("mxfp4");
    all.recipe<nvfp4_modelopt>("nvfp4");
  } catch (const std::exception& e) {
    std::printf("failed: %s\n", e.what());
    return 1;
  }
  return 0;
}
