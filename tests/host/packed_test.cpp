// Packed codes and laid-out scales from one pass: the bytes of quantize, then pack_codes, then to_layout.
#include <support/refusals.hpp>

#include <qgrain/format/float4.hpp>
#include <qgrain/format/float6.hpp>
#include <qgrain/format/float8.hpp>
#include <qgrain/format/integer.hpp>
#include <qgrain/granularity/per_channel.hpp>
#include <qgrain/granularity/per_group.hpp>
#include <qgrain/granularity/per_tensor.hpp>
#include <qgrain/granularity/per_tile.hpp>
#include <qgrain/host/parallel.hpp>
#include <qgrain/host/quantize.hpp>
#include <qgrain/host/quantize_packed.hpp>
#include <qgrain/layout/scale_tiles.hpp>
#include <qgrain/quantizer/recipes.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <vector>

using namespace qgrain;

namespace {

/// A matrix with gaps between its rows, NaN and infinity among its elements.
template <class T>
struct strided_input {
  std::vector<T> memory;
  shape2d shape;
  index_t stride;

  strided_input(shape2d extent, index_t gap, unsigned seed) : shape(extent), stride(extent.cols + gap) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal;
    memory.resize(static_cast<std::size_t>(extent.rows * stride));
    for (T& x : memory) x = from_float<T>(normal(random));
    if (seed % 3 == 1) memory[memory.size() / 2] = from_float<T>(std::numeric_limits<float>::quiet_NaN());
    if (seed % 3 == 2) memory[memory.size() / 3] = from_float<T>(std::numeric_limits<float>::infinity());
  }
  [[nodiscard]] matrix_view<const T> view() const { return {memory.data(), shape, stride}; }
  /// The same values, dense and wide: what the plain loops take without a detour.
  [[nodiscard]] std::vector<float> wide() const {
    std::vector<float> all;
    for (index_t r = 0; r < shape.rows; ++r) {
      for (index_t c = 0; c < shape.cols; ++c) all.push_back(to_float(view()(r, c)));
    }
    return all;
  }
};

/// Equal bits, as NaN is to equal NaN.
bool same(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](float x, float y) {
           return std::bit_cast<std::uint32_t>(x) == std::bit_cast<std::uint32_t>(y);
         });
}
bool same(const std::vector<std::uint8_t>& a, const std::vector<std::uint8_t>& b) { return a == b; }

template <class Q, class Layout, class T>
void check(shape2d shape, index_t gap, bit_order order, unsigned seed) {
  BOOST_TEST_CONTEXT(Q::format_type::name() << " " << Q::granularity_type::name() << " " << Layout::name() << ", "
                                            << shape.rows << " x " << shape.cols << " + " << gap) {
    const strided_input<T> in(shape, gap, seed);
    const std::vector<float> wide = in.wide();
    auto plain = quantize<Q>(on_host{}, matrix_view<const float>{wide.data(), shape});

    // In steps.
    constexpr int bits = Q::format_type::bits;
    std::vector<std::uint8_t> bytes(static_cast<std::size_t>(packed_bytes(shape.elements(), bits)));
    pack_codes<typename Q::code_type>(plain.codes, bits, order, bytes);
    std::vector<typename Q::stored_scale> scales(static_cast<std::size_t>(layout_size<Layout>(Q::scale_shape(shape))));
    to_layout<Layout>(matrix_view<const typename Q::stored_scale>{plain.scales.data(), Q::scale_shape(shape)},
                      std::span(scales));

    for (const int threads : {1, 3}) {
      const auto found = quantize_packed<Q, Layout>(thread_pool(threads), in.view(), {}, order);
      BOOST_TEST(found.codes == bytes);
      BOOST_TEST(same(found.scales, scales));
      BOOST_TEST(std::bit_cast<std::uint32_t>(found.tensor_scale) == std::bit_cast<std::uint32_t>(plain.tensor_scale));

      std::vector<T> wanted(wide.size());
      dequantize<Q>(on_host{}, plain.view(), matrix_view(wanted.data(), shape));
      std::vector<T> values(wide.size());
      dequantize_packed(thread_pool(threads), found.view(), matrix_view(values.data(), shape));
      for (std::size_t i = 0; i < wanted.size(); ++i) {
        if (std::bit_cast<std::uint32_t>(to_float(values[i])) != std::bit_cast<std::uint32_t>(to_float(wanted[i])))
          BOOST_TEST_REQUIRE(to_float(values[i]) == to_float(wanted[i]), "element " << i);
      }
    }
    // What stood in the memory before does not matter, padding included.
    packed_matrix<Q, Layout> used(shape, order);
    std::fill(used.codes.begin(), used.codes.end(), std::uint8_t{0xA5});
    std::fill(used.scales.begin(), used.scales.end(), typename Q::stored_scale{7});
    quantize_packed(on_host{}, in.view(), used.view());
    BOOST_TEST(used.codes == bytes);
    BOOST_TEST(same(used.scales, scales));
    // One element at a time.
    const packed_matrix<Q, Layout>& constant = used;
    for (const index_t i : {index_t{0}, shape.elements() / 2, shape.elements() - 1}) {
      const float one = constant.view()(i / shape.cols, i % shape.cols);
      const float other = plain.view()(i / shape.cols, i % shape.cols);
      BOOST_TEST(std::bit_cast<std::uint32_t>(one) == std::bit_cast<std::uint32_t>(other));
    }
  }
}

