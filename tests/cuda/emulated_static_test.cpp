// Static quantization by kernels on an emulated device.
#include <support/packed_kernel_checks.hpp>
#include <support/packed_recipes.hpp>
#include <support/refusals.hpp>

#include <boost/test/unit_test.hpp>
#include <cuda/emulated_backend.hpp>

using namespace qgrain_test;

namespace {

template <class Q, class T = float>
void check_static() {
  emulated_backend backend;
  BOOST_TEST((compare_static_shapes<Q, T>(backend)) == "");
}

}  // namespace

BOOST_AUTO_TEST_CASE(given_ranges_and_scales_have_the_bits_of_the_host) {
  check_static<fp8_groups, qgrain::bfloat16>();
  check_static<int5_rows>();
  check_static<fp6_columns>();
  check_static<int7_tensor, qgrain::bfloat16>();
  check_static<nvfp4_packed, qgrain::bfloat16>();
  check_static<odd_groups>();
}

BOOST_AUTO_TEST_CASE(both_ends_have_the_bits_of_the_host) {
  check_static<asymmetric_rows>();
  check_static<asymmetric_tensor, qgrain::bfloat16>();
}

BOOST_AUTO_TEST_CASE(ranges_of_the_wrong_kind_are_refused) {
  using namespace qgrain;
  const emulated_backend backend;
  std::vector<float> x(4 * 16, 1.0F);
  std::vector<std::uint8_t> codes(64, 9);
  std::vector<affine_scale<float, std::int32_t>> scales(4, {9.0F, 9});
  const quantized_view<asymmetric_rows> out{codes.data(), scales.data(), nullptr, {4, 16}};
  const std::vector<float> largest(4, 1.0F);
  const std::vector<signed_range> ends(3, {1.0F, 1.0F});
  const float one = 1.0F;
  const auto check_refusal = [&](const device_ranges& given, errc code, const std::string& part) {
    const auto call = [&] {
      backend.quantize<asymmetric_rows, float>(matrix_view<const float>{x.data(), {4, 16}}, out, {}, given);
    };
    refuses(code, part, call);
  };
  check_refusal({.absmax = largest}, errc::invalid_argument, "is not made of largest magnitudes, of which 4 are given");
  check_refusal({.ends = ends}, errc::invalid_shape, "expected 4, found 3");
  check_refusal({.tensor_scale = &one}, errc::invalid_argument, "has one level");
  check_refusal({.tensor_absmax = &one}, errc::invalid_argument, "no tensor range");
  BOOST_TEST(codes == std::vector<std::uint8_t>(64, 9));
}

BOOST_AUTO_TEST_CASE(no_ranges_are_none_wherever_they_point) {
  using namespace qgrain;
  const emulated_backend backend;
  const std::vector<float> x{1.0F, -2.0F, 3.0F, 4.0F, 0.5F, 0.25F, -0.5F, 0.125F};
  const std::vector<float> other(2, 100.0F);
  std::vector<std::int8_t> codes(8);
  std::vector<float> scales(2);
  backend.quantize<int5_rows, float>(matrix_view<const float>{x.data(), {2, 4}},
                                     {codes.data(), scales.data(), nullptr, {2, 4}}, {},
                                     {.absmax = std::span(other).first(0)});
  const auto wanted = quantize<int5_rows>(on_host{}, matrix_view(x.data(), {2, 4}));
  BOOST_TEST(codes == wanted.codes);
  BOOST_TEST(scales == wanted.scales);
}
