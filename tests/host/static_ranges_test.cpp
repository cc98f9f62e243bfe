// Static quantization on the host: ranges with one or two ends, tensor scales and scales that are given.
#include <support/refusals.hpp>

#include <qgrain/format/integer.hpp>
#include <qgrain/granularity/per_channel.hpp>
#include <qgrain/granularity/per_group.hpp>
#include <qgrain/granularity/per_tensor.hpp>
#include <qgrain/host/choose_ranges.hpp>
#include <qgrain/host/parallel.hpp>
#include <qgrain/host/quantize.hpp>
#include <qgrain/host/quantize_packed.hpp>
#include <qgrain/quantizer/packed_view.hpp>
#include <qgrain/quantizer/packing.hpp>
#include <qgrain/quantizer/quantizer.hpp>
#include <qgrain/quantizer/recipes.hpp>
#include <qgrain/scale/affine.hpp>
#include <qgrain/scale/signed_max.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <span>
#include <string>
#include <vector>

using namespace qgrain;
using qgrain_test::refuses;

namespace {

using asymmetric = quantizer<uint8, per_channel<0>, minmax_f32>;
using grouped = quantizer<int4, per_group<32>>;
using two_level = nvfp4_modelopt;

constexpr shape2d shape{4, 96};

std::vector<float> noise() {
  std::mt19937 random(11);
  std::normal_distribution<float> normal(0.3F);
  std::vector<float> x(static_cast<std::size_t>(shape.elements()));
  for (float& v : x) v = normal(random);
  return x;
}

}  // namespace

BOOST_AUTO_TEST_CASE(asymmetric_codes_from_minimum_and_maximum) {
  const std::vector<float> x = noise();
  const std::array<std::array<float, 2>, 4> limits{{{-1.0F, 2.0F}, {-0.5F, 4.0F}, {0.25F, 3.0F}, {-2.0F, -1.0F}}};
  std::vector<signed_range> ends;
  for (const auto& [least, largest] : limits) ends.push_back(range_between(least, largest));
  const auto found = quantize<asymmetric>(on_host{}, {x.data(), shape}, {.ends = ends});
  for (std::size_t r = 0; r < 4; ++r) {
    // By the definition, in float32 with one rounding each.
    const float least = std::min(limits[r][0], 0.0F);
    const float largest = std::max(limits[r][1], 0.0F);
    const float scale = (largest - least) / 255.0F;
    const float zero_point = std::nearbyint(std::clamp(0.0F - least / scale, 0.0F, 255.0F));
    BOOST_TEST(found.scales[r].scale == scale);
    BOOST_TEST(static_cast<float>(found.scales[r].zero_point) == zero_point);
    for (std::size_t c = 0; c < 96; ++c) {
      const float code = std::clamp(std::nearbyint(x[r * 96 + c] / scale) + zero_point, 0.0F, 255.0F);
      BOOST_TEST(static_cast<float>(found.codes[r * 96 + c]) == code);
    }
  }
  // Values from the same ranges.
  std::vector<float> fake(x.size());
  fake_quantize<asymmetric>(on_host{}, {x.data(), shape}, matrix_view(fake.data(), shape), {.ends = ends});
  std::vector<float> decoded(x.size());
  dequantize<asymmetric>(on_host{}, found.view(), matrix_view(decoded.data(), shape));
  BOOST_TEST(fake == decoded);
}

BOOST_AUTO_TEST_CASE(ranges_of_the_data_given_back_change_nothing) {
  const std::vector<float> x = noise();
  const std::vector<signed_range> ends =
      choose_ranges<asymmetric>(on_host{}, matrix_view(x.data(), shape), data_range{});
  const auto dynamic = quantize<asymmetric>(on_host{}, {x.data(), shape});
  const auto given = quantize<asymmetric>(on_host{}, {x.data(), shape}, {.ends = ends});
  BOOST_TEST(given.codes == dynamic.codes);
  BOOST_TEST((given.scales == dynamic.scales));
  const auto packed = quantize_packed<asymmetric>(on_host{}, {x.data(), shape}, {.ends = ends});
  BOOST_TEST(packed.codes == dynamic.codes);
}

BOOST_AUTO_TEST_CASE(both_ends_hold_zero) {
  const auto equal = [](signed_range range, float below, float above) {
    return range.below == below && range.above == above;
  };
  BOOST_TEST(equal(range_between(-1.0F, 2.0F), 1.0F, 2.0F));
  BOOST_TEST(equal(range_between(1.0F, 2.0F), 0.0F, 2.0F));
  BOOST_TEST(equal(range_between(-3.0F, -2.0F), 3.0F, 0.0F));
  BOOST_TEST(equal(range_between(0.0F, 0.0F), 0.0F, 0.0F));
  const float nan = std::numeric_limits<float>::quiet_NaN();
  BOOST_TEST(is_nan(range_between(nan, 1.0F)));
  BOOST_TEST(is_nan(range_between(-1.0F, nan)));
}

