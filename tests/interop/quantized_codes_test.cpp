// What this library quantized, in other people's stores and back: same values, same codes and scales.
#include <qgrain/interop/awq.hpp>
#include <qgrain/interop/compressed_tensors.hpp>
#include <qgrain/interop/convert.hpp>
#include <qgrain/interop/ggml.hpp>
#include <qgrain/interop/gptq.hpp>
#include <qgrain/interop/modelopt.hpp>
#include <qgrain/interop/ocp_mx.hpp>
#include <qgrain/interop/quantized_codes.hpp>
#include <qgrain/quantizer/quantized_matrix.hpp>
#include <qgrain/quantizer/tool_recipes.hpp>

#include <interop/interop_support.hpp>
#include <vector>

using namespace qgrain;
using namespace qgrain::interop;
using qgrain_test::check_sentence;

namespace {

constexpr shape2d shape{16, 256};

/// By the definitions of one element, so that no bulk kernel is compiled here.
template <class Q>
quantized_matrix<Q> quantized(std::uint64_t seed) {
  const std::vector<float> x = qgrain_test::bell_values(seed, static_cast<std::size_t>(shape.elements()));
  quantized_matrix<Q> out(shape);
  std::vector<typename Q::range_type> ranges(out.scales.size());
  float largest = 0.0F;
  const auto group_of = [](std::size_t i) {
    const auto at = static_cast<index_t>(i);
    return static_cast<std::size_t>(Q::scale_index(shape, at / shape.cols, at % shape.cols));
  };
  for (std::size_t i = 0; i < x.size(); ++i) {
    ranges[group_of(i)] = widened(ranges[group_of(i)], x[i]);
    largest = widened(largest, x[i]);
  }
  out.tensor_scale = Q::tensor_scale(largest);
  for (std::size_t g = 0; g < ranges.size(); ++g) out.scales[g] = Q::scale(ranges[g], out.tensor_scale);
  for (std::size_t i = 0; i < x.size(); ++i) {
    out.codes[i] = Q::encode(x[i], Q::factors(out.scales[group_of(i)], out.tensor_scale));
  }
  return out;
}

template <class Q>
std::vector<float> values_of_view(quantized_matrix<Q>& from) {
  std::vector<float> values;
  for (index_t i = 0; i < shape.elements(); ++i) values.push_back(from.view()(i / shape.cols, i % shape.cols));
  return values;
}

/// Through a store and back into a matrix of the same recipe.
template <class Q, class Store>
Store round_trip() {
  quantized_matrix<Q> from = quantized<Q>(1);
  const Store store = Store::from_codes(codes_of(from.view()));
  BOOST_TEST((qgrain_test::values_of(store.codes()) == values_of_view(from)), describe<Q>().name << " values");
  quantized_matrix<Q> back(shape);
  write_codes(store.codes(), back.view());
  BOOST_TEST((back.codes == from.codes), describe<Q>().name << " codes");
  BOOST_TEST((back.scales == from.scales), describe<Q>().name << " scales");
  BOOST_TEST(back.tensor_scale == from.tensor_scale);
  return store;
}

/// Codes alone.
template <class Q>
code_matrix there_and_back() {
  quantized_matrix<Q> from = quantized<Q>(2);
  const code_matrix codes = codes_of(from.view());
  BOOST_TEST((qgrain_test::values_of(codes) == values_of_view(from)), describe<Q>().name << " values");
  quantized_matrix<Q> back(shape);
  write_codes(codes, back.view());
  BOOST_TEST((values_of_view(back) == values_of_view(from)), describe<Q>().name << " values of the way back");
  return codes;
}

}  // namespace

BOOST_AUTO_TEST_CASE(through_stores) {
  const auto packed = round_trip<ct_int4_group128, ct_packed_weights>();
  BOOST_TEST(packed.group_size == 128);
  round_trip<ct_int4_asymmetric, ct_packed_weights>();
  round_trip<ct_int8_per_out_channel, ct_packed_weights>();
  round_trip<torchao_int4_asymmetric, ct_packed_weights>();
  round_trip<modelopt_int4_packed, modelopt_int4_weights>();
  round_trip<mxfp4_ocp, ocp_mxfp4>();
  round_trip<mxfp4_modelopt_packed, modelopt_mxfp4_weights>();
  round_trip<mxfp6_e3m2_ocp, ocp_mxfp6_e3m2>();
  round_trip<mxfp8_e5m2_ocp, ocp_mxfp8_e5m2>();
  round_trip<mxfp8_e4m3_modelopt, modelopt_mxfp8_weights>();
  round_trip<nvfp4_modelopt, modelopt_nvfp4_weights>();
  round_trip<ct_nvfp4, ct_nvfp4_weights>();
  round_trip<nvfp4_torchao_one_level, ggml_weights<ggml_nvfp4>>();
}

