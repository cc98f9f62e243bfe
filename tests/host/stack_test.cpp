// Stacks of matrices: each has the bytes of the operation on it alone.
#include <support/given_tensor_scales.hpp>
#include <support/refusals.hpp>

#include <qgrain/core/stack_view.hpp>
#include <qgrain/core/tensor_shape.hpp>
#include <qgrain/host/parallel.hpp>
#include <qgrain/host/quantize.hpp>
#include <qgrain/host/quantize_packed.hpp>
#include <qgrain/host/quantize_stack.hpp>
#include <qgrain/layout/scale_tiles.hpp>
#include <qgrain/quantizer/quantized_stack.hpp>
#include <qgrain/quantizer/quantizer.hpp>
#include <qgrain/quantizer/recipes.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <random>
#include <span>
#include <string>
#include <vector>

using namespace qgrain;
using qgrain_test::refuses;

namespace {

template <class T>
std::vector<T> noise(std::size_t count) {
  std::mt19937 random(5);
  std::normal_distribution<float> normal;
  std::vector<T> x(count);
  for (T& v : x) v = from_float<T>(normal(random));
  return x;
}

/// `stack` of any strides over `memory`, quantized at once and one by one.
template <class Q, class T>
void check(stack_view<const T> stack) {
  const auto count = static_cast<std::size_t>(stack.extent.count);
  const auto elements = static_cast<std::size_t>(stack.extent.shape.elements());
  const auto groups = static_cast<std::size_t>(Q::scale_count(stack.extent.shape));
  for (const int threads : {1, 3}) {
    std::vector<typename Q::code_type> codes(count * elements);
    std::vector<typename Q::stored_scale> scales(count * groups);
    std::vector<float> tensor_scales(count);
    const quantized_stack_view<Q> out{codes.data(), scales.data(), tensor_scales.data(), stack.extent};
    quantize(thread_pool(threads), stack, out);
    std::vector<T> values(count * elements);
    dequantize(thread_pool(threads), out, stack_view(values.data(), stack.extent));
    std::vector<T> fake(count * elements);
    fake_quantize<Q>(thread_pool(threads), stack, stack_view(fake.data(), stack.extent));
    for (std::size_t i = 0; i < count; ++i) {
      const auto at = static_cast<index_t>(i);
      const auto alone = quantize<Q>(on_host{}, stack[at]);
      BOOST_TEST(std::equal(alone.codes.begin(), alone.codes.end(), codes.data() + i * elements));
      BOOST_TEST(std::equal(alone.scales.begin(), alone.scales.end(), scales.data() + i * groups));
      BOOST_TEST(alone.tensor_scale == tensor_scales[i]);
      std::vector<T> back(elements);
      dequantize(on_host{}, alone.view(), matrix_view(back.data(), stack.extent.shape));
      BOOST_TEST(std::equal(back.begin(), back.end(), values.data() + i * elements));
      fake_quantize<Q>(on_host{}, stack[at], matrix_view(back.data(), stack.extent.shape));
      BOOST_TEST(std::equal(back.begin(), back.end(), fake.data() + i * elements));
    }
  }
}

}  // namespace

BOOST_AUTO_TEST_CASE(experts_and_heads) {
  const auto experts = noise<float>(8 * 24 * 64);
  check<quantizer<int4, per_group<32>>, float>({experts.data(), matrix_stack{8, {24, 64}}});
  check<quantizer<int8, per_tensor>, float>({experts.data(), matrix_stack{8, {24, 64}}});
  check<quantizer<int8, per_channel<1>>, float>({experts.data(), matrix_stack{2, {24, 64}}});
  check<nvfp4_modelopt, float>({experts.data(), matrix_stack{8, {24, 64}}});
  // A KV cache [tokens, heads, dim]: the heads of each token, and the tokens of each head.
  const auto cache = noise<bfloat16>(20 * 6 * 48);
  check<quantizer<float8_e4m3fn, per_token>, bfloat16>({cache.data(), matrix_stack{20, {6, 48}}});
  check<quantizer<float8_e4m3fn, per_tensor>, bfloat16>({cache.data(), matrix_stack{6, {20, 48}}, 6 * 48, 48});
  // Gaps after rows and after matrices.
  check<quantizer<float8_e4m3fn, per_token>, bfloat16>({cache.data(), matrix_stack{4, {5, 40}}, 48, 300});
}