BOOST_AUTO_TEST_CASE(a_tensor_scale_survives_to_the_bit) {
  const std::vector<float> x = noise();
  // 0.0123 is none that any largest magnitude gives: absmax = 448 * 6 * s and back rounds to another.
  for (const float scale : {0.0123F, 0.0122999996F, 1.0F / 3.0F, 1e-5F, 3.0F}) {
    const auto found = quantize<two_level>(on_host{}, {x.data(), shape}, {.tensor_scale = scale});
    BOOST_TEST(std::bit_cast<std::uint32_t>(found.tensor_scale) == std::bit_cast<std::uint32_t>(scale));
    // Groups see that scale: element by element from the definitions.
    for (std::size_t g = 0; g < found.scales.size(); ++g) {
      const auto first = x.begin() + static_cast<std::ptrdiff_t>(16 * g);
      float absmax = 0.0F;
      for (auto v = first; v != first + 16; ++v) absmax = std::max(absmax, std::fabs(*v));
      BOOST_TEST(found.scales[g] == two_level::scale(absmax, scale));
      const auto factors = two_level::factors(found.scales[g], scale);
      for (std::size_t i = 0; i < 16; ++i)
        BOOST_TEST(found.codes[16 * g + i] == two_level::encode(x[16 * g + i], factors));
    }
    std::vector<float> fake(x.size());
    fake_quantize<two_level>(on_host{}, {x.data(), shape}, matrix_view(fake.data(), shape), {.tensor_scale = scale});
    std::vector<float> decoded(x.size());
    dequantize<two_level>(on_host{}, found.view(), matrix_view(decoded.data(), shape));
    BOOST_TEST(fake == decoded);
  }
}

BOOST_AUTO_TEST_CASE(given_scales_give_the_codes_of_their_own_quantization) {
  const std::vector<float> x = noise();
  std::vector<bfloat16> half;
  for (const float v : x) half.push_back(from_float<bfloat16>(v));
  const auto check = [&]<class Q>(const quantized_matrix<Q>& wanted) {
    std::vector<typename Q::code_type> codes(x.size());
    quantize_with_scales<Q>(thread_pool(2), matrix_view(half.data(), shape), {wanted.scales, &wanted.tensor_scale},
                            codes);
    BOOST_TEST(codes == wanted.codes);
    for (const bit_order order : {bit_order::low_first, bit_order::high_first}) {
      std::vector<std::uint8_t> bytes(static_cast<std::size_t>(packed_view<Q>::code_bytes(shape)));
      std::vector<std::uint8_t> found(bytes.size());
      pack_codes(wanted.codes.data(), shape.elements(), Q::format_type::bits, order, bytes.data());
      const given_scales<Q> given{wanted.scales, &wanted.tensor_scale};
      quantize_packed_with_scales<Q>(thread_pool(2), matrix_view(half.data(), shape), given, found, order);
      BOOST_TEST(found == bytes);
      found.assign(found.size(), 0);
      BOOST_TEST(static_cast<bool>(
          try_quantize_packed_with_scales<Q>(on_host{}, matrix_view(half.data(), shape), given, found, order)));
      BOOST_TEST(found == bytes);
    }
  };
  check(quantize<grouped>(on_host{}, matrix_view(half.data(), shape)));
  check(quantize<two_level>(on_host{}, matrix_view(half.data(), shape)));
  check(quantize<asymmetric>(on_host{}, matrix_view(half.data(), shape)));
  check(quantize<quantizer<int8, per_tensor>>(on_host{}, matrix_view(half.data(), shape)));
}

