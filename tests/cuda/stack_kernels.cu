// Stacks of matrices on a GPU against the host.
#include <support/packed_recipes.hpp>
#include <support/stack_kernel_checks.hpp>

#include <qgrain/cuda/quantize_stack.cuh>

#include <cuda/device_backend.cuh>
#include <cuda/kernel_suite.hpp>

namespace qgrain_test {
namespace {

struct stack_backend : device_backend {
  template <class Q, class T>
  void quantize_stack(qgrain::stack_view<const T> in, qgrain::quantized_stack_view<Q> out,
                      std::span<std::byte> scratch) const {
    qgrain::quantize<Q>(qgrain::on_stream{stream}, in, out, scratch);
  }
  template <class Q, class T, class Layout>
  void quantize_packed_stack(qgrain::stack_view<const T> in, qgrain::packed_stack_view<Q, Layout> out,
                             std::span<std::byte> scratch) const {
    qgrain::quantize_packed<Q, Layout>(qgrain::on_stream{stream}, in, out, scratch);
  }
  template <class Q, class T>
  void fake_quantize_stack(qgrain::stack_view<const T> in, qgrain::stack_view<T> out,
                           std::span<std::byte> scratch) const {
    qgrain::fake_quantize<Q>(qgrain::on_stream{stream}, in, out, scratch);
  }
  template <class Q, class T>
  void dequantize_stack(qgrain::quantized_stack_view<Q> in, qgrain::stack_view<T> out) const {
    qgrain::dequantize(qgrain::on_stream{stream}, in, out);
  }
  template <class Q, class T, class Layout>
  void dequantize_packed_stack(qgrain::packed_stack_view<Q, Layout> in, qgrain::stack_view<T> out) const {
    qgrain::dequantize_packed(qgrain::on_stream{stream}, in, out);
  }
};

template <class Q, class Layout, class T>
std::string stack_on_device(qgrain::index_t) {
  stack_backend backend;
  return compare_stacks<Q, Layout, T>(backend);
}

}  // namespace

std::vector<suite_case> stack_cases() {
  using qgrain::bfloat16;
  using qgrain::row_major;
  return {{"stack of nvfp4, bf16", &stack_on_device<nvfp4_packed, qgrain::scale_tiles_128x4, bfloat16>},
          {"stack of int5 rows, f32", &stack_on_device<int5_rows, row_major, float>},
          {"stack of fp6 columns, bf16", &stack_on_device<fp6_columns, row_major, bfloat16>},
          {"stack of int7 tensors, f32", &stack_on_device<int7_tensor, row_major, float>}};
}

}  // namespace qgrain_test
