// MX and NVFP4 against the tools, byte for byte: stored scales, codes, dequantized and fake-quantized values.
#include <support/vector_file.hpp>
#include <support/vector_matrix.hpp>

#include <qgrain/host/fake_recipe.hpp>
#include <qgrain/host/parallel.hpp>
#include <qgrain/host/quantize.hpp>
#include <qgrain/quantizer/recipes.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

using namespace qgrain;
using qgrain_test::differences;
using qgrain_test::matrix_shape;
using qgrain_test::tensor;
using qgrain_test::vector_file;

namespace {

std::vector<float> without_sign_of_zero(std::vector<float> values) {
  for (float& x : values) x = x == 0.0F ? 0.0F : x;
  return values;
}

struct counts {
  std::size_t right = 0;
  std::size_t all = 0;

  void add(const std::string& name, const char* what, bool good) {
    BOOST_CHECK_MESSAGE(good, name << ": " << what << " differ");
    right += good ? 1U : 0U;
    ++all;
  }
  void report(const std::string& file) const {
    BOOST_TEST_MESSAGE(file << ": " << right << " of " << all << " tensors");
    BOOST_TEST(right == all);
  }
};

/// Codes of the rows as stored by a tool that pads rows with zeros.
std::vector<std::uint8_t> unpadded(const std::vector<std::uint8_t>& codes, shape2d shape) {
  const auto width = static_cast<index_t>(codes.size()) / shape.rows;
  std::vector<std::uint8_t> kept;
  for (index_t r = 0; r < shape.rows; ++r) {
    kept.insert(kept.end(), codes.begin() + r * width, codes.begin() + r * width + shape.cols);
  }
  return kept;
}

/// What a case is compared in.
struct expectations {
  bool codes_of_nan_blocks = true;   ///< codes of a block whose scale is NaN mean something
  bool decoded_sign_of_zero = true;  ///< the format has a code for -0
};

/// What a recipe makes of a matrix, so that the comparison is compiled once.
struct outcome {
  std::vector<std::uint8_t> scales;
  std::vector<std::uint8_t> codes;
  float tensor_scale;
  std::vector<float> decoded;
  std::vector<float> fake;
  index_t (*scale_index)(shape2d, index_t, index_t);
};

template <class Q>
outcome outcome_of(matrix_view<const float> in, const given_ranges& given) {
  auto got = quantize<Q>(on_host{}, in, given);
  const auto size = static_cast<std::size_t>(in.shape.elements());
  std::vector<float> decoded(size), fake(size);
  dequantize<Q>(on_host{}, got.view(), matrix_view<float>{decoded.data(), in.shape});
  fake_quantize<Q>(thread_pool(2), in, matrix_view<float>{fake.data(), in.shape}, given);
  return {got.scales,       {got.codes.begin(), got.codes.end()},
          got.tensor_scale, std::move(decoded),
          std::move(fake),  [](shape2d shape, index_t row, index_t col) { return Q::scale_index(shape, row, col); }};
}

/// Scales, codes, decoded and fake-quantized values of one case, whatever of them the file has.
void compare_case(outcome (*make)(matrix_view<const float>, const given_ranges&), const vector_file& file,
                  const std::string& name, counts& result, const given_ranges& given, const expectations& wanted) {
  const tensor input = file.get(name + ".input");
  const shape2d shape = matrix_shape(input, false);
  const std::vector<float> in = input.floats();
  const outcome got = make({in.data(), shape}, given);
  if (file.has(name + ".scales")) {
    result.add(name, "scales", got.scales == file.get(name + ".scales").as<std::uint8_t>());
  }
  if (file.has(name + ".global_scale")) {
    result.add(name, "global scale", got.tensor_scale == file.get(name + ".global_scale").floats().at(0));
  }
  if (file.has(name + ".codes")) {
    auto codes = unpadded(file.get(name + ".codes").as<std::uint8_t>(), shape);
    if (!wanted.codes_of_nan_blocks) {
      for (index_t i = 0; i < shape.elements(); ++i) {
        const auto at = static_cast<std::size_t>(i);
        const index_t group = got.scale_index(shape, i / shape.cols, i % shape.cols);
        if (got.scales[static_cast<std::size_t>(group)] == 255) codes[at] = got.codes[at];
      }
    }
    result.add(name, "codes", got.codes == codes);
  }
  if (file.has(name + ".dequant")) {
    const auto expected = file.get(name + ".dequant").floats();
    const bool with_sign = wanted.decoded_sign_of_zero;
    result.add(name, "decoded values",
               differences(with_sign ? got.decoded : without_sign_of_zero(got.decoded),
                           with_sign ? expected : without_sign_of_zero(expected)) == 0);
    result.add(name, "fake-quantized values", differences(got.fake, expected) == 0);
  }
}

template <class Q>
void compare_case(const vector_file& file, const std::string& name, counts& result, const given_ranges& given,
                  const expectations& wanted) {
  compare_case(outcome_of<Q>, file, name, result, given, wanted);
}

template <class Format>
void compare_formula(const std::string& name) {
  const vector_file file(name);
  counts result;
  const expectations wanted{.decoded_sign_of_zero = std::is_unsigned_v<typename Format::code_type>};
  for (const auto& [label, remark] : file.cases())
    compare_case<modelopt_mx_fake<Format>>(file, label, result, {}, wanted);
  result.report(name);
  BOOST_TEST(file.cases().size() == 3U);
}

template <class Format>
void compare_torchao(const std::string& name) {
  const vector_file file(name);
  counts result;
  std::size_t cases = 0;
  const expectations wanted{.codes_of_nan_blocks = false};
  for (const auto& [label, remark] : file.cases()) {
    const auto is = [&name = label](const char* mode) { return name.starts_with(mode); };
    if (is("floor.")) compare_case<quantizer<Format, per_group<32>, absmax_e8m0>>(file, label, result, {}, wanted);
    if (is("ceil."))
      compare_case<quantizer<Format, per_group<32>, absmax_e8m0_by<e8m0_ceil>>>(file, label, result, {}, wanted);
    if (is("even."))
      compare_case<quantizer<Format, per_group<32>, absmax_e8m0_by<e8m0_even>>>(file, label, result, {}, wanted);
    if (is("rceil."))
      compare_case<quantizer<Format, per_group<32>, absmax_e8m0_by<e8m0_rceil_log2f<>>>>(file, label, result, {},
                                                                                         wanted);
    ++cases;
  }
  result.report(name);
  BOOST_TEST(cases == 24U);
  BOOST_TEST(result.all == 24U * 4U);  // scales, codes, decoded and fake-quantized values of each
}

}  // namespace

