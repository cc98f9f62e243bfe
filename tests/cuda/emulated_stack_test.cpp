// Stacks of matrices through kernels on an emulated device.
#include <support/packed_recipes.hpp>
#include <support/refusals.hpp>
#include <support/stack_kernel_checks.hpp>

#include <qgrain/core/stack_view.hpp>
#include <qgrain/cuda/detail/stacking.hpp>

#include <boost/test/unit_test.hpp>
#include <cuda/emulated_backend.hpp>

#include <string>

using namespace qgrain_test;

namespace {

struct stack_backend : emulated_backend {
  template <class Q, class T>
  void quantize_stack(qgrain::stack_view<const T> in, qgrain::quantized_stack_view<Q> out,
                      std::span<std::byte> scratch) const {
    qgrain::detail::raise_if(qgrain::detail::quantize_stack_on<Q, T>(device, in, out, scratch, {}, {}));
  }
  template <class Q, class T, class Layout>
  void quantize_packed_stack(qgrain::stack_view<const T> in, qgrain::packed_stack_view<Q, Layout> out,
                             std::span<std::byte> scratch) const {
    qgrain::detail::raise_if(qgrain::detail::quantize_packed_stack_on<Q, T, Layout>(device, in, out, scratch, {}, {}));
  }
  template <class Q, class T>
  void fake_quantize_stack(qgrain::stack_view<const T> in, qgrain::stack_view<T> out,
                           std::span<std::byte> scratch) const {
    qgrain::detail::raise_if(qgrain::detail::fake_quantize_stack_on<Q, T>(device, in, out, scratch, {}, {}));
  }
  template <class Q, class T>
  void dequantize_stack(qgrain::quantized_stack_view<Q> in, qgrain::stack_view<T> out) const {
    qgrain::detail::raise_if(
        qgrain::detail::dequantize_stack_on<Q, T>(device, qgrain::quantized_stack_view<const Q>(in), out));
  }
  template <class Q, class T, class Layout>
  void dequantize_packed_stack(qgrain::packed_stack_view<Q, Layout> in, qgrain::stack_view<T> out) const {
    qgrain::detail::raise_if(qgrain::detail::dequantize_packed_stack_on<Q, T, Layout>(
        device, qgrain::packed_stack_view<const Q, Layout>(in), out));
  }
};

template <class Q, class Layout, class T>
void check() {
  stack_backend backend;
  BOOST_TEST((compare_stacks<Q, Layout, T>(backend)) == "");
}

}  // namespace

BOOST_AUTO_TEST_CASE(each_matrix_has_the_bits_of_the_host) {
  using qgrain::bfloat16;
  using qgrain::row_major;
  check<nvfp4_packed, qgrain::scale_tiles_128x4, bfloat16>();
#ifndef QGRAIN_SANITIZED  // which is slow to compile and to run
  check<int5_rows, row_major, float>();
  check<fp6_columns, row_major, bfloat16>();
  check<int7_tensor, row_major, float>();
  check<fp8_groups, qgrain::transposed, bfloat16>();
#endif
}

BOOST_AUTO_TEST_CASE(stacks_that_do_not_fit_are_refused) {
  using namespace qgrain;
  const stack_backend backend;
  const matrix_stack extent{3, {2, 16}};
  const std::vector<float> x(96, 1.0F);
  std::vector<std::int8_t> codes(96, 9);
  std::vector<float> scales(48);
  std::vector<std::byte> scratch(3 * 64);
  const auto check_refusal = [&](matrix_stack out, std::size_t bytes, errc code, const std::string& part) {
    using Q = quantizer<int8, per_channel<1>>;
    const auto call = [&] {
      backend.quantize_stack<Q, float>(stack_view(x.data(), extent), {codes.data(), scales.data(), nullptr, out},
                                       std::span(scratch).first(bytes));
    };
    refuses(code, part, call);
  };
  check_refusal({2, {2, 16}}, 192, errc::invalid_shape, "matrices of the output: expected 3, found 2");
  check_refusal({3, {2, 8}}, 192, errc::invalid_shape, "columns of the output: expected 16, found 8");
  check_refusal(extent, 191, errc::buffer_too_small, "scratch memory in bytes: needs 192, has 191");
  BOOST_TEST(codes == std::vector<std::int8_t>(96, 9));
}