BOOST_AUTO_TEST_CASE(packed_stacks_begin_at_whole_tiles) {
  using Q = nvfp4_modelopt;
  using view_type = packed_view<Q, scale_tiles_128x4>;
  const matrix_stack extent{3, {20, 96}};
  const auto x = noise<float>(3 * 20 * 96);
  std::vector<std::uint8_t> codes(static_cast<std::size_t>(3 * view_type::code_bytes(extent.shape)));
  std::vector<std::uint8_t> scales(static_cast<std::size_t>(3 * view_type::scale_count(extent.shape)), 9);
  std::vector<float> tensor_scales(3);
  const packed_stack_view<Q, scale_tiles_128x4> out{codes.data(), scales.data(), tensor_scales.data(), extent};
  quantize_packed(thread_pool(2), stack_view(x.data(), extent), out);
  std::vector<float> values(x.size());
  dequantize_packed(thread_pool(2), out, stack_view(values.data(), extent));
  for (std::size_t i = 0; i < 3; ++i) {
    const auto alone =
        quantize_packed<Q, scale_tiles_128x4>(on_host{}, stack_view(x.data(), extent)[static_cast<index_t>(i)]);
    BOOST_TEST(std::equal(alone.codes.begin(), alone.codes.end(), codes.data() + i * alone.codes.size()));
    BOOST_TEST(std::equal(alone.scales.begin(), alone.scales.end(), scales.data() + i * alone.scales.size()));
    BOOST_TEST(alone.tensor_scale == tensor_scales[i]);
    std::vector<float> back(20 * 96);
    dequantize_packed(on_host{}, alone.view(), matrix_view(back.data(), extent.shape));
    BOOST_TEST(std::equal(back.begin(), back.end(), values.data() + i * back.size()));
  }
}

BOOST_AUTO_TEST_CASE(given_ranges_are_those_of_all_matrices) {
  using Q = quantizer<int8, per_channel<0>>;
  const matrix_stack extent{3, {4, 16}};
  const auto x = noise<float>(3 * 4 * 16);
  std::vector<float> ranges(12);
  for (std::size_t i = 0; i < ranges.size(); ++i) ranges[i] = 0.5F + 0.25F * static_cast<float>(i);
  std::vector<std::int8_t> codes(x.size());
  std::vector<float> scales(12);
  const quantized_stack_view<Q> out{codes.data(), scales.data(), nullptr, extent};
  quantize(on_host{}, stack_view(x.data(), extent), out, {.absmax = ranges});
  for (std::size_t i = 0; i < 3; ++i) {
    const auto alone = quantize<Q>(on_host{}, stack_view(x.data(), extent)[static_cast<index_t>(i)],
                                   {.absmax = std::span(ranges).subspan(4 * i, 4)});
    BOOST_TEST(std::equal(alone.codes.begin(), alone.codes.end(), codes.data() + 64 * i));
    BOOST_TEST(std::equal(alone.scales.begin(), alone.scales.end(), scales.data() + 4 * i));
  }
  // The last range is looked at before the first matrix is written.
  std::fill(codes.begin(), codes.end(), std::int8_t{5});
  ranges.back() = -1.0F;
  refuses(errc::out_of_range, "is -1.0",
          [&] { quantize(on_host{}, stack_view(x.data(), extent), out, {.absmax = ranges}); });
  ranges.pop_back();
  refuses(errc::invalid_shape, "expected 12, found 11",
          [&] { quantize(on_host{}, stack_view(x.data(), extent), out, {.absmax = ranges}); });
  BOOST_TEST(codes == std::vector<std::int8_t>(x.size(), 5));
}

