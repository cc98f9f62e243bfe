// Stacks of matrices through kernels on an emulated device.
#include <support/given_tensor_scales.hpp>
#include <support/packed_recipes.hpp>
#include <support/refusals.hpp>
#include <support/stack_kernel_checks.hpp>

#include <qgrain/core/stack_view.hpp>
#include <qgrain/cuda/detail/stacking.hpp>
#include <qgrain/cuda/device_ranges.hpp>
#include <qgrain/host/given_ranges.hpp>
#include <qgrain/host/quantize.hpp>
#include <qgrain/host/quantize_packed.hpp>
#include <qgrain/quantizer/recipes.hpp>

#include <boost/test/unit_test.hpp>
#include <cuda/emulated_backend.hpp>

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

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
void check_stack() {
  stack_backend backend;
  BOOST_TEST((compare_stacks<Q, Layout, T>(backend)) == "");
}

}  // namespace

BOOST_AUTO_TEST_CASE(each_matrix_has_the_bits_of_the_host) {
  using qgrain::bfloat16;
  using qgrain::row_major;
  check_stack<nvfp4_packed, qgrain::scale_tiles_128x4, bfloat16>();
#ifndef QGRAIN_SANITIZED  // which is slow to compile and to run
  check_stack<int5_rows, row_major, float>();
  check_stack<fp6_columns, row_major, bfloat16>();
  check_stack<int7_tensor, row_major, float>();
  check_stack<fp8_groups, qgrain::transposed, bfloat16>();
#endif
}

BOOST_AUTO_TEST_CASE(given_tensor_scales_are_one_per_matrix) {
  using namespace qgrain;
  given_tensor_scales stack;
  using Q = given_tensor_scales::quantizer;
  const stack_backend backend;
  const device_ranges ranges{.tensor_scales = stack.given};  // no scratch memory: nothing is left to find
  BOOST_TEST(!(detail::quantize_stack_on<Q, float>(backend.device, stack.in(), stack.out(), {}, ranges, {})));
  BOOST_TEST(!(detail::quantize_packed_stack_on<Q, float, row_major>(backend.device, stack.in(), stack.packed_out(), {},
                                                                     ranges, {})));
  BOOST_TEST(!(detail::fake_quantize_stack_on<Q, float>(backend.device, stack.in(), stack.fake_out(), {}, ranges, {})));
  stack.check_each_matrix();
  std::fill(stack.codes.begin(), stack.codes.end(), std::uint8_t{99});
  const auto refused = [&](const device_ranges& wrong) {
    return detail::quantize_stack_on<Q, float>(backend.device, stack.in(), stack.out(), {}, wrong, {}).sentence;
  };
  const std::span<const float> all = stack.given;
  BOOST_TEST(refused({.tensor_scales = all.first(2)}) == "given tensor scales, one per matrix: expected 3, found 2");
  BOOST_TEST(refused({.tensor_scale = all.data(), .tensor_scales = all}) ==
             "1 tensor scale for all matrices and 3 tensor scales, one per matrix, are both given: give one of them");
  BOOST_TEST((detail::quantize_on<Q, float>(backend.device, stack.in()[0], stack.out()[0], {}, ranges, {}).sentence ==
              "tensor scales of 3 matrices are given for 1 that is no stack: give tensor_scale"));
  BOOST_TEST(stack.codes == std::vector<std::uint8_t>(stack.x.size(), 99));
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
