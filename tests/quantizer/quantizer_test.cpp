// The composition: sizes, checks, foreign policies, and the element functions against slow definitions.
#include <support/inputs.hpp>
#include <support/reference_codec.hpp>

#include <qgrain/granularity/per_channel.hpp>
#include <qgrain/granularity/per_tensor.hpp>
#include <qgrain/granularity/per_tile.hpp>
#include <qgrain/host/quantize.hpp>
#include <qgrain/quantizer/describe.hpp>
#include <qgrain/quantizer/recipes.hpp>

#include <boost/test/unit_test.hpp>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string_view>
#include <type_traits>
#include <vector>

using namespace qgrain;

using int4_g128 = quantizer<int4, per_group<128>>;

// A format, a scale and a granularity written outside the library: nothing is registered anywhere.
struct ternary {
  using code_type = std::uint8_t;
  static constexpr int bits = 2;
  static constexpr float max_finite = 1.0F;
  static constexpr std::string_view name() noexcept { return "ternary"; }
  QGRAIN_HOST_DEVICE static constexpr std::uint8_t encode(float x) noexcept {
    return x > 0.5F ? std::uint8_t{1} : x < -0.5F ? std::uint8_t{2} : std::uint8_t{0};
  }
  QGRAIN_HOST_DEVICE static constexpr float decode(std::uint8_t c) noexcept {
    return c == 1 ? 1.0F : c == 2 ? -1.0F : 0.0F;
  }
};
struct fixed_scale {
  using stored_type = std::uint16_t;
  using factors_type = float;
  static constexpr int bits = 16;
  static constexpr int tensor_bits = 0;
  static constexpr std::string_view name() noexcept { return "fixed"; }
  template <class Format>
  static constexpr float tensor_scale(float) noexcept {
    return 1.0F;
  }
  template <class Format>
  static constexpr std::uint16_t stored(float absmax, float) noexcept {
    return absmax > 1.0F ? std::uint16_t{4} : std::uint16_t{1};
  }
  static constexpr float factors(std::uint16_t stored, float) noexcept { return static_cast<float>(stored); }
  static constexpr float scaled(float x, float factor) noexcept { return x / factor; }
  static constexpr float restored(float q, float factor) noexcept { return q * factor; }
};
struct pairs_of_rows {
  static constexpr std::string_view name() noexcept { return "pairs_of_rows"; }
  static constexpr shape2d group_shape(shape2d shape) noexcept { return {2, shape.cols}; }
};

static_assert(element_format<ternary> && scale_policy<fixed_scale> && granularity_policy<pairs_of_rows>);
static_assert(quantizer_type<int4_g128> && quantizer_type<mxfp4_ocp>);
static_assert(!element_format<per_group<128>> && !granularity_policy<int4>);
static_assert(std::is_trivially_copyable_v<quantized_view<int4_g128>> && std::is_empty_v<int4_g128>);

static_assert(int4_g128::bits_per_element == 4.25);
static_assert(mxfp4_ocp::bits_per_element == 4.25);
static_assert(nvfp4_modelopt::bits_per_element == 4.5);
static_assert(quantizer<int8, per_tensor>::bits_per_element == 8.0);
static_assert(quantizer<float8_e4m3fn, per_tile<128, 128>>::bits_per_element == 8.0 + 32.0 / 16384.0);
static_assert(int4_g128::check({4, 256}));
static_assert(int4_g128::check({4, 100}).code() == errc::invalid_shape && int4_g128::check({4, 100}).wanted() == 128 &&
              int4_g128::check({4, 100}).found() == 100);
static_assert(!int4_g128::check({0, 256}) && !int4_g128::check({4, 0}) &&
              !int4_g128::check({index_t{1} << 40, index_t{1} << 30}));
static_assert(mxfp4_ocp::check({1, 5}));
static_assert(!quantizer<int4, per_group<32, group_tail::reject>>::check({1, 40}));

BOOST_AUTO_TEST_CASE(sizes_count_ragged_groups) {
  BOOST_TEST(int4_g128::scale_count({3, 300}) == 9);
  BOOST_TEST(int4_g128::scale_index({3, 300}, 2, 299) == 8);
  BOOST_TEST(int4_g128::code_bytes({3, 300}) == 900);
  BOOST_TEST(int4_g128::scale_bytes({3, 300}) == 36);
  BOOST_TEST(int4_g128::stored_bits({3, 300}) == 900 * 4 + 9 * 32);
  using tiles = quantizer<int8, per_tile<16, 32>>;
  BOOST_TEST(tiles::scale_count({37, 73}) == 9);
  BOOST_TEST(tiles::scale_index({37, 73}, 36, 72) == 8);
  BOOST_TEST((quantizer<int8, per_channel<1>>::scale_count({37, 73})) == 73);
  BOOST_TEST((quantizer<int8, per_channel<0>>::scale_count({37, 73})) == 37);
  BOOST_TEST((quantizer<int8, per_tensor>::scale_count({37, 73})) == 1);
  BOOST_TEST(nvfp4_modelopt::stored_bits({2, 16}) == 32 * 4 + 2 * 8 + 32);
}

