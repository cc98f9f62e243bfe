// What only a stream can show: capture into a graph, a kernel of the user's own, refusals of the public entry points.
#include <support/inputs.hpp>
#include <support/kernel_checks.hpp>
#include <support/kernel_error_checks.hpp>
#include <support/slice_recipes.hpp>

#include <qgrain/host/quantize.hpp>

#include <cuda/device_backend.cuh>
#include <cuda/kernel_suite.hpp>

#include <type_traits>

namespace qgrain_test {

namespace {

using namespace qgrain;

constexpr shape2d shape{37, 1000};
constexpr auto count = static_cast<std::size_t>(shape.elements());

/// quantize and dequantize captured once and replayed on other data. Capture fails where a call waits or allocates.
template <class Q>
std::string check_graph(index_t) {
  device_array<float> x(std::vector<float>(count, 1.0F));
  device_array<typename Q::code_type> codes(std::vector<typename Q::code_type>(count, typename Q::code_type{99}));
  device_array<typename Q::stored_scale> scales(
      std::vector<typename Q::stored_scale>(static_cast<std::size_t>(Q::scale_count(shape))));
  device_array<float> tensor(std::vector<float>{-1.0F});
  device_array<float> values(std::vector<float>(count, -1.0F));
  device_array<std::uint32_t> scratch(std::vector<std::uint32_t>(shape.cols + 1, 7U));
  const auto bytes = static_cast<std::size_t>(scratch_bytes<Q>(shape));
  const quantized_view<Q> view{codes.data(), scales.data(), tensor.data(), shape};

  cudaStream_t stream = nullptr;
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t program = nullptr;
  require(cudaStreamCreate(&stream));
  require(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal));
  qgrain::quantize<Q, float>(on_stream{stream}, {x.data(), shape}, view,
                             {reinterpret_cast<std::byte*>(scratch.data()), bytes});
  qgrain::dequantize<Q, float>(on_stream{stream}, view, {values.data(), shape});
  require(cudaStreamEndCapture(stream, &graph));
  require(cudaGraphInstantiate(&program, graph, 0));
  std::string faults;
  for (const std::uint64_t seed : {1U, 2U}) {
    const std::vector<float> data = edge_values(seed, count);
    require(cudaMemcpy(x.data(), data.data(), count * sizeof(float), cudaMemcpyHostToDevice));
    require(cudaGraphLaunch(program, stream));
    require(cudaStreamSynchronize(stream));
    auto expected = quantize<Q>(on_host{}, matrix_view<const float>{data.data(), shape});
    std::vector<float> back(count);
    dequantize<Q>(on_host{}, expected.view(), matrix_view<float>{back.data(), shape});
    faults += difference("codes", expected.codes, codes.values()) +
              difference("scales", expected.scales, scales.values()) + difference("values", back, values.values());
  }
  require(cudaGraphExecDestroy(program));
  require(cudaGraphDestroy(graph));
  require(cudaStreamDestroy(stream));
  return faults;
}

/// A user's kernel: one thread per element of a view that came as an argument.
template <class Q>
__global__ void decode_elements_kernel(const __grid_constant__ quantized_view<Q> weights, float* out) {
  const index_t at = static_cast<index_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (at < weights.shape.elements()) out[at] = weights(at / weights.shape.cols, at % weights.shape.cols);
}

template <class Q>
std::string check_view(index_t) {
  static_assert(std::is_trivially_copyable_v<quantized_view<Q>>);
  const std::vector<float> data = edge_values(3, count);
  auto expected = quantize<Q>(on_host{}, matrix_view<const float>{data.data(), shape});
  std::vector<float> back(count);
  dequantize<Q>(on_host{}, expected.view(), matrix_view<float>{back.data(), shape});
  const device_array<typename Q::code_type> codes(expected.codes);
  const device_array<typename Q::stored_scale> scales(expected.scales);
  const device_array<float> tensor(std::vector<float>{expected.tensor_scale});
  const device_array<float> values(std::vector<float>(count, -1.0F));
  constexpr unsigned threads = 128;
  decode_elements_kernel<Q><<<static_cast<unsigned>(ceil_div(shape.elements(), threads)), threads>>>(
      {codes.data(), scales.data(), tensor.data(), shape}, values.data());
  require(cudaGetLastError());
  return difference("values", back, values.values());
}

}  // namespace

std::vector<suite_case> stream_cases() {
  return {{"graph, int8 per token", &check_graph<int8_token>},
          {"graph, int8 per tensor", &check_graph<int8_tensor>},
          {"graph, int8 per column", &check_graph<int8_column>},
          {"graph, nvfp4", &check_graph<nvfp4>},
          {"own kernel, int8 per column", &check_view<int8_column>},
          {"own kernel, int4_g128", &check_view<int4_g128>},
          {"own kernel, mxfp4", &check_view<mxfp4>},
          {"own kernel, nvfp4", &check_view<nvfp4>}};
}

std::string check_refusals() {
  refusing_backend backend;
  return compare_refusals(backend);
}

std::string check_missing_device() {
  float x = 1.0F;
  float scale = 0.0F;
  std::int8_t code = 0;
  return refusal("call without a GPU", errc::cuda_failure, {"cuda"}, [&] {
    qgrain::quantize<int8_token, float>(on_stream{}, {&x, {1, 1}}, {&code, &scale, nullptr, {1, 1}});
  });
}

}  // namespace qgrain_test
