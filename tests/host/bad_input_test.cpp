// Input that the bulk operations refuse, and input at the edge that they take: each entry point says which numbers
// disagree and writes nothing before it has looked.
#include <support/inputs.hpp>
#include <support/refusals.hpp>

#include <qgrain/granularity/per_channel.hpp>
#include <qgrain/granularity/per_tensor.hpp>
#include <qgrain/granularity/per_tile.hpp>
#include <qgrain/host/measure.hpp>
#include <qgrain/host/parallel.hpp>
#include <qgrain/host/quantize.hpp>
#include <qgrain/host/sequential.hpp>
#include <qgrain/quantizer/recipes.hpp>
#include <qgrain/scale/affine.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

using namespace qgrain;
using qgrain_test::refuses;

namespace {

using grouped = quantizer<int8, per_group<32>>;
using rejecting = quantizer<int8, per_group<32, group_tail::reject>>;
using padded = quantizer<int8, per_group<32, group_tail::zero_padding>>;
using whole = quantizer<int8, per_tensor>;
using two_level = nvfp4_modelopt;

constexpr bool refused(status verdict, std::int64_t wanted, std::int64_t found) {
  return verdict.code() == errc::invalid_shape && verdict.wanted() == wanted && verdict.found() == found;
}
constexpr index_t largest = std::numeric_limits<index_t>::max();

// `check` is for callers without exceptions, at compile time too.
static_assert(noexcept(grouped::check({1, 1})));
static_assert(grouped::check({1, 32}) && grouped::check({1, 33}) && whole::check({1, 1}) && padded::check({1, 1}));
static_assert(refused(grouped::check({0, 64}), 1, 0));
static_assert(refused(grouped::check({64, 0}), 1, 0));
static_assert(refused(grouped::check({-3, 64}), 1, -3));
static_assert(refused(grouped::check({64, -1}), 1, -1));
static_assert(refused(grouped::check({4, 31}), 32, 31));
static_assert(refused(rejecting::check({4, 33}), 32, 33));
static_assert(refused(whole::check({index_t{1} << 40, index_t{1} << 40}), (1 << 17) - 1, index_t{1} << 40));
static_assert(refused(whole::check({3, largest}), ((index_t{1} << 57) - 1) / 3, largest));
static_assert(refused(whole::check({largest, largest}), 0, largest));
static_assert(whole::check({1, (index_t{1} << 57) - 1}));

/// Outputs that are full of a pattern, to see that it stays.
template <class Q>
struct outputs {
  std::vector<typename Q::code_type> codes;
  std::vector<typename Q::stored_scale> scales;
  std::vector<float> values;
  std::vector<error_sums> sums;
  float tensor_scale = 5.0F;
  shape2d shape;

  explicit outputs(shape2d extent, std::size_t memory = 256)
      : codes(memory, typename Q::code_type{5}),
        scales(memory, typename Q::stored_scale{5}),
        values(memory, 5.0F),
        sums(memory),
        shape(extent) {
    for (error_sums& s : sums) s.elements = 5;
  }
  quantized_view<Q> coded() { return {codes.data(), scales.data(), &tensor_scale, shape}; }
  matrix_view<float> matrix() { return {values.data(), shape}; }
  [[nodiscard]] bool untouched() const {
    return std::all_of(codes.begin(), codes.end(), [](auto code) { return code == 5; }) &&
           std::all_of(scales.begin(), scales.end(), [](auto scale) { return scale == 5; }) &&
           std::all_of(values.begin(), values.end(), [](float value) { return value == 5.0F; }) &&
           std::all_of(sums.begin(), sums.end(), [](const error_sums& s) { return s.elements == 5; }) &&
           tensor_scale == 5.0F;
  }
};

/// Every entry point that takes a matrix, on an input that all refuse for the same reason.
template <class Q>
void all_refuse(errc code, std::string_view part, matrix_view<const float> in, shape2d out_shape,
                const given_ranges& given = {}) {
  outputs<Q> out(out_shape);
  const on_host where{};
  refuses(code, part, [&] { quantize<Q>(where, in, out.coded(), given); });
  refuses(code, part, [&] { fake_quantize<Q>(where, in, out.matrix(), given); });
  refuses(code, part, [&] { quantize_and_measure<Q>(where, in, out.coded(), given); });
  refuses(code, part, [&] { quantize_and_measure<Q>(where, in, out.coded(), std::span(out.sums), given); });
  if (in.shape == out_shape) refuses(code, part, [&] { (void)quantize<Q>(where, in, given); });
  if (given.absmax.empty() && !given.tensor_absmax) {  // these take none
    if (in.shape == out_shape) {
      refuses(code, part, [&] {
        quantize_with_scales<Q>(where, in, {out.scales, &out.tensor_scale}, std::span(out.codes));
      });
    }
    if constexpr (Q::scale_type::tensor_bits == 0) {
      if (in.shape == out_shape) refuses(code, part, [&] { fake_quantize_in_turn<Q>(where, in, out.matrix()); });
    }
  }
  BOOST_TEST(out.untouched());
}

}  // namespace

