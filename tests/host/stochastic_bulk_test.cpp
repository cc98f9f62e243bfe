// Roundings that differ by element in the bulk operations: keyed on the element's index in the matrix, whatever the
// threads, chunks, strides and element types.
#include <support/inputs.hpp>

#include <qgrain/format/float4.hpp>
#include <qgrain/format/integer.hpp>
#include <qgrain/granularity/per_channel.hpp>
#include <qgrain/granularity/per_group.hpp>
#include <qgrain/granularity/per_tensor.hpp>
#include <qgrain/granularity/per_tile.hpp>
#include <qgrain/host/parallel.hpp>
#include <qgrain/host/quantize.hpp>
#include <qgrain/host/sequential.hpp>
#include <qgrain/quantizer/quantizer.hpp>
#include <qgrain/scale/power_of_two.hpp>
#include <qgrain/scale/two_level.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string_view>
#include <vector>

using namespace qgrain;

namespace {

/// A rounding without state that still looks at the index: up for odd elements, down for even ones.
struct by_parity {
  struct at_element {
    bool up;
    constexpr float operator()(float x) const noexcept {
      const auto whole = static_cast<float>(static_cast<std::int32_t>(x));
      return whole + (up && whole < x ? 1.0F : 0.0F);
    }
  };
  static constexpr std::string_view name() noexcept { return "by_parity"; }
  constexpr at_element at(std::uint64_t element) const noexcept { return {element % 2 == 1}; }
};

static_assert(detail::rounds_alike<nearest_even> && detail::rounds_alike<nearest_away> &&
              detail::rounds_alike<ties_to_zero> && detail::rounds_alike<toward_zero>);
static_assert(!detail::rounds_alike<stochastic> && !detail::rounds_alike<by_parity>);

template <class Q>
struct expected_matrix {
  std::vector<typename Q::code_type> codes;
  std::vector<float> fakes;
};

/// Element by element under the scales of `coded`, which do not depend on the rounding.
template <class Q>
expected_matrix<Q> element_by_element(const std::vector<float>& x, quantized_view<Q> coded,
                                      typename Q::rounding_type rounding) {
  expected_matrix<Q> out;
  for (index_t r = 0; r < coded.shape.rows; ++r) {
    for (index_t c = 0; c < coded.shape.cols; ++c) {
      const index_t i = r * coded.shape.cols + c;
      const auto factors = Q::factors(coded.scales[Q::scale_index(coded.shape, r, c)], *coded.tensor_scale);
      const float value = x[static_cast<std::size_t>(i)];
      out.codes.push_back(Q::encode(value, factors, static_cast<std::uint64_t>(i), rounding));
      out.fakes.push_back(Q::fake(value, factors, static_cast<std::uint64_t>(i), rounding));
    }
  }
  return out;
}

template <class Q>
int compare(typename Q::rounding_type rounding) {
  int compared = 0;
  for (const shape2d shape : {shape2d{1, 1}, {3, 33}, {40, 64}, {129, 300}, {2, 5000}, {700, 130}, {1, 70'000}}) {
    const std::vector<float> x = qgrain_test::bell_values(5, static_cast<std::size_t>(shape.elements()));
    const matrix_view<const float> in{x.data(), shape};
    quantized_matrix<Q> coded = quantize<Q>(on_host{}, in, {}, rounding);
    const expected_matrix<Q> expected = element_by_element<Q>(x, coded.view(), rounding);
    for (const int threads : {1, 2, 3}) {
      thread_pool pool(threads);
      const on_host where(pool);
      coded = quantize<Q>(where, in, {}, rounding);
      BOOST_TEST_REQUIRE((coded.codes == expected.codes));
      std::fill(coded.codes.begin(), coded.codes.end(), typename Q::code_type{});
      quantize_with_scales<Q>(where, in, {coded.scales, &coded.tensor_scale}, coded.codes, rounding);
      BOOST_TEST_REQUIRE((coded.codes == expected.codes));
      std::vector<float> y(x.size());
      fake_quantize<Q>(where, in, matrix_view<float>{y.data(), shape}, {}, rounding);
      BOOST_TEST_REQUIRE((y == expected.fakes));
      ++compared;
    }
    // The index counts columns, not the leading dimension.
    const index_t stride = shape.cols + 3;
    std::vector<float> wide(static_cast<std::size_t>(shape.rows * stride), 1e30F);
    for (index_t r = 0; r < shape.rows; ++r)
      std::copy_n(x.data() + r * shape.cols, shape.cols, wide.data() + r * stride);
    const matrix_view<float> strided{wide.data(), shape, stride};
    BOOST_TEST_REQUIRE((quantize<Q>(on_host{}, strided, {}, rounding).codes == expected.codes));
    fake_quantize<Q>(on_host{}, strided, strided, {}, rounding);
    for (index_t r = 0; r < shape.rows; ++r) {
      BOOST_TEST_REQUIRE(
          std::equal(strided.row(r), strided.row(r) + shape.cols, expected.fakes.begin() + r * shape.cols));
    }
  }
  return compared;
}

constexpr group_tail padded = group_tail::zero_padding;
using per_matrix = quantizer<int4, per_tensor, absmax_f32, stochastic>;

}  // namespace

BOOST_AUTO_TEST_CASE(every_shape_stride_and_thread_count_gives_the_bits_of_the_definition) {
  int compared = compare<per_matrix>(stochastic{7});
  compared += compare<quantizer<int8, per_group<32, padded>, absmax_f32, stochastic>>(stochastic{1});
  compared += compare<quantizer<int4, per_channel<1>, absmax_f32, stochastic>>(stochastic{2});
  compared += compare<quantizer<int4, per_tile<16, 32>, absmax_f32, stochastic>>(stochastic{3});
  compared += compare<quantizer<float4_e2m1fn, per_group<32, padded>, absmax_e8m0, stochastic>>(stochastic{~0ULL});
  compared += compare<quantizer<float4_e2m1fn, per_group<16, padded>, absmax_two_level<>, stochastic>>(stochastic{5});
  compared += compare<quantizer<int8, per_channel<0>, absmax_f32, by_parity>>(by_parity{});
  BOOST_TEST_MESSAGE(compared << " of 147 cases");
  BOOST_TEST(compared == 147);
}

BOOST_AUTO_TEST_CASE(the_seed_chooses_and_without_one_it_is_zero) {
  const std::vector<float> x = qgrain_test::bell_values(6, 6400);
  const matrix_view<const float> in{x.data(), {64, 100}};
  const auto none = quantize<per_matrix>(on_host{}, in);
  BOOST_TEST((none.codes == quantize<per_matrix>(on_host{}, in, {}, stochastic{0}).codes));
  BOOST_TEST((none.codes != quantize<per_matrix>(on_host{}, in, {}, stochastic{1}).codes));
}

BOOST_AUTO_TEST_CASE(the_mean_over_elements_is_the_value) {
  // 0.3 of a step: under every rounding to nearest all elements would be 0.
  std::vector<float> x(1 << 16, 0.3F);
  x[0] = 7.0F;
  std::vector<float> y(x.size());
  fake_quantize<per_matrix>(on_host{}, {x.data(), {256, 256}}, matrix_view<float>{y.data(), {256, 256}}, {},
                            stochastic{11});
  const auto up = std::count(y.begin() + 1, y.end(), 1.0F);
  const auto down = std::count(y.begin() + 1, y.end(), 0.0F);
  BOOST_TEST(up + down == (1 << 16) - 1);
  BOOST_TEST(std::abs(static_cast<double>(up) / 65535.0 - 0.3) < 5 * std::sqrt(0.3 * 0.7 / 65535.0));
}

BOOST_AUTO_TEST_CASE(sixteen_bit_elements_have_the_same_indices) {
  const std::vector<float> x = qgrain_test::bell_values(8, 900 * 131);
  const shape2d shape{900, 131};
  std::vector<bfloat16> narrow;
  std::vector<float> wide;
  for (const float v : x) {
    narrow.push_back(from_float<bfloat16>(v));
    wide.push_back(to_float(narrow.back()));
  }
  const auto codes = quantize<per_matrix>(thread_pool(2), matrix_view(narrow.data(), shape), {}, stochastic{4});
  BOOST_TEST((codes.codes == quantize<per_matrix>(on_host{}, {wide.data(), shape}, {}, stochastic{4}).codes));
  std::vector<bfloat16> y(x.size());
  std::vector<float> wide_y(x.size());
  fake_quantize<per_matrix>(on_host{}, {narrow.data(), shape}, matrix_view<bfloat16>{y.data(), shape}, {},
                            stochastic{4});
  fake_quantize<per_matrix>(on_host{}, {wide.data(), shape}, matrix_view<float>{wide_y.data(), shape}, {},
                            stochastic{4});
  for (std::size_t i = 0; i < y.size(); ++i) BOOST_TEST_REQUIRE((y[i] == from_float<bfloat16>(wide_y[i])));
}

BOOST_AUTO_TEST_CASE(steps_in_turn_have_roundings_of_their_own) {
  using first = quantizer<int8, per_channel<0>, absmax_f32, stochastic>;
  using second = quantizer<int4, per_tensor, absmax_f32>;
  const shape2d shape{20, 70};
  const std::vector<float> x = qgrain_test::bell_values(9, 1400);
  std::vector<float> y(x.size());
  fake_quantize_in_turn<first, second, per_matrix>(on_host{}, {x.data(), shape}, matrix_view<float>{y.data(), shape},
                                                   {stochastic{1}, nearest_even{}, stochastic{2}});
  float largest = 0.0F;
  for (const float v : x) largest = std::max(largest, std::abs(v));
  const std::vector<float> range = {largest};
  std::vector<float> expected(x.size());
  const matrix_view<float> out{expected.data(), shape};
  fake_quantize<first>(on_host{}, {x.data(), shape}, out, {}, stochastic{1});
  fake_quantize<second>(on_host{}, out, out, {range, {}});
  fake_quantize<per_matrix>(on_host{}, out, out, {range, {}}, stochastic{2});
  BOOST_TEST((y == expected));
}