BOOST_AUTO_TEST_CASE(mx_fake_quantization_of_modelopt) {
  compare_formula<float4_e2m1fn>("formula_modelopt_mxfp4");
  compare_formula<float6_e2m3fn>("formula_modelopt_mxfp6_e2m3");
  compare_formula<float6_e3m2fn>("formula_modelopt_mxfp6_e3m2");
  compare_formula<float8_e4m3fn>("formula_modelopt_mxfp8_e4m3");
  compare_formula<float8_e5m2>("formula_modelopt_mxfp8_e5m2");
  compare_formula<int8>("formula_modelopt_mxint8");
}

BOOST_AUTO_TEST_CASE(mx_of_torchao) {
  compare_torchao<float4_e2m1fn>("torchao_mxfp4");
  compare_torchao<float6_e2m3fn>("torchao_mxfp6_e2m3");
  compare_torchao<float6_e3m2fn>("torchao_mxfp6_e3m2");
  compare_torchao<float8_e4m3fn>("torchao_mxfp8_e4m3");
  compare_torchao<float8_e5m2>("torchao_mxfp8_e5m2");
}

BOOST_AUTO_TEST_CASE(packed_mxfp8_of_modelopt) {
  const vector_file file("modelopt_real_mxfp8");
  counts result;
  for (const auto& [label, remark] : file.cases()) compare_case<mxfp8_e4m3_modelopt>(file, label, result, {}, {});
  result.report("modelopt_real_mxfp8");
  BOOST_TEST(file.cases().size() == 7U);
}

BOOST_AUTO_TEST_CASE(packed_mxfp4_of_modelopt) {
  // The tool gives every zero the code of -0; compared are scales and values, with the sign of zero left aside.
  const vector_file file("modelopt_real_mxfp4");
  counts result;
  for (const auto& [label, remark] : file.cases()) {
    const tensor input = file.get(label + ".input");
    const shape2d shape = matrix_shape(input, false);
    const std::vector<float> in = input.floats();
    std::vector<float> out(in.size());
    fake_quantize<mxfp4_modelopt>(on_host{}, {in.data(), shape}, matrix_view<float>{out.data(), shape});
    const auto expected = without_sign_of_zero(file.get(label + ".dequant").floats());
    result.add(label, "values", differences(without_sign_of_zero(out), expected) == 0);
    const auto codes = quantize<mxfp4_modelopt>(on_host{}, matrix_view<const float>{in.data(), shape});
    result.add(label, "scales", codes.scales == file.get(label + ".scales").as<std::uint8_t>());
  }
  result.report("modelopt_real_mxfp4 (values and scales; the codes of zeros wait for that tool's own recipe)");
  BOOST_TEST(file.cases().size() == 6U);
}