BOOST_AUTO_TEST_CASE(shapes_that_no_operation_takes) {
  const std::vector<float> x(256, 1.0F);
  const auto with = [&](shape2d shape) { return matrix_view<const float>{x.data(), shape}; };
  all_refuse<grouped>(errc::invalid_shape, "asks for 1, found 0", with({0, 64}), {0, 64});
  all_refuse<whole>(errc::invalid_shape, "asks for 1, found 0", with({64, 0}), {64, 0});
  all_refuse<whole>(errc::invalid_shape, "asks for 1, found -2", with({-2, -2}), {-2, -2});
  all_refuse<grouped>(errc::invalid_shape, "asks for 32, found 16", with({4, 16}), {4, 16});
  all_refuse<rejecting>(errc::invalid_shape, "asks for 32, found 48", with({4, 48}), {4, 48});
  const shape2d huge{index_t{1} << 40, index_t{1} << 40};
  all_refuse<whole>(errc::invalid_shape, "asks for 131071, found 1099511627776", with(huge), huge);
  all_refuse<two_level>(errc::invalid_shape, "found 0", with({1, 0}), {1, 0});
}

BOOST_AUTO_TEST_CASE(matrices_without_memory_and_strides_that_do_not_fit) {
  const std::vector<float> x(256, 1.0F);
  all_refuse<grouped>(errc::invalid_argument, "the input matrix has no memory", {nullptr, {2, 32}}, {2, 32});
  all_refuse<grouped>(errc::buffer_too_small, "needs 32, has 8", {x.data(), {2, 32}, 8}, {2, 32});
  all_refuse<grouped>(errc::buffer_too_small, "needs 32, has -32", {x.data(), {2, 32}, -32}, {2, 32});
  all_refuse<grouped>(errc::invalid_shape, "found 4611686018427387904", {x.data(), {2, 32}, index_t{1} << 62}, {2, 32});

  outputs<grouped> out({2, 32});
  const matrix_view<const float> in{x.data(), {2, 32}};
  for (const matrix_view<float>& bad :
       {matrix_view<float>{out.values.data(), {2, 32}, 31}, matrix_view<float>{out.values.data(), {2, 32}, 0}}) {
    refuses(errc::buffer_too_small, "the output matrix: needs 32, has",
            [&] { fake_quantize<grouped>(on_host{}, in, bad); });
    refuses(errc::buffer_too_small, "the output matrix: needs 32, has",
            [&] { dequantize<grouped>(on_host{}, out.coded(), bad); });
  }
  const matrix_view<float> none{nullptr, {2, 32}};
  refuses(errc::invalid_argument, "the output matrix has no memory",
          [&] { fake_quantize<grouped>(on_host{}, in, none); });
  refuses(errc::invalid_argument, "the output matrix has no memory",
          [&] { dequantize<grouped>(on_host{}, out.coded(), none); });
  BOOST_TEST(out.untouched());
}