BOOST_AUTO_TEST_CASE(every_granularity) {
  BOOST_TEST((there_and_back<quantizer<int8, per_tensor>>().group_size == 256));
  BOOST_TEST((there_and_back<quantizer<int8, per_channel<1>>>().group_size == 1));
  BOOST_TEST(there_and_back<deepseek_fp8_weight>().group_size == 128);
  BOOST_TEST((there_and_back<quantizer<qgrain::int4, per_tile<8, 64>>>().scales.size() == 64U));
  BOOST_TEST(there_and_back<onnx_uint4_group32>().zero_points.size() == 128U);
  there_and_back<onnx_dynamic_uint8>();
  there_and_back<modelopt_packed_nf4<per_group<64>>>();
  there_and_back<quantizer<iq4_nl, per_group<32>>>();
  there_and_back<quantizer<uint8, per_group<32>>>();
}

BOOST_AUTO_TEST_CASE(multipliers_with_a_rounded_reciprocal) {
  // x * s going in, q * fl(1 / s) coming back: a code_matrix has fl(1 / s) as its scale.
  quantized_matrix<modelopt_fp8<per_token>> from = quantized<modelopt_fp8<per_token>>(3);
  const code_matrix codes = codes_of(from.view());
  BOOST_TEST((codes.scales.kind == scale_kind::float32));
  BOOST_TEST((qgrain_test::values_of(codes) == values_of_view(from)));
}

BOOST_AUTO_TEST_CASE(values_that_are_rounded_to_sixteen_bits) {
  using recipe = quantizer<qgrain::int4, per_group<32>, symmetric_by<divide, any_scale, float16>>;
  quantized_matrix<recipe> from = quantized<recipe>(8);
  check_sentence([&] { static_cast<void>(codes_of(from.view())); }, {"int4/group32", "rounds its values"});
}

BOOST_AUTO_TEST_CASE(between_tools) {
  // compressed-tensors' asymmetric int4 as GPTQ v2 and AWQ: where its float32 scales are float16 numbers.
  quantized_matrix<ct_int4_asymmetric> from = quantized<ct_int4_asymmetric>(4);
  check_sentence([&] { static_cast<void>(awq_weights::from_codes(codes_of(from.view()))); },
                 {"AWQ cannot hold what ct_int4_asymmetric/group128 holds", "float16"});
  for (auto& stored : from.scales) stored.scale = to_float(from_float<float16>(stored.scale));
  const auto awq = awq_weights::from_codes(codes_of(from.view()));
  BOOST_TEST((qgrain_test::values_of(awq.codes()) == values_of_view(from)));
  const auto gptq = convert<gptq_v2_weights>(awq);
  quantized_matrix<ct_int4_asymmetric> back(shape);
  write_codes(gptq.codes(), back.view());
  BOOST_TEST((back.codes == from.codes));
  BOOST_TEST((back.scales == from.scales));
}

BOOST_AUTO_TEST_CASE(what_does_not_fit_is_refused_and_nothing_written) {
  quantized_matrix<ct_int4_asymmetric> asymmetric = quantized<ct_int4_asymmetric>(5);
  quantized_matrix<ct_int4_group128> out(shape);
  out.codes.assign(out.codes.size(), 77);
  const auto untouched = [&] { return out.codes == std::vector<std::int8_t>(out.codes.size(), 77); };
  check_sentence([&] { write_codes(codes_of(asymmetric.view()), out.view()); },
                 {"ct_int4/group128 cannot hold what ct_int4_asymmetric/group128 holds", "8 to 8"});
  BOOST_TEST(untouched());
  quantized_matrix<mxfp4_ocp> floats = quantized<mxfp4_ocp>(6);
  check_sentence([&] { write_codes(codes_of(floats.view()), out.view()); }, {"4-bit integers", "4-bit e2m1"});
  code_matrix other = codes_of(quantized<ct_int4_group128>(7).view());
  quantized_matrix<quantizer<qgrain::int4, per_tensor>> whole(shape);
  check_sentence([&] { write_codes(other, whole.view()); }, {"int4/per_tensor cannot hold", "different scales"});
  other.shape = {8, 512};
  check_sentence([&] { write_codes(other, out.view()); }, {"16 x 256", "8 x 512"});
  BOOST_TEST(untouched());
  check_sentence(
      [&] {
        static_cast<void>(codes_of(quantized_view<ct_int4_group128>{nullptr, nullptr, nullptr, shape}));
      },
      {"ct_int4/group128", "no memory"});
  check_sentence(
      [&] {
        static_cast<void>(codes_of(quantized_view<ct_int4_group128>{nullptr, nullptr, nullptr, {4, 64}}));
      },
      {"4 x 64", "128", "64"});
}
