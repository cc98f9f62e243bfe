// quantize, dequantize and fake_quantize on whole matrices: strides, tails, threads, 16-bit elements, given ranges.
#include <support/inputs.hpp>

#include <qgrain/granularity/per_channel.hpp>
#include <qgrain/granularity/per_tensor.hpp>
#include <qgrain/granularity/per_tile.hpp>
#include <qgrain/host/parallel.hpp>
#include <qgrain/host/quantize.hpp>
#include <qgrain/quantizer/recipes.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>
#include <vector>

using namespace qgrain;

namespace {

template <class T>
bool same_bytes(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

/// The definition: one element at a time, ranges by plain loops.
template <class Q>
std::vector<float> element_by_element(const std::vector<float>& x, shape2d shape) {
  std::vector<float> absmax(static_cast<std::size_t>(Q::scale_count(shape)), 0.0F);
  float largest = 0.0F;
  for (index_t r = 0; r < shape.rows; ++r) {
    for (index_t c = 0; c < shape.cols; ++c) {
      const float magnitude = std::fabs(x[static_cast<std::size_t>(r * shape.cols + c)]);
      float& group = absmax[static_cast<std::size_t>(Q::scale_index(shape, r, c))];
      group = std::fmax(group, magnitude);
      largest = std::fmax(largest, magnitude);
    }
  }
  const float tensor = Q::tensor_scale(largest);
  std::vector<float> y(x.size());
  for (index_t r = 0; r < shape.rows; ++r) {
    for (index_t c = 0; c < shape.cols; ++c) {
      const auto at = static_cast<std::size_t>(r * shape.cols + c);
      y[at] = Q::fake(
          x[at], Q::factors(Q::scale(absmax[static_cast<std::size_t>(Q::scale_index(shape, r, c))], tensor), tensor));
    }
  }
  return y;
}

template <class Q>
int compare_shapes() {
  int compared = 0;
  for (const shape2d shape : {shape2d{1, 1}, {1, 16}, {3, 33}, {7, 100}, {40, 64}, {129, 300}, {2, 5000}, {700, 130}}) {
    const auto count = static_cast<std::size_t>(shape.elements());
    const std::vector<float> x = qgrain_test::edge_values(static_cast<std::uint64_t>(shape.rows), count);
    const std::vector<float> expected = element_by_element<Q>(x, shape);
    quantized_matrix<Q> first;
    for (const int threads : {1, 2, 3}) {
      std::vector<float> y(count, 99.0F);
      fake_quantize<Q>(thread_pool(threads), {x.data(), shape}, matrix_view<float>{y.data(), shape});
      BOOST_TEST_REQUIRE(same_bytes(y, expected));
      std::vector<float> in_place = x;
      fake_quantize<Q>(thread_pool(threads), {in_place.data(), shape}, matrix_view<float>{in_place.data(), shape});
      BOOST_TEST_REQUIRE(same_bytes(in_place, expected));
      auto codes = quantize<Q>(thread_pool(threads), {x.data(), shape});
      dequantize<Q>(thread_pool(threads), codes.view(), matrix_view<float>{y.data(), shape});
      BOOST_TEST_REQUIRE((y == expected));  // but for the sign of zero
      if (threads == 1) first = codes;
      BOOST_TEST_REQUIRE(codes.codes == first.codes);
      BOOST_TEST_REQUIRE(same_bytes(codes.scales, first.scales));
      ++compared;
    }
    // Strided input and output; what lies between the rows stays.
    const index_t stride = shape.cols + 5;
    std::vector<float> wide(static_cast<std::size_t>(shape.rows * stride), 1e30F);
    std::vector<float> out(wide.size(), 7.0F);
    for (index_t r = 0; r < shape.rows; ++r)
      std::copy_n(x.data() + r * shape.cols, shape.cols, wide.data() + r * stride);
    fake_quantize<Q>(on_host{}, {wide.data(), shape, stride}, matrix_view<float>{out.data(), shape, stride});
    for (index_t r = 0; r < shape.rows; ++r) {
      BOOST_TEST_REQUIRE(std::memcmp(out.data() + r * stride, expected.data() + r * shape.cols,
                                     static_cast<std::size_t>(shape.cols) * sizeof(float)) == 0);
      if (r + 1 < shape.rows) BOOST_TEST_REQUIRE(out[static_cast<std::size_t>(r * stride + shape.cols)] == 7.0F);
    }
  }
  return compared;
}

}  // namespace

BOOST_AUTO_TEST_CASE(every_shape_stride_and_thread_count_gives_the_bits_of_the_definition) {
  constexpr group_tail padded = group_tail::zero_padding;
#ifdef QGRAIN_SANITIZED
  constexpr int cases = 120;
#else
  constexpr int cases = 240;
#endif
  int compared = 0;
  compared += compare_shapes<modelopt_integer<int8, per_tensor>>();
  compared += compare_shapes<modelopt_integer<int4, per_group<48, padded>>>();
  compared += compare_shapes<modelopt_fp8<per_channel<1>>>();
  compared += compare_shapes<modelopt_fp8<per_tile<16, 32>>>();
#ifndef QGRAIN_SANITIZED  // which is slow to compile; these go through the loops of the others
  compared += compare_shapes<modelopt_integer<int4, per_group<1, padded>>>();
  compared += compare_shapes<modelopt_fp8<per_channel<0>>>();
  compared += compare_shapes<modelopt_integer<int8, per_token>>();
  compared += compare_shapes<quantizer<int8, per_group<64, padded>>>();
  compared += compare_shapes<mxfp4_rceil>();
#endif
  compared += compare_shapes<nvfp4_modelopt>();
  BOOST_TEST_MESSAGE(compared << " of " << cases << " cases");
  BOOST_TEST(compared == cases);
}

BOOST_AUTO_TEST_CASE(a_callers_pool_serves_several_calls) {
  thread_pool pool(2);
  const std::vector<float> x = qgrain_test::bell_values(2, 600 * 300);
  std::vector<float> once(x.size());
  std::vector<float> twice(x.size());
  using q = modelopt_integer<int8, per_channel<1>>;
  fake_quantize<q>(pool, {x.data(), {600, 300}}, matrix_view<float>{once.data(), {600, 300}});
  fake_quantize<q>(pool, {x.data(), {600, 300}}, matrix_view<float>{twice.data(), {600, 300}});
  BOOST_TEST(same_bytes(once, twice));
  BOOST_TEST(same_bytes(once, element_by_element<q>(x, {600, 300})));
}

BOOST_AUTO_TEST_CASE(sixteen_bit_elements_are_widened_and_rounded_back) {
  const shape2d shape{9, 70};
  const std::vector<float> x = qgrain_test::bell_values(3, 630);
  const auto check = [&]<class T>(std::type_identity<T>) {
    std::vector<T> in;
    std::vector<float> wide;
    for (const float v : x) in.push_back(from_float<T>(v));
    for (const T v : in) wide.push_back(to_float(v));
    std::vector<T> out(in.size());
    std::vector<float> wide_out(in.size());
    fake_quantize<mxfp8_e4m3_ocp>(on_host{}, {in.data(), shape}, matrix_view<T>{out.data(), shape});
    fake_quantize<mxfp8_e4m3_ocp>(on_host{}, {wide.data(), shape}, matrix_view<float>{wide_out.data(), shape});
    for (std::size_t i = 0; i < out.size(); ++i) BOOST_TEST_REQUIRE((out[i] == from_float<T>(wide_out[i])));
    const auto codes = quantize<mxfp8_e4m3_ocp>(on_host{}, matrix_view(in.data(), shape));
    BOOST_TEST((codes.codes == quantize<mxfp8_e4m3_ocp>(on_host{}, {wide.data(), shape}).codes));
  };
  check(std::type_identity<bfloat16>{});
  check(std::type_identity<float16>{});
}

BOOST_AUTO_TEST_CASE(given_ranges_replace_those_of_the_data) {
  const std::vector<float> x = {1.0F, -3.0F, 0.5F, 8.0F};
  const std::vector<float> ranges = {7.0F, 3.5F};
  std::vector<float> y(4);
  using q = modelopt_integer<int4, per_channel<0>>;
  fake_quantize<q>(on_host{}, {x.data(), {2, 2}}, matrix_view<float>{y.data(), {2, 2}}, {ranges, {}});
  BOOST_TEST((y == std::vector<float>{1.0F, -3.0F, 0.5F, 3.5F}));  // multipliers 1 and 2; 8 saturates
}

BOOST_AUTO_TEST_CASE(nan_poisons_its_group_only) {
  std::vector<float> x(64, 1.0F);
  x[40] = std::numeric_limits<float>::quiet_NaN();
  std::vector<float> y(64);
  fake_quantize<modelopt_integer<int8, per_group<32>>>(on_host{}, {x.data(), {1, 64}},
                                                       matrix_view<float>{y.data(), {1, 64}});
  for (std::size_t i = 0; i < 64; ++i) BOOST_TEST((i < 32 ? y[i] == 1.0F : std::isnan(y[i])));
}
