// The quantizers inside a kernel: codes, stored scales and fake-quantized values must have the bits of the host's.
#include <support/inputs.hpp>

#include <qgrain/granularity/per_tensor.hpp>
#include <qgrain/host/quantize.hpp>
#include <qgrain/quantizer/recipes.hpp>

#include <cuda_runtime.h>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <limits>
#include <vector>

namespace {

using namespace qgrain;

constexpr int skipped = 77;
constexpr index_t rows = 513;
constexpr index_t cols = 1000;

/// Device memory for one array.
template <class T>
class device_array {
 public:
  explicit device_array(std::size_t count) : count_(count) {
    if (cudaMalloc(&data_, count * sizeof(T)) != cudaSuccess) std::fprintf(stderr, "no device memory\n");
  }
  device_array(const device_array&) = delete;
  device_array& operator=(const device_array&) = delete;
  ~device_array() { cudaFree(data_); }
  [[nodiscard]] T* data() const { return data_; }
  void upload(const std::vector<T>& values) {
    cudaMemcpy(data_, values.data(), count_ * sizeof(T), cudaMemcpyHostToDevice);
  }
  [[nodiscard]] std::vector<T> download() const {
    std::vector<T> values(count_);
    cudaMemcpy(values.data(), data_, count_ * sizeof(T), cudaMemcpyDeviceToHost);
    return values;
  }

 private:
  T* data_ = nullptr;
  std::size_t count_;
};

/// One thread per group: range, scale, codes, values. in, fake: [rows, cols]; out: codes and scales of the same shape.
template <class Q>
__global__ void quantize_groups_kernel(const float* in, float* fake, quantized_view<Q> out, float tensor_scale) {
  const shape2d shape = out.shape;
  const shape2d group = Q::granularity_type::group_shape(shape);
  const shape2d groups = Q::scale_shape(shape);
  const index_t index = static_cast<index_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (index >= groups.elements()) return;
  const index_t first_row = index / groups.cols * group.rows;
  const index_t first_col = index % groups.cols * group.cols;
  const index_t last_row = smaller_of(first_row + group.rows, shape.rows);
  const index_t last_col = smaller_of(first_col + group.cols, shape.cols);
  std::int32_t largest = 0;
  for (index_t r = first_row; r < last_row; ++r) {
    for (index_t c = first_col; c < last_col; ++c) largest = larger_of(largest, magnitude_bits(in[r * shape.cols + c]));
  }
  const auto stored = Q::scale(float_from_magnitude(largest), tensor_scale);
  const auto factors = Q::factors(stored, tensor_scale);
  out.scales[index] = stored;
  for (index_t r = first_row; r < last_row; ++r) {
    for (index_t c = first_col; c < last_col; ++c) {
      const index_t at = r * shape.cols + c;
      out.codes[at] = Q::encode(in[at], factors);
      fake[at] = Q::fake(in[at], factors);
    }
  }
}

template <class T>
std::size_t equal_count(const std::vector<T>& a, const std::vector<T>& b) {
  std::size_t equal = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const bool both_nan = a[i] != a[i] && b[i] != b[i];
    equal += both_nan || std::memcmp(&a[i], &b[i], sizeof(T)) == 0 ? 1U : 0U;
  }
  return equal;
}

/// Compares host and device on the same input; true where every bit agrees.
template <class Q>
bool agrees(const char* name, const std::vector<float>& x) {
  const shape2d shape{rows, cols};
  auto expected = quantize<Q>(on_host{}, matrix_view<const float>{x.data(), shape});
  std::vector<float> fake(x.size());
  fake_quantize<Q>(on_host{}, {x.data(), shape}, matrix_view<float>{fake.data(), shape});

  device_array<float> in(x.size());
  device_array<float> values(x.size());
  device_array<typename Q::code_type> codes(x.size());
  device_array<typename Q::stored_scale> scales(expected.scales.size());
  in.upload(x);
  constexpr unsigned threads = 128;
  const auto blocks = static_cast<unsigned>(ceil_div(Q::scale_count(shape), threads));
  quantize_groups_kernel<Q><<<blocks, threads>>>(
      in.data(), values.data(), quantized_view<Q>{codes.data(), scales.data(), nullptr, shape}, expected.tensor_scale);
  if (const cudaError_t failure = cudaDeviceSynchronize(); failure != cudaSuccess) {
    std::printf("%s: %s\n", name, cudaGetErrorString(failure));
    return false;
  }
  const std::size_t equal = equal_count(codes.download(), expected.codes) +
                            equal_count(scales.download(), expected.scales) + equal_count(values.download(), fake);
  const std::size_t all = 2 * x.size() + expected.scales.size();
  std::printf("%s: %zu of %zu\n", name, equal, all);
  return equal == all;
}

}  // namespace

int main() {
  int devices = 0;
  if (cudaGetDeviceCount(&devices) != cudaSuccess || devices == 0) {
    std::printf("skipped: no GPU\n");
    return skipped;
  }
  std::vector<float> x = qgrain_test::edge_values(99, static_cast<std::size_t>(rows * cols));
  x[5000] = std::numeric_limits<float>::quiet_NaN();
  constexpr group_tail padded = group_tail::zero_padding;
  bool good = true;
  good &= agrees<quantizer<int8, per_group<128>>>("int8, divided", x);
  good &= agrees<quantizer<int8, per_group<128>, absmax_f32, nearest_away>>("int8, ties away", x);
  good &= agrees<modelopt_integer<qgrain::int4, per_group<48, padded>>>("int4, ModelOpt", x);
  good &= agrees<modelopt_integer<int8, per_channel<1>>>("int8 per column, ModelOpt", x);
  good &= agrees<modelopt_fp8<per_token>>("fp8 per token, ModelOpt", x);
  good &= agrees<mxfp4_ocp>("mxfp4_ocp", x);
  good &= agrees<mxfp4_even>("mxfp4_even", x);
  good &= agrees<mxfp4_rceil>("mxfp4_rceil", x);
  good &= agrees<mxfp4_modelopt>("mxfp4_modelopt", x);
  good &= agrees<mxfp6_e2m3_ocp>("mxfp6_e2m3_ocp", x);
  good &= agrees<mxfp6_e3m2_ocp>("mxfp6_e3m2_ocp", x);
  good &= agrees<mxfp8_e4m3_modelopt>("mxfp8_e4m3_modelopt", x);
  good &= agrees<mxfp8_e5m2_ocp>("mxfp8_e5m2_ocp", x);
  good &= agrees<modelopt_mx_fake<int8>>("mxint8, ModelOpt", x);
  x[5000] = 1.0F;  // the tensor's range must be a number
  good &= agrees<nvfp4_modelopt>("nvfp4_modelopt", x);
  good &= agrees<nvfp4_modelopt_kernel>("nvfp4_modelopt_kernel", x);
  good &= agrees<nvfp4_torchao>("nvfp4_torchao", x);
  return good ? 0 : 1;
}
