// MX and NVFP4 recipes against slow definitions of what the standard and the tools do.
#include <support/reference_block_scales.hpp>
#include <support/second_source.hpp>

#include <qgrain/quantizer/tool_recipes.hpp>

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <string>

using namespace qgrain;
using qgrain_test::compare_with_definition;
using qgrain_test::in_bf16;
using qgrain_test::in_f16;
using qgrain_test::in_f32;
using qgrain_test::reference_mx;
using qgrain_test::reference_nv;
using qgrain_test::reference_ties;
using qgrain_test::second_source_books;

namespace {

template <class Q>
void compare_mx(second_source_books& books, const qgrain_test::reference_float& kind, reference_mx rule,
                reference_ties ties = reference_ties::even, bool zeros_negative = false) {
  const auto recipe = qgrain_test::reference_mx_recipe(qgrain_test::reference_small_float(kind, ties),
                                                       kind.mantissa_bits, rule, zeros_negative);
  const std::string name(Q::format_type::name());
  compare_with_definition<Q>(books, name + ' ' + std::string(Q::scale_type::name()), recipe);
  compare_with_definition<Q>(books, name + " of bf16", recipe, in_bf16);
  compare_with_definition<Q>(books, name + " of f16", recipe, in_f16);
}

}  // namespace

BOOST_AUTO_TEST_CASE(mx_recipes) {
  using namespace qgrain_test;
  second_source_books books;
  compare_mx<mxfp4_ocp>(books, reference_e2m1, reference_mx::floor);
  compare_mx<mxfp4_even>(books, reference_e2m1, reference_mx::even);
  compare_mx<mxfp4_rceil>(books, reference_e2m1, reference_mx::torchao_logarithm);
  compare_mx<mxfp4_modelopt>(books, reference_e2m1, reference_mx::modelopt_logarithm, reference_ties::to_zero);
  compare_mx<mxfp4_modelopt_packed>(books, reference_e2m1, reference_mx::modelopt_logarithm, reference_ties::to_zero,
                                    true);
  compare_mx<mxfp6_e2m3_ocp>(books, reference_e2m3, reference_mx::floor);
  compare_mx<mxfp6_e3m2_ocp>(books, reference_e3m2, reference_mx::floor);
  compare_mx<mxfp8_e4m3_ocp>(books, reference_e4m3, reference_mx::floor);
  compare_mx<mxfp8_e4m3_rceil>(books, reference_e4m3, reference_mx::torchao_logarithm);
  compare_mx<mxfp8_e4m3_modelopt>(books, reference_e4m3, reference_mx::modelopt_logarithm);
  compare_mx<mxfp8_e5m2_ocp>(books, reference_e5m2, reference_mx::floor);
  compare_mx<mxfp6_e2m3_rceil>(books, reference_e2m3, reference_mx::exact);
  compare_mx<mxfp6_e3m2_rceil>(books, reference_e3m2, reference_mx::exact);
  compare_mx<mxfp8_e5m2_rceil>(books, reference_e5m2, reference_mx::exact);
  books.report("MX recipes");
}

BOOST_AUTO_TEST_CASE(mx_rules_without_a_recipe) {
  using namespace qgrain_test;
  second_source_books books;
  using group = per_group<32>;
  compare_mx<quantizer<float4_e2m1fn, group, absmax_e8m0_by<e8m0_ceil>>>(books, reference_e2m1, reference_mx::ceil);
  compare_mx<quantizer<float8_e4m3fn, group, absmax_e8m0_by<e8m0_ceil>>>(books, reference_e4m3, reference_mx::ceil);
  compare_mx<quantizer<float6_e2m3fn, group, absmax_e8m0_by<e8m0_even>>>(books, reference_e2m3, reference_mx::even);
  compare_mx<quantizer<float6_e3m2fn, group, absmax_e8m0_by<e8m0_even>>>(books, reference_e3m2, reference_mx::even);
  compare_mx<quantizer<float8_e4m3fn, group, absmax_e8m0_by<e8m0_even>>>(books, reference_e4m3, reference_mx::even);
  compare_mx<quantizer<float8_e5m2, group, absmax_e8m0_by<e8m0_even>>>(books, reference_e5m2, reference_mx::even);
  compare_mx<modelopt_mx_fake<float4_e2m1fn>>(books, reference_e2m1, reference_mx::exact);
  compare_mx<modelopt_mx_fake<float8_e4m3fn>>(books, reference_e4m3, reference_mx::exact);
  books.report("MX rules without a recipe");
}

BOOST_AUTO_TEST_CASE(mx_integers) {
  second_source_books books;
  // Nothing is clipped, so -128 is the code of -infinity alone; both -127 and -128 stand for -infinity in its block.
  auto format = qgrain_test::reference_integer(-127, 127);
  format.code = [code = format.code](float x) { return std::isinf(x) && x < 0 ? -128 : code(x); };
  compare_with_definition<mxint8_rceil>(books, "mxint8",
                                        qgrain_test::reference_mx_recipe(format, 0, reference_mx::exact));
  books.report("MX integers");
}

BOOST_AUTO_TEST_CASE(nvfp4_recipes) {
  using qgrain_test::reference_nvfp4;
  second_source_books books;
  compare_with_definition<nvfp4_modelopt>(books, "modelopt", reference_nvfp4(reference_nv::packed, in_f32));
  compare_with_definition<nvfp4_modelopt>(books, "modelopt bf16", reference_nvfp4(reference_nv::packed, in_f32),
                                          in_bf16);
  compare_with_definition<nvfp4_modelopt_kernel>(books, "kernel", reference_nvfp4(reference_nv::kernel, in_f32));
  compare_with_definition<nvfp4_torchao>(books, "torchao", reference_nvfp4(reference_nv::torchao, in_f32));
  compare_with_definition<nvfp4_by<torchao_block_scale<bfloat16>>>(
      books, "torchao bf16", reference_nvfp4(reference_nv::torchao, in_bf16), in_bf16);
  compare_with_definition<nvfp4_torchao_one_level>(books, "torchao, one level",
                                                   reference_nvfp4(reference_nv::torchao_one_level, in_f32));
  compare_with_definition<ct_nvfp4>(books, "compressed-tensors", reference_nvfp4(reference_nv::compressed, in_f32));
  compare_with_definition<nvfp4_by<compressed_tensors_block_scale<bfloat16>>>(
      books, "compressed-tensors bf16", reference_nvfp4(reference_nv::compressed, in_bf16), in_bf16);
  books.report("NVFP4 recipes");
}