BOOST_AUTO_TEST_CASE(outputs_of_another_shape) {
  const std::vector<float> x(256, 1.0F);
  all_refuse<grouped>(errc::invalid_shape, "rows of the output: expected 2, found 1", {x.data(), {2, 32}}, {1, 32});
  all_refuse<grouped>(errc::invalid_shape, "columns of the output: expected 64, found 32", {x.data(), {2, 64}},
                      {2, 32});
  outputs<grouped> out({2, 32});
  refuses(errc::invalid_shape, "expected 2, found 3", [&] {
    dequantize<grouped>(on_host{}, out.coded(), matrix_view<float>{out.values.data(), {3, 32}});
  });
  BOOST_TEST(out.untouched());
}

BOOST_AUTO_TEST_CASE(given_ranges_of_the_wrong_count_or_kind) {
  const std::vector<float> x(256, 1.0F);
  const std::vector<float> three(3, 1.0F);
  all_refuse<grouped>(errc::invalid_shape, "expected 2, found 3", {x.data(), {2, 32}}, {2, 32}, {three, {}});
  all_refuse<quantizer<int8, per_channel<1>>>(errc::invalid_shape, "expected 4, found 3", {x.data(), {2, 4}}, {2, 4},
                                              {three, {}});
}

BOOST_AUTO_TEST_CASE(given_ranges_that_are_none) {
  const std::vector<float> x(256, 1.0F);
  const float infinity = std::numeric_limits<float>::infinity();
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const auto refuse_second = [&](errc code, const std::string& part, float value) {
    const std::vector<float> two = {1.0F, value};
    all_refuse<grouped>(code, part, {x.data(), {2, 32}}, {2, 32}, {two, {}});
  };
  refuse_second(errc::out_of_range, "given range 1 is -1.0", -1.0F);
  refuse_second(errc::non_finite, "given range 1 is inf", infinity);
  refuse_second(errc::non_finite, "given range 1 is nan", nan);
  all_refuse<two_level>(errc::non_finite, "the range given for the tensor is nan", {x.data(), {2, 32}}, {2, 32},
                        {{}, nan});
  all_refuse<two_level>(errc::out_of_range, "the range given for the tensor is -2.0", {x.data(), {2, 32}}, {2, 32},
                        {{}, -2.0F});
  // Zero is the range of zeros.
  const std::vector<float> zeros(2, 0.0F);
  outputs<grouped> out({2, 32});
  quantize<grouped>(on_host{}, matrix_view<const float>{x.data(), {2, 32}}, out.coded(), {zeros, {}});
  BOOST_TEST(!out.untouched());
}

BOOST_AUTO_TEST_CASE(codes_and_scales_without_memory) {
  std::vector<float> x(32, 1.0F);
  const matrix_view<const float> in{x.data(), {1, 32}};
  outputs<two_level> out({1, 32});
  quantized_view<two_level> no_codes = out.coded();
  no_codes.codes = nullptr;
  quantized_view<two_level> no_scales = out.coded();
  no_scales.scales = nullptr;
  quantized_view<two_level> no_tensor_scale = out.coded();
  no_tensor_scale.tensor_scale = nullptr;
  for (const quantized_view<two_level>& bad : {no_codes, no_scales, no_tensor_scale}) {
    const auto each = [&](auto call) { refuses(errc::invalid_argument, "no memory for codes, scales or", call); };
    each([&] { quantize<two_level>(on_host{}, in, bad); });
    each([&] { quantize_and_measure<two_level>(on_host{}, in, bad); });
    each([&] { dequantize<two_level>(on_host{}, bad, out.matrix()); });
  }
  BOOST_TEST(out.untouched());
  // One level has no tensor scale, so none is asked for.
  outputs<grouped> one({1, 32});
  quantized_view<grouped> coded = one.coded();
  coded.tensor_scale = nullptr;
  quantize<grouped>(on_host{}, in, coded);
  dequantize<grouped>(on_host{}, coded, one.matrix());
  BOOST_TEST(one.values[0] == 1.0F);
}