BOOST_AUTO_TEST_CASE(the_default_scale_divides) {
  const std::vector<float> x = qgrain_test::bell_values(1, 4 * 300);
  auto codes = quantize<int4_g128>(on_host{}, {x.data(), {4, 300}});
  const auto view = codes.view();
  for (index_t r = 0; r < 4; ++r) {
    for (index_t first = 0; first < 300; first += 128) {
      const index_t last = std::min<index_t>(first + 128, 300);
      float absmax = 0.0F;
      for (index_t c = first; c < last; ++c)
        absmax = std::fmax(absmax, std::fabs(x[static_cast<std::size_t>(r * 300 + c)]));
      volatile float scale = absmax / 7.0F;
      for (index_t c = first; c < last; ++c) {
        volatile float quotient = x[static_cast<std::size_t>(r * 300 + c)] / scale;
        volatile float value = std::fmin(std::fmax(std::nearbyint(quotient), -8.0F), 7.0F) * scale;
        BOOST_TEST_REQUIRE(view(r, c) == value + 0.0F);
      }
    }
  }
}

// Processors differ in the sign of a NaN that an operation makes; codes do not.
BOOST_AUTO_TEST_CASE(the_codes_of_nan_are_those_of_every_processor) {
  volatile float infinite = std::numeric_limits<float>::infinity();  // nothing is computed by the compiler
  volatile float nan = std::numeric_limits<float>::quiet_NaN();
  const auto codes = [&]<class Q>(std::type_identity<Q>, float absmax, bool has_negative_nan = true) {
    const auto factors = Q::factors(Q::scale(absmax));
    std::vector<int> all;
    for (const float x : {float{infinite}, -float{infinite}, float{nan}, 1.0F}) all.push_back(Q::encode(x, factors));
    if (has_negative_nan) all.push_back(Q::encode(-float{nan}, factors));
    return all;
  };
  using e4m3 = std::type_identity<quantizer<float8_e4m3fn, per_tensor>>;
  using e5m2 = std::type_identity<quantizer<float8_e5m2, per_tensor>>;
  using e2m3 = std::type_identity<quantizer<float6_e2m3fn, per_tensor>>;
  using by_product = std::type_identity<modelopt_fp8<per_tensor>>;
  BOOST_TEST(codes(e4m3{}, infinite) == (std::vector<int>{0xFF, 0xFF, 0x7F, 0, 0xFF}),
             boost::test_tools::per_element());
  BOOST_TEST(codes(e5m2{}, infinite) == (std::vector<int>{0xFE, 0xFE, 0x7E, 0, 0xFE}),
             boost::test_tools::per_element());
  BOOST_TEST(codes(e2m3{}, infinite) == (std::vector<int>{0, 0, 0x20, 0, 0}), boost::test_tools::per_element());
  BOOST_TEST(codes(by_product{}, infinite) == (std::vector<int>{0xFF, 0xFF, 0x7F, 0, 0xFF}),
             boost::test_tools::per_element());
  // Processors keep the sign of a NaN that is divided by another one, emulators of them do not.
  BOOST_TEST(codes(e4m3{}, nan, false) == (std::vector<int>{0x7F, 0x7F, 0x7F, 0x7F}), boost::test_tools::per_element());
  BOOST_TEST(codes(e2m3{}, nan, false) == (std::vector<int>{0x20, 0x20, 0x20, 0x20}), boost::test_tools::per_element());
  BOOST_TEST(codes(by_product{}, nan) == (std::vector<int>{0x7F, 0x7F, 0x7F, 0x7F, 0xFF}),
             boost::test_tools::per_element());
  BOOST_TEST(int{nvfp4_modelopt::scale(infinite, infinite)} == 0xFF);
  BOOST_TEST(int{nvfp4_modelopt::scale(nan, infinite)} == 0x7F);
  BOOST_TEST(int{nvfp4_modelopt::scale(nan, nan)} == 0x7F);
}

BOOST_AUTO_TEST_CASE(foreign_policies_work_like_the_librarys) {
  using foreign = quantizer<ternary, pairs_of_rows, fixed_scale>;
  BOOST_TEST(foreign::scale_count({5, 7}) == 3);
  const std::vector<float> x = {0.2F, -0.9F, 0.7F, 0.4F, 3.0F, -1.0F, 2.5F, -7.0F, 0.1F, -0.6F};
  auto codes = quantize<foreign>(on_host{}, {x.data(), {5, 2}});
  BOOST_TEST((codes.scales == std::vector<std::uint16_t>{1, 4, 1}));
  BOOST_TEST((codes.codes == std::vector<std::uint8_t>{0, 2, 1, 0, 1, 0, 1, 2, 0, 2}));
  std::vector<float> values(x.size());
  dequantize<foreign>(on_host{}, codes.view(), matrix_view<float>{values.data(), {5, 2}});
  const std::vector<float> expected = {0, -1, 1, 0, 4, 0, 4, -4, 0, -1};
  BOOST_TEST(values == expected);
  fake_quantize<foreign>(on_host{}, {x.data(), {5, 2}}, matrix_view<float>{values.data(), {5, 2}});
  BOOST_TEST(values == expected);
}

BOOST_AUTO_TEST_CASE(descriptions) {
  BOOST_TEST(describe<int4_g128>().name == "int4/group128");
  BOOST_TEST((describe<quantizer<float8_e4m3fn, per_tile<128, 128>>>().name == "float8_e4m3fn/tile128x128"));
  BOOST_TEST((describe<modelopt_integer<int8, per_token>>().name == "int8/per_token/absmax_f32_ratio"));
  BOOST_TEST((describe<quantizer<int8, per_tensor, absmax_f32, toward_zero>>().name == "int8/per_tensor/toward_zero"));
  BOOST_TEST(describe<mxfp4_ocp>().name == "mxfp4_ocp");
  BOOST_TEST(describe<mxfp4_ocp>().scale == "absmax_e8m0_floor");
  BOOST_TEST(describe<mxfp4_ocp>().bits_per_element == 4.25);
}