template <class Q, class Layout = row_major>
void check_all(std::initializer_list<shape2d> shapes) {
  unsigned seed = 0;
  for (const shape2d shape : shapes) {
    for (const index_t gap : {index_t{0}, index_t{5}}) {
      const bit_order order = seed % 2 == 0 ? bit_order::low_first : bit_order::high_first;
      check<Q, Layout, bfloat16>(shape, gap, order, seed++);
#ifndef QGRAIN_SANITIZED  // which is slow to compile and to run
      check<Q, Layout, float>(shape, gap, order, seed++);
      check<Q, Layout, float16>(shape, gap, order, seed++);
#endif
    }
  }
}

template <class Format>
using groups_of_32 = quantizer<Format, per_group<32>>;
using padded_odd = quantizer<int3, per_group<5>>;
using padded_long = quantizer<int5, per_group<2500>>;

}  // namespace

BOOST_AUTO_TEST_CASE(codes_of_every_width_are_packed) {
  const auto shapes = {shape2d{3, 32}, {2, 72}, {5, 4168}};
  check_all<groups_of_32<int2>>(shapes);
  check_all<groups_of_32<int3>>(shapes);
  check_all<groups_of_32<int4>>(shapes);
  check_all<groups_of_32<int5>>(shapes);
  check_all<groups_of_32<int6>>(shapes);
  check_all<groups_of_32<int7>>(shapes);
  check_all<groups_of_32<int8>>(shapes);
  check_all<groups_of_32<uint4>>(shapes);
  check_all<groups_of_32<float6_e3m2fn>>(shapes);
  check_all<groups_of_32<float8_e4m3fn>>(shapes);
}

BOOST_AUTO_TEST_CASE(groups_of_every_kind_are_packed) {
  // Groups that end within a byte, within a piece on the stack, and beyond several of them.
  check_all<padded_odd>({{3, 8}, {2, 40}, {2, 2104}});
  check_all<padded_long>({{2, 2504}, {2, 7600}});
  check_all<quantizer<int4, per_tensor>>({{1, 2}, {7, 66}, {40, 4098}});
  check_all<quantizer<int4, per_channel<0>>>({{7, 66}, {2, 4098}});
  check_all<quantizer<int3, per_channel<1>>>({{7, 72}, {70, 2104}});
  check_all<quantizer<int6, per_tile<16, 32>>>({{16, 32}, {40, 100}, {33, 4100}});
}

BOOST_AUTO_TEST_CASE(scales_are_laid_out) {
  const auto shapes = {shape2d{1, 32}, {3, 96}, {130, 160}, {9, 4192}};
  check_all<nvfp4_modelopt, scale_tiles_128x4>(shapes);
  check_all<nvfp4_modelopt, scale_tiles_8x4>(shapes);
  check_all<mxfp4_ocp, scale_tiles_128x4>(shapes);
  check_all<groups_of_32<float8_e4m3fn>, transposed>(shapes);
  check_all<quantizer<float8_e4m3fn, per_tile<128, 128>>, transposed>({{130, 400}, {7, 100}});
}

BOOST_AUTO_TEST_CASE(rows_that_end_within_a_byte_are_refused) {
  const std::vector<float> x(3 * 36, 1.0F);
  std::vector<std::uint8_t> codes(64, 5);
  std::vector<float> scales(8, 5.0F);
  const auto refuses = [&](auto call, const std::string& part) {
    qgrain_test::refuses(errc::invalid_shape, part, call);
    BOOST_TEST(codes == std::vector<std::uint8_t>(64, 5));
    BOOST_TEST(scales == std::vector<float>(8, 5.0F));
  };
  using odd = quantizer<int3, per_group<4>>;
  using even = quantizer<int4, per_group<4>>;
  const packed_view<odd> threes{codes.data(), scales.data(), nullptr, {3, 36}};
  const std::string sentence = "packing 3 bits cannot take a 3 x 36 matrix: the rule asks for 8, found 36";
  refuses([&] { quantize_packed(on_host{}, matrix_view(x.data(), {3, 36}), threes); }, sentence);
  refuses([&] { (void)quantize_packed<odd>(on_host{}, {x.data(), {3, 36}}); }, sentence);
  std::vector<float> y(x.size());
  refuses([&] { dequantize_packed(on_host{}, threes, matrix_view(y.data(), {3, 36})); }, sentence);
  refuses([&] { (void)quantize_packed<even>(on_host{}, {x.data(), {3, 35}}); }, "asks for 2, found 35");
  static_assert(check_packed<even>({3, 36}));
  static_assert(!check_packed<odd>({3, 36}) && check_packed<odd>({3, 36}).wanted() == 8);
  static_assert(check_packed<quantizer<int6, per_tensor>>({3, 35}).wanted() == 4);
  static_assert(check_packed<quantizer<int8, per_tensor>>({3, 35}));
  refuses(
      [&] {
        quantize_packed(on_host{}, matrix_view(x.data(), {2, 36}),
                        packed_view<even>{codes.data(), scales.data(), nullptr, {3, 36}});
      },
      "rows of the output: expected 2, found 3");
}