BOOST_AUTO_TEST_CASE(given_tensor_scales_are_one_per_matrix) {
  qgrain_test::given_tensor_scales stack;
  using Q = qgrain_test::given_tensor_scales::quantizer;
  for (const int threads : {1, 3}) {
    thread_pool pool(threads);
    quantize(pool, stack.in(), stack.out(), {.tensor_scales = stack.given});
    quantize_packed(pool, stack.in(), stack.packed_out(), {.tensor_scales = stack.given});
    fake_quantize<Q>(pool, stack.in(), stack.fake_out(), {.tensor_scales = stack.given});
    stack.check_each_matrix();
  }
  std::fill(stack.codes.begin(), stack.codes.end(), std::uint8_t{99});
  const auto call = [&](const given_ranges& ranges) {
    return [&] { quantize(on_host{}, stack.in(), stack.out(), ranges); };
  };
  const std::span<const float> all = stack.given;
  refuses(errc::invalid_shape, "given tensor scales, one per matrix: expected 3, found 2",
          call({.tensor_scales = all.first(2)}));
  refuses(errc::invalid_argument, "1 tensor scale for all matrices and 3",
          call({.tensor_scale = 1.0F, .tensor_scales = all}));
  refuses(errc::invalid_argument, "give one of them", call({.tensor_absmax = 1.0F, .tensor_scales = all}));
  stack.given[2] = -1.0F;
  refuses(errc::out_of_range, "given tensor scale 2 is -1.0", call({.tensor_scales = all}));
  refuses(errc::invalid_argument, "tensor scales of 3 matrices are given for 1 that is no stack",
          [&] { (void)quantize<Q>(on_host{}, stack.in()[0], {.tensor_scales = all}); });
  refuses(errc::invalid_argument, "has one level", [&] {
    std::vector<float> of_tokens(12);
    std::vector<std::int8_t> bytes(stack.x.size());
    const quantized_stack_view<quantizer<int8, per_token>> one_level{bytes.data(), of_tokens.data(), nullptr,
                                                                     stack.extent};
    quantize(on_host{}, stack.in(), one_level, {.tensor_scales = stack.tensor_scales});
  });
  BOOST_TEST(stack.codes == std::vector<std::uint8_t>(stack.x.size(), 99));
}

BOOST_AUTO_TEST_CASE(stacks_that_do_not_fit_are_refused) {
  using Q = quantizer<int8, per_token>;
  const std::vector<float> x(64, 1.0F);
  std::vector<std::int8_t> codes(64, 5);
  std::vector<float> scales(8);
  const auto call = [&](stack_view<const float> in, matrix_stack out) {
    quantize(on_host{}, in, quantized_stack_view<Q>{codes.data(), scales.data(), nullptr, out});
  };
  const matrix_stack extent{2, {4, 8}};
  refuses(errc::invalid_shape, "matrices of the output: expected 2, found 3", [&] {
    call({x.data(), extent}, {3, {4, 8}});
  });
  refuses(errc::invalid_shape, "rows of the output: expected 4, found 2", [&] {
    call({x.data(), extent}, {2, {2, 8}});
  });
  refuses(errc::invalid_shape, "has -1 matrices", [&] { call({x.data(), matrix_stack{-1, {4, 8}}}, {-1, {4, 8}}); });
  refuses(errc::invalid_argument, "the input stack has no memory", [&] { call({nullptr, extent}, extent); });
  refuses(errc::invalid_shape, "cannot be -32 elements apart", [&] { call({x.data(), extent, 8, -32}, extent); });
  refuses(errc::invalid_shape, "cannot be 4611686018427387904 elements apart", [&] {
    call({x.data(), extent, 8, index_t{1} << 62}, extent);
  });
  refuses(errc::buffer_too_small, "needs 8, has 7", [&] { call({x.data(), extent, 7, 32}, extent); });
  BOOST_TEST(codes == std::vector<std::int8_t>(64, 5));
  call({x.data(), matrix_stack{0, {4, 8}}}, {0, {4, 8}});  // nothing to do
  BOOST_TEST(codes == std::vector<std::int8_t>(64, 5));
}
