// Stores against the bytes that tools wrote: read to codes and values, and written back to the same bytes.
#include <support/vector_file.hpp>
#include <support/vector_matrix.hpp>

#include <qgrain/interop/compressed_tensors.hpp>
#include <qgrain/interop/ggml.hpp>
#include <qgrain/interop/modelopt.hpp>

#include <cstring>
#include <interop/interop_support.hpp>
#include <vector>

using namespace qgrain;
using namespace qgrain::interop;
using qgrain_test::tensor;
using qgrain_test::vector_file;

namespace {

struct golden {
  const vector_file& file;
  std::string label;
  [[nodiscard]] tensor part(const char* name) const { return file.get(label + "." + name); }
  [[nodiscard]] bool has(const char* name) const { return file.has(label + "." + name); }
  [[nodiscard]] shape2d shape() const { return qgrain_test::matrix_shape(part("input"), false); }
};

scale_array floats_of(const tensor& t) {
  if (t.dtype == "BF16") return scale_array(std::span<const bfloat16>(qgrain_test::elements_of<bfloat16>(t)));
  return scale_array(std::span<const float>(t.as<float>()));
}

/// Codes of the file, one per byte, without the padding of its rows.
std::vector<std::uint8_t> stored_codes(const golden& from, shape2d shape, int offset = 0) {
  const tensor codes = from.part("codes");
  const index_t width = codes.count() / shape.rows;
  std::vector<std::uint8_t> kept;
  for (index_t r = 0; r < shape.rows; ++r) {
    for (index_t c = 0; c < shape.cols; ++c) {
      kept.push_back(static_cast<std::uint8_t>(codes.bytes[static_cast<std::size_t>(r * width + c)] + offset));
    }
  }
  return kept;
}

/// Where the tool computed in float32, its own values; -0 equals 0.
void compare_values(const golden& from, const code_matrix& codes) {
  if (!from.has("dequant") || from.label.ends_with("bf16")) return;
  BOOST_TEST((qgrain_test::values_of(codes) == from.part("dequant").floats()), from.label << ": values differ");
}

std::size_t for_each_case(const std::string& name, const auto& visit) {
  const vector_file file(name);
  for (const auto& [label, remark] : file.cases()) visit(golden{file, label});
  BOOST_TEST_MESSAGE(name << ": " << file.cases().size() << " cases both ways");
  return file.cases().size();
}

template <class Store>
void block_store_case(const golden& from, const char* elements) {
  Store store{from.shape(), from.part(elements).as<std::uint8_t>(), from.part("scales").as<std::uint8_t>()};
  if (from.has("global_scale")) store.tensor_scale = from.part("global_scale").floats().at(0);
  const code_matrix codes = store.codes();
  BOOST_TEST((codes.codes == stored_codes(from, store.shape)), from.label << ": codes differ");
  compare_values(from, codes);
  const Store back = Store::from_codes(codes);
  BOOST_TEST((back.elements == store.elements), from.label << ": elements differ");
  BOOST_TEST((back.scales == store.scales), from.label << ": scales differ");
  BOOST_TEST(back.tensor_scale == store.tensor_scale);
}

template <class Block>
std::size_t ggml_file(const std::string& name) {
  return for_each_case(name, [](const golden& from) {
    const tensor packed = from.part("packed");
    ggml_weights<Block> store{from.shape(), std::vector<Block>(packed.bytes.size() / sizeof(Block))};
    std::memcpy(store.blocks.data(), packed.bytes.data(), packed.bytes.size());
    const code_matrix codes = store.codes();
    compare_values(from, codes);
    const auto back = ggml_weights<Block>::from_codes(codes);
    BOOST_TEST_REQUIRE(back.blocks.size() == store.blocks.size());
    BOOST_TEST(std::memcmp(back.blocks.data(), store.blocks.data(), packed.bytes.size()) == 0, from.label);
  });
}

/// Formats that only readers exist for: values, then values again after a round trip (scale bytes may change: the sign
/// is not looked at).
template <class Block>
void ggml_decoded(const char* label) {
  const vector_file file("gguf_decode");
  const golden from{file, label};
  const tensor packed = from.part("packed");
  const tensor dequant = from.part("dequant");
  ggml_weights<Block> store{{dequant.shape.at(0), dequant.shape.at(1)},
                            std::vector<Block>(packed.bytes.size() / sizeof(Block))};
  std::memcpy(store.blocks.data(), packed.bytes.data(), packed.bytes.size());
  BOOST_TEST((qgrain_test::values_of(store.codes()) == dequant.floats()));
  const auto back = ggml_weights<Block>::from_codes(store.codes());
  BOOST_TEST((qgrain_test::values_of(back.codes()) == dequant.floats()));
}

}  // namespace

