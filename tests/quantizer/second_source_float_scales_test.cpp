// Recipes with float scales and zero points against slow definitions of what the tools do.
#include <support/reference_scales.hpp>
#include <support/second_source.hpp>

#include <qgrain/quantizer/modelopt_nf4.hpp>
#include <qgrain/quantizer/tool_recipes.hpp>

#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

using namespace qgrain;
using qgrain_test::compare_with_definition;
using qgrain_test::in_bf16;
using qgrain_test::in_f16;
using qgrain_test::in_f32;
using qgrain_test::reference_type;
using qgrain_test::second_source_books;

namespace {

using group32 = per_group<32>;

/// Calls visit(type tag, slow type, name) for float32, bfloat16 and float16.
template <class Visitor>
void for_each_storage(Visitor visit) {
  visit(float{}, in_f32, " f32");
  visit(bfloat16{}, in_bf16, " bf16");
  visit(float16{}, in_f16, " f16");
}

template <class Format>
void compare_modelopt_integer(second_source_books& books) {
  compare_with_definition<modelopt_integer<Format, group32>>(
      books, std::string("modelopt ") + std::string(Format::name()),
      qgrain_test::reference_modelopt_integer(static_cast<int>(Format::lowest), static_cast<int>(Format::max_finite)));
}

}  // namespace

BOOST_AUTO_TEST_CASE(modelopt_fake) {
  second_source_books books;
  compare_modelopt_integer<int2>(books);
  compare_modelopt_integer<int3>(books);
  compare_modelopt_integer<int4>(books);
  compare_modelopt_integer<int4_narrow>(books);
  compare_modelopt_integer<uint4>(books);
  compare_modelopt_integer<int6>(books);
  compare_modelopt_integer<int8>(books);
  compare_modelopt_integer<int8_narrow>(books);
  compare_modelopt_integer<uint8>(books);
  compare_with_definition<modelopt_integer<int8, per_tensor>>(books, "modelopt int8 per tensor",
                                                              qgrain_test::reference_modelopt_integer(-128, 127));
  compare_with_definition<modelopt_integer<int8, per_channel<1>>>(books, "modelopt int8 per column",
                                                                  qgrain_test::reference_modelopt_integer(-128, 127));
  compare_with_definition<modelopt_fp8<group32>>(books, "modelopt fp8", qgrain_test::reference_modelopt_fp8());
  compare_with_definition<modelopt_fp8<per_tile<16, 32>>>(books, "modelopt fp8 tiles",
                                                          qgrain_test::reference_modelopt_fp8());
  books.report("ModelOpt fake");
}

BOOST_AUTO_TEST_CASE(modelopt_packed) {
  second_source_books books;
  const auto plain_fp8 =
      qgrain_test::reference_small_float(qgrain_test::reference_e4m3, qgrain_test::reference_ties::even, true);
  for_each_storage([&]<class T>(T, const reference_type& t, const std::string& name) {
    compare_with_definition<modelopt_packed_int8<per_channel<0>, T>>(
        books, "packed int8" + name,
        qgrain_test::reference_divided(qgrain_test::reference_integer(-128, 127), t, false), t);
    compare_with_definition<modelopt_packed_fp8<group32, T>>(books, "packed fp8" + name,
                                                             qgrain_test::reference_divided(plain_fp8, t, false), t);
    compare_with_definition<modelopt_packed_int4<group32, T>>(books, "packed int4" + name,
                                                              qgrain_test::reference_modelopt_packed_int4(t), t);
    compare_with_definition<modelopt_packed_nf4<group32, T>>(
        books, "packed nf4" + name, qgrain_test::reference_divided(qgrain_test::reference_nf4(t), t, true), t);
  });
  books.report("ModelOpt packed");
}