BOOST_AUTO_TEST_CASE(given_numbers_are_looked_at) {
  const std::vector<float> x = noise();
  const matrix_view in(x.data(), shape);
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float infinity = std::numeric_limits<float>::infinity();

  std::vector<signed_range> ends(4, {1.0F, 1.0F});
  refuses(errc::invalid_argument, "is not made of both ends of ranges, of which 4 are given: give absmax",
          [&] { (void)quantize<grouped>(on_host{}, in, {.ends = ends}); });
  refuses(errc::invalid_argument, "is not made of largest magnitudes, of which 1 are given: give ends", [&] {
    (void)quantize<asymmetric>(on_host{}, in, {.absmax = {x.data(), 1}});
  });
  refuses(errc::invalid_shape, "expected 4, found 3",
          [&] { (void)quantize<asymmetric>(on_host{}, in, {.ends = std::span(ends).first(3)}); });
  ends[2].below = -1.0F;
  refuses(errc::out_of_range, "the lower end of given range 2 is -1.0",
          [&] { (void)quantize<asymmetric>(on_host{}, in, {.ends = ends}); });
  ends[2] = {1.0F, infinity};
  refuses(errc::non_finite, "the upper end of given range 2 is inf",
          [&] { (void)quantize<asymmetric>(on_host{}, in, {.ends = ends}); });

  refuses(errc::non_finite, "the scale given for the tensor is nan",
          [&] { (void)quantize<two_level>(on_host{}, in, {.tensor_scale = nan}); });
  refuses(errc::out_of_range, "the scale given for the tensor is -0.5",
          [&] { (void)quantize<two_level>(on_host{}, in, {.tensor_scale = -0.5F}); });
  refuses(errc::invalid_argument, "are both given",
          [&] { (void)quantize<two_level>(on_host{}, in, {.tensor_absmax = 1.0F, .tensor_scale = 0.5F}); });
  refuses(errc::invalid_argument, "has one level: there is no tensor scale to be 0.5",
          [&] { (void)quantize<grouped>(on_host{}, in, {.tensor_scale = 0.5F}); });
  refuses(errc::invalid_argument, "has one level: there is no tensor range to be 2",
          [&] { (void)quantize<grouped>(on_host{}, in, {.tensor_absmax = 2.0F}); });
}

BOOST_AUTO_TEST_CASE(given_scales_are_looked_at) {
  const std::vector<float> x = noise();
  const matrix_view in(x.data(), shape);
  std::vector<std::int8_t> codes(x.size(), 5);
  std::vector<float> scales(12, 0.5F);
  const auto grouped_refuses = [&](errc code, const std::string& part) {
    refuses(code, part, [&] { quantize_with_scales<grouped>(on_host{}, in, {scales}, codes); });
    BOOST_TEST(std::all_of(codes.begin(), codes.end(), [](std::int8_t c) { return c == 5; }));
  };
  scales[7] = std::numeric_limits<float>::quiet_NaN();
  grouped_refuses(errc::non_finite, "given scale 7 is nan");
  scales[7] = -0.25F;
  grouped_refuses(errc::out_of_range, "given scale 7 is -0.25");
  scales[7] = 0.25F;
  scales.push_back(1.0F);
  grouped_refuses(errc::invalid_shape, "expected 12, found 13");
  scales.pop_back();
  codes.pop_back();
  grouped_refuses(errc::buffer_too_small, "memory for codes: needs 384, has 383");
  std::vector<std::uint8_t> packed(191, 7);
  const auto packed_refuses = [&](errc code, const std::string& part) {
    refuses(code, part, [&] { quantize_packed_with_scales<grouped>(on_host{}, in, {scales}, packed); });
    BOOST_TEST(std::all_of(packed.begin(), packed.end(), [](std::uint8_t c) { return c == 7; }));
    BOOST_TEST((try_quantize_packed_with_scales<grouped>(on_host{}, in, {scales}, packed).code() == code));
  };
  packed_refuses(errc::buffer_too_small, "bytes for packed codes: needs 192, has 191");
  packed.push_back(7);
  scales[3] = -1.0F;
  packed_refuses(errc::out_of_range, "given scale 3 is -1");
  scales[3] = 0.5F;

  std::vector<affine_scale<float, std::int32_t>> affine(4, {0.5F, 128});
  std::vector<std::uint8_t> bytes(x.size());
  quantize_with_scales<asymmetric>(on_host{}, in, {affine}, bytes);
  BOOST_TEST(bytes[0] == static_cast<std::uint8_t>(std::nearbyint(x[0] / 0.5F) + 128));
  affine[1].zero_point = 256;
  refuses(errc::out_of_range, "given zero point 1 is 256",
          [&] { quantize_with_scales<asymmetric>(on_host{}, in, {affine}, bytes); });

  std::vector<std::uint8_t> blocks(24, 0x38);
  refuses(errc::invalid_argument, "has two levels: give the tensor's scale",
          [&] { quantize_with_scales<two_level>(on_host{}, in, {blocks}, bytes); });
  const float tensor = 0.5F;
  blocks[3] = 0x7F;  // the NaN of e4m3
  refuses(errc::non_finite, "given scale 3 is nan", [&] {
    quantize_with_scales<two_level>(on_host{}, in, {blocks, &tensor}, bytes);
  });

  // Scales of either sign are what some recipes are made of.
  using ggml_like = quantizer<int4, per_group<32>, signed_max<float>>;
  std::vector<float> negative(12, -0.5F);
  std::vector<std::int8_t> small(x.size());
  quantize_with_scales<ggml_like>(on_host{}, in, {negative}, small);
}
