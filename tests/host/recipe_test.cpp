// Recipes that are known when the program runs against the quantizer types that they stand for, bit for bit.
#include <support/inputs.hpp>
#include <support/refusals.hpp>

#include <qgrain/format/integer.hpp>
#include <qgrain/granularity/per_channel.hpp>
#include <qgrain/granularity/per_group.hpp>
#include <qgrain/granularity/per_tensor.hpp>
#include <qgrain/granularity/per_tile.hpp>
#include <qgrain/host/find_recipe.hpp>
#include <qgrain/host/quantize.hpp>
#include <qgrain/host/recipe.hpp>
#include <qgrain/quantizer/modelopt_nf4.hpp>
#include <qgrain/quantizer/recipes.hpp>
#include <qgrain/scale/affine.hpp>

#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <string>
#include <vector>

using namespace qgrain;
using qgrain_test::bell_values;
using qgrain_test::refuses;

namespace {

constexpr grouping rows{granularity_kind::per_token, range_source::own, {}};
constexpr shape2d shape{48, 96};

template <class T>
bool same(const std::vector<std::byte>& found, const std::vector<T>& wanted) {
  return found.size() == wanted.size() * sizeof(T) && std::memcmp(found.data(), wanted.data(), found.size()) == 0;
}

bool same_floats(const std::vector<float>& a, const std::vector<float>& b) {
  return std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

// Scales of a file, as coded_matrix has them.
template <class Q>
void compare_scales(const coded_matrix& found, const quantized_matrix<Q>& wanted) {
  if constexpr (requires { wanted.scales[0].zero_point; }) {
    std::vector<decltype(wanted.scales[0].scale)> scales;
    std::vector<decltype(wanted.scales[0].zero_point)> zeros;
    for (const auto& stored : wanted.scales) {
      scales.push_back(stored.scale);
      zeros.push_back(stored.zero_point);
    }
    BOOST_TEST(same(found.scales, scales));
    BOOST_TEST(same(found.zero_points, zeros));
  } else {
    BOOST_TEST(same(found.scales, wanted.scales));
    BOOST_TEST(found.zero_points.empty());
  }
}

template <class Q>
void compare(const recipe& r, typename Q::rounding_type rounding = {}, std::uint64_t seed = 0) {
  BOOST_TEST_CONTEXT(r.name) {
    std::vector<float> x = bell_values(7, 48 * 100);
    x[3] = std::numeric_limits<float>::quiet_NaN();
    const matrix_view<const float> in{x.data(), shape, 100};
    const auto wanted = quantize<Q>(on_host{}, in, {}, rounding);
    const coded_matrix found = quantize(on_host{}, r, in, {}, seed);
    BOOST_TEST(same(found.codes, wanted.codes));
    compare_scales<Q>(found, wanted);
    BOOST_TEST(bits_of(found.tensor_scale) == bits_of(wanted.tensor_scale));
    BOOST_TEST(r.scale_count(shape) == Q::scale_count(shape));

    std::vector<float> decoded(x.size(), 9.0F), wanted_decoded(x.size(), 9.0F);
    dequantize(on_host{}, r, found, {decoded.data(), shape, 100});
    dequantize(on_host{}, wanted.view(), matrix_view<float>{wanted_decoded.data(), shape, 100});
    BOOST_TEST(same_floats(decoded, wanted_decoded));

    std::vector<float> fake(x.size(), 9.0F), wanted_fake(x.size(), 9.0F);
    fake_quantize(on_host{}, r, in, {fake.data(), shape, 100}, {}, seed);
    fake_quantize<Q>(on_host{}, in, matrix_view<float>{wanted_fake.data(), shape, 100}, {}, rounding);
    BOOST_TEST(same_floats(fake, wanted_fake));

    // Scales of a matrix without NaN, for another matrix.
    const std::vector<float> y = bell_values(8, shape.elements());
    const coded_matrix clean = quantize(on_host{}, r, {y.data(), shape});
    const auto wanted_clean = quantize<Q>(on_host{}, {y.data(), shape});
    std::vector<std::byte> codes(clean.codes.size());
    quantize_with_scales(on_host{}, r, in, {clean.scales, clean.zero_points, clean.tensor_scale}, codes, seed);
    std::vector<typename Q::code_type> wanted_codes(static_cast<std::size_t>(shape.elements()));
    quantize_with_scales<Q>(on_host{}, in, {wanted_clean.scales, &wanted_clean.tensor_scale}, wanted_codes, rounding);
    BOOST_TEST(same(codes, wanted_codes));
  }
}

}  // namespace

BOOST_AUTO_TEST_CASE(names_are_quantizer_types) {
  compare<modelopt_integer<int4, per_group<32>>>(find_recipe("int4/group32"));
  compare<modelopt_integer<int8, per_channel<0>>>(find_recipe("int8/per_out_channel"));
  compare<modelopt_integer<int8, per_channel<1>>>(find_recipe("int8/per_in_channel"));
  compare<modelopt_integer<int3, per_tile<16, 32>>>(find_recipe("int3/tile16x32"));
  compare<modelopt_fp8<per_tensor>>(find_recipe("fp8/per_tensor"));
  compare<modelopt_fp8_e5m2<per_token>>(find_recipe("fp8_e5m2/per_token_dynamic"));
  compare<modelopt_packed_nf4<per_group<48>>>(find_recipe("nf4/group48"));
  compare<mxfp4_ocp>(find_recipe("mxfp4_ocp"));
  compare<mxfp8_e4m3_rceil>(find_recipe("mxfp8_e4m3_rceil"));
  compare<nvfp4_modelopt>(find_recipe("nvfp4_modelopt"));
  compare<nvfp4_torchao>(find_recipe("nvfp4_torchao"));
}

BOOST_AUTO_TEST_CASE(any_quantizer_type_makes_one) {
  using asymmetric = quantizer<uint8, per_tensor, minmax_f32>;
  compare<quantizer<uint8, per_token, minmax_f32>>({"minmax", coding_stage_of<asymmetric>(), rows});
  compare<quantizer<uint8, per_channel<1>, minmax_f32>>(
      {"minmax by column", coding_stage_of<asymmetric>(), {granularity_kind::per_in_channel, range_source::own, {}}});
  using random = quantizer<int4, per_tensor, absmax_f32, stochastic>;
  compare<quantizer<int4, per_token, absmax_f32, stochastic>>({"random", coding_stage_of<random>(), rows},
                                                              stochastic{17}, 17);
}

BOOST_AUTO_TEST_CASE(ranges_and_tensor_scales_may_be_given) {
  const std::vector<float> x = bell_values(9, shape.elements());
  const matrix_view<const float> in{x.data(), shape};
  const std::vector<float> largest(48, 1.5F);
  const recipe int8_rows = find_recipe("int8/per_out_channel");
  BOOST_TEST(same(quantize(on_host{}, int8_rows, in, {.absmax = largest}).codes,
                  quantize<modelopt_integer<int8, per_channel<0>>>(on_host{}, in, {.absmax = largest}).codes));
  const std::vector<signed_range> ends(48, range_between(-0.5F, 2.0F));
  const recipe minmax{"minmax", coding_stage_of<quantizer<uint8, per_tensor, minmax_f32>>(), rows};
  BOOST_TEST(same(quantize(on_host{}, minmax, in, {.ends = ends}).codes,
                  quantize<quantizer<uint8, per_token, minmax_f32>>(on_host{}, in, {.ends = ends}).codes));
  const auto scaled = quantize(on_host{}, find_recipe("nvfp4_modelopt"), in, {.tensor_scale = 0.003F});
  const auto wanted = quantize<nvfp4_modelopt>(on_host{}, in, {.tensor_scale = 0.003F});
  BOOST_TEST(same(scaled.codes, wanted.codes));
  BOOST_TEST(same(scaled.scales, wanted.scales));
  BOOST_TEST(scaled.tensor_scale == 0.003F);
}

BOOST_AUTO_TEST_CASE(a_stage_says_what_it_stores) {
  const recipe nvfp4 = find_recipe("nvfp4_modelopt");
  BOOST_TEST(nvfp4.elements.code_bits == 4);
  BOOST_TEST((nvfp4.elements.scale_type == number_type::u8));
  BOOST_TEST(nvfp4.elements.scale_of_byte(0x38) == 1.0F);
  // 4 rows of two groups of 4-bit codes, an E4M3 scale each, one float32.
  BOOST_TEST(nvfp4.stored_bytes({4, 32}) == 4 * 16 + 8 + 4);
  const coding_stage affine = coding_stage_of<quantizer<uint4, per_tensor, minmax_f32>>();
  BOOST_TEST(affine.has_zero_points());
  BOOST_TEST(affine.both_ends);
  BOOST_TEST(size_of(affine.scale_type) == 4);
  const coding_stage codes = coding_stage_of<quantizer<int8, per_tensor>, stage_parts::codes>();
  BOOST_TEST((codes.fake == nullptr && codes.encode != nullptr));
}

BOOST_AUTO_TEST_CASE(what_does_not_fit_is_refused_before_anything_is_written) {
  const std::vector<float> x = bell_values(10, shape.elements());
  const matrix_view<const float> in{x.data(), shape};
  const recipe r = find_recipe("int4/group32");
  refuses(errc::unknown_name, "int4/group32", [] { (void)find_recipe("int4/grop32"); });
  refuses(errc::invalid_shape, "asks for 32, found 16", [&] { (void)quantize(on_host{}, r, {x.data(), {4, 16}}); });
  refuses(errc::invalid_shape, "found 0", [&] { (void)quantize(on_host{}, r, {x.data(), {0, 32}}); });
  const recipe nothing{"nothing", r.elements, {granularity_kind::per_group, range_source::own, {1, 0}}};
  refuses(errc::invalid_shape, "asks for 1, found 0", [&] { (void)quantize(on_host{}, nothing, in); });
  const recipe halved{"halved", coding_stage_of<quantizer<int8, per_tensor>, stage_parts::codes>(), rows};
  std::vector<float> faked(x.size(), 9.0F);
  refuses(errc::unsupported, "recipe halved was made without its loops of fake quantization", [&] {
    fake_quantize(on_host{}, halved, in, {faked.data(), shape});
  });
  refuses(errc::invalid_argument, "one level", [&] { (void)quantize(on_host{}, r, in, {.tensor_scale = 1.0F}); });
  const std::vector<float> few(5, 1.0F);
  refuses(errc::invalid_shape, "expected 144, found 5", [&] { (void)quantize(on_host{}, r, in, {.absmax = few}); });

  coded_matrix coded = quantize(on_host{}, r, in);
  std::vector<float> values(x.size(), 9.0F);
  std::vector<std::byte> codes(coded.codes.size(), std::byte{9});
  refuses(errc::buffer_too_small, "needs 4608, has 4607",
          [&] { quantize_with_scales(on_host{}, r, in, {coded.scales}, std::span(codes).first(codes.size() - 1)); });
  refuses(errc::invalid_shape, "bytes of zero points: expected 0, found 1", [&] {
    quantize_with_scales(on_host{}, r, in, {coded.scales, std::span(codes).first(1)}, codes);
  });
  const float negative = -1.0F;
  std::memcpy(coded.scales.data() + 8, &negative, sizeof negative);
  refuses(errc::out_of_range, "given scale 2 is -1",
          [&] { quantize_with_scales(on_host{}, r, in, {coded.scales}, codes); });
  coded.scales.pop_back();
  refuses(errc::invalid_shape, "bytes of scales: expected 576, found 575", [&] {
    dequantize(on_host{}, r, coded, {values.data(), shape});
  });
  refuses(errc::invalid_shape, "columns of the output", [&] {
    fake_quantize(on_host{}, r, in, {values.data(), {48, 95}});
  });
  coded_matrix kept;
  const status refused = try_quantize(on_host{}, r, {x.data(), {4, 16}}, kept);
  BOOST_TEST((refused.code() == errc::invalid_shape && refused.wanted() == 32 && refused.found() == 16));
  BOOST_TEST(kept.codes.empty());
  BOOST_TEST(!try_quantize_with_scales(on_host{}, r, in, {coded.scales}, codes));
  BOOST_TEST(!try_dequantize(on_host{}, r, coded, {values.data(), shape}));
  BOOST_TEST(!try_fake_quantize(on_host{}, r, in, {values.data(), {47, 96}}));
  BOOST_TEST(values == std::vector<float>(x.size(), 9.0F));
  BOOST_TEST((codes == std::vector<std::byte>(codes.size(), std::byte{9})));
}