BOOST_AUTO_TEST_CASE(doubly_quantized_scales) {
  second_source_books books;
  for_each_storage([&]<class T>(T, const reference_type& t, const std::string& name) {
    for (const qgrain_test::test_matrix& m : qgrain_test::test_matrices(127.0F, t)) {
      const float offset = t.rounded(static_cast<double>(m.x[0]));
      std::vector<float> centred;
      for (const float x : m.x) centred.push_back(t.sub(x, offset));
      const float s = t.mul(t.div(1.0F, qgrain_test::reference_absmax(centred)), 127.0F);
      std::vector<int> codes;
      std::vector<int> wanted_codes;
      std::vector<float> values;
      std::vector<float> wanted;
      using scales = double_quantized_scales<T>;
      const float multiplier = scales::multiplier(qgrain_test::reference_absmax(centred));
      BOOST_TEST(qgrain_test::same_float(multiplier, s));
      const auto integer = qgrain_test::reference_integer(-127, 127);
      for (std::size_t i = 0; i < m.x.size(); ++i) {
        codes.push_back(scales::encode(scales::centred(m.x[i], offset), multiplier));
        values.push_back(scales::decode(static_cast<std::int8_t>(codes.back()), multiplier, offset));
        wanted_codes.push_back(integer.code(t.mul(s, centred[i])));
        wanted.push_back(t.add(t.div(static_cast<float>(wanted_codes.back()), s), offset));
      }
      books.each("scales" + name, "code", m, codes, wanted_codes, std::equal_to<>{});
      books.each("scales" + name, "value", m, values, wanted, qgrain_test::same_float);
    }
  });
  books.report("double quantization of scales");
}

BOOST_AUTO_TEST_CASE(compressed_tensors) {
  second_source_books books;
  const auto fp8 = qgrain_test::reference_small_float(qgrain_test::reference_e4m3);
  const auto eight = qgrain_test::reference_integer(-128, 127);
  const auto four = qgrain_test::reference_integer(-8, 7);
  for_each_storage([&]<class T>(T, const reference_type& t, const std::string& name) {
    compare_with_definition<compressed_tensors_symmetric<int8, per_token, T>>(
        books, "symmetric int8" + name, qgrain_test::reference_compressed_symmetric(eight, t), t);
    compare_with_definition<compressed_tensors_symmetric<int4, group32, T>>(
        books, "symmetric int4" + name, qgrain_test::reference_compressed_symmetric(four, t), t);
    compare_with_definition<compressed_tensors_symmetric<float8_e4m3fn, group32, T>>(
        books, "symmetric fp8" + name, qgrain_test::reference_compressed_symmetric(fp8, t), t);
    compare_with_definition<compressed_tensors_asymmetric<int8, per_channel<1>, T>>(
        books, "asymmetric int8" + name, qgrain_test::reference_compressed_asymmetric(eight, t), t);
    compare_with_definition<compressed_tensors_asymmetric<int4, group32, T>>(
        books, "asymmetric int4" + name, qgrain_test::reference_compressed_asymmetric(four, t), t);
  });
  books.report("compressed-tensors");
}

BOOST_AUTO_TEST_CASE(torchao) {
  second_source_books books;
  using enum qgrain_test::reference_torchao;
  for_each_storage([&]<class T>(T, const reference_type& t, const std::string& name) {
    compare_with_definition<torchao_symmetric<int8, per_token, T>>(
        books, "symmetric int8" + name, qgrain_test::reference_torchao_integer(-128, 127, symmetric, t), t);
    compare_with_definition<torchao_symmetric_unclipped<int4, group32, T>>(
        books, "unclipped int4" + name, qgrain_test::reference_torchao_integer(-8, 7, unclipped, t), t);
    compare_with_definition<torchao_asymmetric<int8, per_tensor, T>>(
        books, "asymmetric int8" + name, qgrain_test::reference_torchao_integer(-128, 127, asymmetric, t), t);
    compare_with_definition<torchao_asymmetric<uint4, group32, T>>(
        books, "asymmetric uint4" + name, qgrain_test::reference_torchao_integer(0, 15, asymmetric, t), t);
  });
  books.report("torchao");
}

BOOST_AUTO_TEST_CASE(onnx_and_deepseek) {
  second_source_books books;
  compare_with_definition<onnx_int8_per_out_channel>(books, "onnx int8",
                                                     qgrain_test::reference_onnx_integer(-128, 127));
  compare_with_definition<onnx_uint4_group32>(books, "onnx uint4", qgrain_test::reference_onnx_integer(0, 15));
  compare_with_definition<onnx_dynamic_uint8>(books, "onnx dynamic", qgrain_test::reference_onnx_integer(0, 255));
  const auto fp8 = qgrain_test::reference_small_float(qgrain_test::reference_e4m3);
  compare_with_definition<deepseek_fp8_activation>(books, "deepseek activation",
                                                   qgrain_test::reference_divided(fp8, in_f32, true));
  compare_with_definition<deepseek_fp8_weight>(books, "deepseek weight",
                                               qgrain_test::reference_divided(fp8, in_f32, true));
  books.report("ONNX and DeepSeek");
}
