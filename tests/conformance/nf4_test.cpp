// ModelOpt's NF4 tensors: codes, block scales, quantized scales, values.
#include <support/conformance.hpp>

#include <qgrain/granularity/per_group.hpp>
#include <qgrain/quantizer/modelopt_nf4.hpp>
#include <qgrain/quantizer/packing.hpp>

using namespace qgrain;
using qgrain_test::conformance;
using qgrain_test::tensor;

namespace {

template <class T>
void one_case(conformance& books, const std::string& label) {
  using recipe = modelopt_packed_nf4<per_group<64>, T>;
  using second = double_quantized_scales<T>;
  const tensor input = books.file.get(label + ".input");
  const shape2d shape = qgrain_test::matrix_shape(input, false);
  const auto bytes = [&](const char* part) { return books.file.get(label + "." + part).bytes; };
  const auto floats = [&](const char* part) { return books.file.get(label + "." + part).floats(); };
  const auto got = qgrain_test::encode_own<recipe>(input.floats(), shape);
  std::vector<std::uint8_t> packed(static_cast<std::size_t>(packed_bytes(shape.elements(), 4)));
  pack_codes(got.codes.data(), shape.elements(), 4, bit_order::high_first, packed.data());

  // Scales, padded with zeros to whole groups of scales.
  const float offset = floats("scale_zeros").at(0);
  std::vector<float> scales = qgrain_test::widened(got.scales);
  const std::size_t group = label.starts_with("scale4.") ? 4 : 64;
  scales.resize((scales.size() + group - 1) / group * group);
  std::vector<float> multipliers;
  std::vector<std::int8_t> codes;
  for (std::size_t first = 0; first < scales.size(); first += group) {
    float absmax = 0.0F;
    for (std::size_t i = 0; i < group; ++i) absmax = widened(absmax, second::centred(scales[first + i], offset));
    multipliers.push_back(second::multiplier(absmax));
    for (std::size_t i = 0; i < group; ++i) {
      codes.push_back(second::encode(second::centred(scales[first + i], offset), multipliers.back()));
    }
  }
  books.begin(label);
  books.given("scale_zeros");
  books.compare("codes", qgrain_test::bytes_of(got.codes) == bytes("codes"));
  books.compare("packed", qgrain_test::bytes_of(packed) == bytes("packed"));
  books.compare("block_scales", scales == floats("block_scales"));
  books.compare("double_scales", multipliers == floats("double_scales"));
  books.compare("scales", qgrain_test::bytes_of(codes) == bytes("scales"));
  if (books.file.has(label + ".dequant")) {
    std::vector<float> values;
    for (index_t i = 0; i < shape.elements(); ++i) {
      const auto at = static_cast<std::size_t>(recipe::scale_index(shape, i / shape.cols, i % shape.cols));
      const float scale = second::decode(codes[at], multipliers[at / group], offset);
      const float level = recipe::format_type::decode(got.codes[static_cast<std::size_t>(i)]);
      values.push_back(arithmetic_in<T>::mul(level, scale));
    }
    books.compare("dequant", qgrain_test::differences(values, floats("dequant")) == 0);
  }
  books.end();
}

}  // namespace

BOOST_AUTO_TEST_CASE(modelopt_real_nf4) {
  conformance books("modelopt_real_nf4");
  for (const auto& [label, remark] : books.file.cases()) {
    if (label.ends_with("bf16")) {
      one_case<bfloat16>(books, label);
    } else {
      one_case<float>(books, label);
    }
  }
  books.finish({12});
}