BOOST_AUTO_TEST_CASE(packed_nvfp4_of_modelopt) {
  const vector_file file("modelopt_real_nvfp4");
  counts result;
  for (const auto& [label, remark] : file.cases()) compare_case<nvfp4_modelopt>(file, label, result, {}, {});
  result.report("modelopt_real_nvfp4");
  BOOST_TEST(file.cases().size() == 21U);
}

BOOST_AUTO_TEST_CASE(nvfp4_kernel_of_modelopt) {
  const vector_file file("modelopt_nvfp4");
  const fake_recipe recipe{"nvfp4_modelopt_kernel",
                           element_stage_of<nvfp4_modelopt_kernel>(),
                           {granularity_kind::per_group, range_source::own, {1, 16}, group_tail::zero_padding}};
  counts result;
  for (const auto& [label, remark] : file.cases()) {
    const tensor input = file.get(label + ".input");
    const shape2d shape = matrix_shape(input, false);
    const float amax = file.get(label + ".amax").floats().at(0);
    const auto expected = file.get(label + ".dequant").floats();
    std::vector<float> out;
    if (input.dtype == "F32") {
      const auto in = input.floats();
      out.resize(in.size());
      fake_quantize<nvfp4_modelopt_kernel>(on_host{}, {in.data(), shape}, matrix_view<float>{out.data(), shape},
                                           {{}, amax});
    } else {
      const auto in = qgrain_test::elements_of<bfloat16>(input);
      std::vector<bfloat16> halves(in.size());
      fake_quantize<nvfp4_modelopt_kernel>(on_host{}, {in.data(), shape}, matrix_view<bfloat16>{halves.data(), shape},
                                           {{}, amax});
      out = qgrain_test::widened(halves);
    }
    result.add(label, "values", differences(out, expected) == 0);
    // The run-time recipe, one row at a time, with the tensor's range given.
    const auto in = input.floats();
    std::vector<float> rows(in.size());
    for (index_t r = 0; r < shape.rows; ++r) {
      const shape2d row{1, shape.cols};
      fake_quantize(recipe, {in.data() + r * shape.cols, row}, {rows.data() + r * shape.cols, row}, {&amax, 1}, r);
    }
    result.add(label, "values of the recipe", differences(qgrain_test::rounded_to(input.dtype, rows), expected) == 0);
  }
  result.report("modelopt_nvfp4");
  BOOST_TEST(file.cases().size() == 26U);
}

BOOST_AUTO_TEST_CASE(two_level_nvfp4_of_torchao) {
  const vector_file file("torchao_nvfp4");
  counts result;
  std::size_t one_level = 0;
  for (const auto& [label, remark] : file.cases()) {
    if (label.starts_with("one.")) {
      ++one_level;  // a scale without the tensor's: not a recipe here
      continue;
    }
    // bfloat16 rounds the tensor's scale to bfloat16 when it dequantizes: scales and codes are compared, values are
    // not.
    const bool values = !label.ends_with(".bf16");
    if (values) {
      compare_case<nvfp4_torchao>(file, label, result, {}, {});
    } else {
      const tensor input = file.get(label + ".input");
      const auto in = input.floats();
      const auto got =
          quantize<nvfp4_torchao>(on_host{}, matrix_view<const float>{in.data(), matrix_shape(input, false)});
      result.add(label, "scales", got.scales == file.get(label + ".scales").as<std::uint8_t>());
      result.add(label, "codes", got.codes == file.get(label + ".codes").as<std::uint8_t>());
    }
  }
  result.report("torchao_nvfp4 (two levels)");
  BOOST_TEST_MESSAGE(file.cases().size() - one_level << " of " << file.cases().size()
                                                     << " cases, not covered: " << one_level << " of one level");
  BOOST_TEST(file.cases().size() == 22U);
  BOOST_TEST(one_level == 4U);
}