BOOST_AUTO_TEST_CASE(compressed_tensors_pack_int32) {
  const std::size_t cases = for_each_case("compressed_tensors_pack_int32", [](const golden& from) {
    const tensor codes = from.part("codes");
    ct_packed_weights store;
    store.shape = {codes.shape.at(0), codes.shape.at(1)};
    const bool plain = from.label.starts_with("pack.");
    store.bits = plain ? from.label.at(8) - '0' : 4;
    store.weight_packed = from.part("packed").as<std::int32_t>();
    store.group_size = store.shape.cols;
    if (plain) {
      store.weight_scale =
          scale_array(std::span<const float>(std::vector<float>(static_cast<std::size_t>(store.shape.rows), 1.0F)));
    } else {
      store.weight_scale = floats_of(from.part("scales"));
      store.group_size = store.shape.cols / from.part("scales").shape.at(1);
      BOOST_TEST((from.part("shape").as<std::int64_t>() == std::vector{store.shape.rows, store.shape.cols}));
    }
    const int offset = 1 << (store.bits - 1);
    if (from.has("packed_zero_points")) {
      store.weight_zero_point = from.part("packed_zero_points").as<std::int32_t>();
      std::vector<std::int32_t> zeros;
      for (const std::int8_t zero : from.part("zero_points").as<std::int8_t>()) zeros.push_back(zero + offset);
      BOOST_TEST((store.codes().zero_points == zeros), from.label << ": zero points differ");
    }
    const code_matrix got = store.codes();
    BOOST_TEST((got.codes == stored_codes(from, store.shape, offset)), from.label << ": codes differ");
    compare_values(from, got);
    const auto back = ct_packed_weights::from_codes(got);
    BOOST_TEST((back.weight_packed == store.weight_packed), from.label);
    BOOST_TEST((back.weight_zero_point == store.weight_zero_point), from.label);
    BOOST_TEST((back.weight_scale == store.weight_scale), from.label);
  });
  BOOST_TEST(cases == 16U);
}

BOOST_AUTO_TEST_CASE(nvfp4_of_both_tools) {
  const auto visit_ct = [](const golden& from) { block_store_case<ct_nvfp4_weights>(from, "packed"); };
  const auto visit_modelopt = [](const golden& from) { block_store_case<modelopt_nvfp4_weights>(from, "packed"); };
  BOOST_TEST(for_each_case("compressed_tensors_nvfp4", visit_ct) == 17U);
  BOOST_TEST(for_each_case("modelopt_real_nvfp4", visit_modelopt) == 21U);
}

BOOST_AUTO_TEST_CASE(modelopt_mx) {
  const auto four = [](const golden& from) { block_store_case<modelopt_mxfp4_weights>(from, "packed"); };
  const auto eight = [](const golden& from) { block_store_case<modelopt_mxfp8_weights>(from, "codes"); };
  BOOST_TEST(for_each_case("modelopt_real_mxfp4", four) == 6U);
  BOOST_TEST(for_each_case("modelopt_real_mxfp8", eight) == 7U);
}

BOOST_AUTO_TEST_CASE(modelopt_int4_packed) {
  const std::size_t cases = for_each_case("modelopt_real_int4", [](const golden& from) {
    const modelopt_int4_weights store{from.shape(), from.label.starts_with("per_group128") ? 128 : 32,
                                      from.part("packed").as<std::uint8_t>(), floats_of(from.part("scales"))};
    const code_matrix codes = store.codes();
    BOOST_TEST((codes.codes == stored_codes(from, store.shape)), from.label << ": codes differ");
    compare_values(from, codes);
    const auto back = modelopt_int4_weights::from_codes(codes);
    BOOST_TEST((back.packed == store.packed), from.label);
    BOOST_TEST((back.scales == store.scales), from.label);
  });
  BOOST_TEST(cases == 12U);
}

BOOST_AUTO_TEST_CASE(modelopt_nf4_with_quantized_scales) {
  std::size_t compared = 0;
  for_each_case("modelopt_real_nf4", [&](const golden& from) {
    if (from.label.ends_with("bf16")) return;  // the tool computes scales in bfloat16 there; a store has floats
    modelopt_nf4_weights store;
    store.shape = from.shape();
    store.packed = from.part("packed").as<std::uint8_t>();
    store.scales = from.part("scales").as<std::int8_t>();
    store.scale_group = from.label.starts_with("scale4.") ? 4 : 64;
    store.double_scales = from.part("double_scales").floats();
    store.scale_zero = from.part("scale_zeros").floats().at(0);
    const code_matrix codes = store.codes();
    BOOST_TEST((codes.codes == stored_codes(from, store.shape)), from.label << ": codes differ");
    compare_values(from, codes);
    const auto back = modelopt_nf4_weights::from_codes(codes, store.scale_group, store.double_scales, store.scale_zero);
    BOOST_TEST((back.packed == store.packed), from.label);
    BOOST_TEST((back.scales == store.scales), from.label);
    // Scales between the steps are refused.
    code_matrix other = codes;
    other.scales.patterns[0] += 1;
    qgrain_test::check_sentence(
        [&] {
          static_cast<void>(
              modelopt_nf4_weights::from_codes(other, store.scale_group, store.double_scales, store.scale_zero));
        },
        {"ModelOpt NF4QTensor cannot hold", "int8 steps"});
    ++compared;
  });
  BOOST_TEST_MESSAGE("modelopt_real_nf4: " << compared << " of them in float32 and compared");
  BOOST_TEST(compared == 8U);
}

BOOST_AUTO_TEST_CASE(ggml_blocks) {
  BOOST_TEST(ggml_file<ggml_q8_0>("gguf_q8_0") == 4U);
  BOOST_TEST(ggml_file<ggml_q4_0>("gguf_q4_0") == 4U);
  BOOST_TEST(ggml_file<ggml_q4_1>("gguf_q4_1") == 4U);
  BOOST_TEST(ggml_file<ggml_q5_0>("gguf_q5_0") == 4U);
  BOOST_TEST(ggml_file<ggml_q5_1>("gguf_q5_1") == 4U);
  BOOST_TEST(ggml_file<ggml_mxfp4>("gguf_mxfp4") == 4U);
  ggml_decoded<ggml_nvfp4>("NVFP4");
  ggml_decoded<ggml_iq4_nl>("IQ4_NL");
}