BOOST_AUTO_TEST_CASE(buffers_that_are_too_small) {
  std::vector<std::int8_t> codes(64);
  std::vector<float> scales(2);
  const shape2d shape{2, 32};
  const quantized_view<grouped> view = view_of<grouped>(shape, codes, scales);
  BOOST_TEST(view.codes == codes.data());
  BOOST_TEST(view.scales == scales.data());
  BOOST_TEST((view.shape == shape));
  const std::span<std::int8_t> few_codes = std::span(codes).first(63);
  const std::span<float> few_scales = std::span(scales).first(1);
  refuses(errc::buffer_too_small, "codes: needs 64, has 63", [&] { (void)view_of<grouped>(shape, few_codes, scales); });
  refuses(errc::buffer_too_small, "scales: needs 2, has 1", [&] { (void)view_of<grouped>(shape, codes, few_scales); });
  refuses(errc::buffer_too_small, "codes: needs 64, has 0", [&] { (void)view_of<grouped>(shape, {}, {}); });
  refuses(errc::invalid_shape, "needs 32, has 16", [&] { (void)view_of<grouped>({4, 16}, codes, scales); });

  std::vector<std::uint8_t> small_codes(64);
  std::vector<std::uint8_t> small_scales(4);
  refuses(errc::invalid_argument, "tensor scale", [&] { (void)view_of<two_level>(shape, small_codes, small_scales); });
  float tensor_scale = 0.0F;
  BOOST_TEST(view_of<two_level>(shape, small_codes, small_scales, &tensor_scale).tensor_scale == &tensor_scale);
}

BOOST_AUTO_TEST_CASE(one_element_is_a_matrix) {
  const float x = -3.0F;
  const auto one = [&]<class Q>(std::type_identity<Q>) {
    auto coded = quantize<Q>(thread_pool(3), matrix_view<const float>{&x, {1, 1}});
    float y = 0.0F;
    dequantize<Q>(on_host{}, coded.view(), matrix_view<float>{&y, {1, 1}});
    BOOST_TEST(y == x);
  };
  one(std::type_identity<whole>{});
  one(std::type_identity<padded>{});
  one(std::type_identity<quantizer<int8, per_channel<0>>>{});
  one(std::type_identity<quantizer<int8, per_channel<1>>>{});
  one(std::type_identity<quantizer<int8, per_tile<128, 128>>>{});
}

BOOST_AUTO_TEST_CASE(alignment_of_the_element_type_is_enough) {
  const shape2d shape{5, 67};
  const std::vector<float> x = qgrain_test::bell_values(4, 335);
  const auto expected = quantize<padded>(on_host{}, matrix_view<const float>{x.data(), shape});
  std::vector<float> expected_values(x.size());
  fake_quantize<padded>(on_host{}, {x.data(), shape}, matrix_view<float>{expected_values.data(), shape});
  for (std::size_t offset = 0; offset < 16; ++offset) {  // floats into a vector register of 64 bytes
    std::vector<float> in(x.size() + 16);
    std::vector<float> values(x.size() + 16, 5.0F);
    std::vector<std::int8_t> codes(x.size() + 16, 5);
    std::vector<float> scales(expected.scales.size() + 16, 5.0F);
    std::copy(x.begin(), x.end(), in.begin() + static_cast<std::ptrdiff_t>(offset));
    const matrix_view<const float> shifted{in.data() + offset, shape};
    quantize<padded>(on_host{}, shifted,
                     quantized_view<padded>{codes.data() + offset, scales.data() + offset, nullptr, shape});
    fake_quantize<padded>(on_host{}, shifted, matrix_view<float>{values.data() + offset, shape});
    const auto first = static_cast<std::ptrdiff_t>(offset);
    BOOST_TEST(std::equal(expected.codes.begin(), expected.codes.end(), codes.begin() + first));
    BOOST_TEST(std::equal(expected.scales.begin(), expected.scales.end(), scales.begin() + first));
    BOOST_TEST(std::equal(expected_values.begin(), expected_values.end(), values.begin() + first));
    // Neither side of the output is touched.
    for (std::size_t i = 0; i < codes.size(); ++i) {
      if (i < offset || i >= offset + x.size()) BOOST_TEST_REQUIRE((codes[i] == 5 && values[i] == 5.0F));
    }
  }
}
