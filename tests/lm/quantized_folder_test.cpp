// Folders of compressed-tensors, ModelOpt and DeepSeek's kind are the models that their weights stand for, and what
// cannot be read is named.
#include <common/file.hpp>
#include <lm/lm_support.hpp>
#include <lm/logits_of.hpp>

#include <qgrain/core/half.hpp>

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <fstream>

namespace {

namespace fs = std::filesystem;
using namespace qgrain::lm;
using namespace qgrain::lm::testing;
using qgrain::errc;
using qgrain::index_t;

/// A safetensors file of parts made by hand, beside a config.json with one `quantization_config`.
class made_folder {
 public:
  explicit made_folder(const std::string& quantization_config) {
    std::ofstream(folder_.path() / "config.json") << "{\"quantization_config\": " << quantization_config << '}';
  }
  template <class Element>
  made_folder& add(const std::string& name, dtype type, std::vector<std::int64_t> shape,
                   const std::vector<Element>& values) {
    plan_.push_back({name, type, std::move(shape)});
    const auto bytes = std::as_bytes(std::span(values));
    data_.emplace_back(bytes.begin(), bytes.end());
    return *this;
  }
  [[nodiscard]] checkpoint open() const {
    safetensors_writer writer(folder_.path() / "model.safetensors", plan_);
    for (std::size_t i = 0; i < data_.size(); ++i) writer.write(i, 0, data_[i]);
    writer.finish();
    return checkpoint(folder_.path());
  }
  [[nodiscard]] std::vector<float> values(std::int64_t rows, std::int64_t cols) const {
    const checkpoint tensors = open();
    tensors.require("m.weight", std::array{rows, cols});
    std::vector<float> all(static_cast<std::size_t>(rows * cols));
    tensors.read("m.weight", 0, all);
    std::vector<float> middle(all.size() - 2);  // from within a row to within another
    tensors.read("m.weight", 1, middle);
    BOOST_TEST(middle == std::vector<float>(all.begin() + 1, all.end() - 1), boost::test_tools::per_element());
    return all;
  }

 private:
  temporary_folder folder_;
  std::vector<tensor_plan> plan_;
  std::vector<std::vector<std::byte>> data_;
};

const std::string modelopt = R"({"quant_method": "modelopt", "quant_algo": "FP8"})";
const std::string deepseek = R"({"quant_method": "fp8", "weight_block_size": [2, 3]})";
std::string packed(const std::string& version, int bits, const std::string& targets = "\"re:.*m\"") {
  return R"({"quant_method": "compressed-tensors", "format": "pack-quantized", "version": ")" + version +
         R"(", "config_groups": {"group_0": {"targets": [)" + targets + R"(], "weights": {"num_bits": )" +
         std::to_string(bits) + R"(, "type": "int", "strategy": "channel", "symmetric": true}}}})";
}

}  // namespace

// The folder with a head of its own.
void untie(const fs::path& from, const fs::path& to) {
  fs::copy(from, to);
  std::string config = qgrain::common::read_text_file(from / "config.json");
  const std::string tied = "\"tie_word_embeddings\": true";
  BOOST_TEST_REQUIRE(config.find(tied) != std::string::npos);
  config.replace(config.find(tied), tied.size(), "\"tie_word_embeddings\": false");
  std::ofstream(to / "config.json", std::ios::trunc) << config;
}

BOOST_AUTO_TEST_CASE(folders_of_the_tools_are_their_weights) {
  const temporary_folder scratch;
  const fs::path export_dir = fs::path(QGRAIN_SOURCE_DIR) / "tests/data/export";
  for (const std::string name : {"compressed-tensors/q3s-W4A16-ASYM-G64", "compressed-tensors/q3s-NVFP4",
                                 "compressed-tensors/q3s-mix", "modelopt/q3s-FP8", "modelopt/q3s-auto"}) {
    const safetensors_file wanted(export_dir / (name + ".logits.safetensors"));
    // The reader that gave the logits took the quantized head that the tool writes of a tied model; engines do not.
    const bool has_head = name == "modelopt/q3s-auto";
    const fs::path place = has_head ? scratch.path() / "untied" : export_dir / name;
    if (has_head) untie(export_dir / name, place);
    for (const std::string prompt : {"0", "1"}) {
      const std::vector<float> logits = floats_of(wanted, "weights.logits." + prompt);
      const std::vector<float> found = logits_of(place, ids_of(wanted, "prompt." + prompt));
      BOOST_TEST_REQUIRE(found.size() == logits.size());
      float most = 0;
      for (std::size_t i = 0; i < logits.size(); ++i) most = std::max(most, std::fabs(found[i] - logits[i]));
      BOOST_TEST_MESSAGE(name << ", prompt " << prompt << ": " << most);
      BOOST_TEST(most < 2e-5F, name);
    }
    const std::vector<std::string> warnings = model(export_dir / name).warnings();
    BOOST_TEST(warnings.size() == (has_head ? 1U : 0U), name);
    if (!warnings.empty())
      BOOST_TEST(warnings[0].find("lm_head is quantized, but the head is tied") != std::string::npos);
  }
}

// Codes by scales, written out.
BOOST_AUTO_TEST_CASE(values_of_each_form) {
  const auto bf16 = [](std::vector<float> values) {
    std::vector<qgrain::bfloat16> rounded;
    for (const float value : values) rounded.push_back(qgrain::from_float<qgrain::bfloat16>(value));
    return rounded;
  };
  using bytes = std::vector<std::uint8_t>;
  using floats = std::vector<float>;
  const auto equal = [](const floats& found, const floats& wanted) {
    BOOST_TEST(found == wanted, boost::test_tools::per_element());
  };
  // 1, 2, -1, 0.5 in E4M3.
  const bytes e4m3{0x38, 0x40, 0xB8, 0x30};
  equal(made_folder(modelopt)
            .add("m.weight", dtype::f8_e4m3, {2, 2}, e4m3)
            .add("m.weight_scale", dtype::f32, {}, floats{0.5F})
            .values(2, 2),
        {0.5F, 1, -0.5F, 0.25F});
  equal(made_folder(modelopt)
            .add("m.weight", dtype::f8_e4m3, {2, 2}, e4m3)
            .add("m.weight_scale", dtype::f32, {2}, floats{2, 4})
            .values(2, 2),
        {2, 4, -4, 2});
  equal(made_folder(modelopt)
            .add("m.weight", dtype::f8_e4m3, {2, 2}, e4m3)
            .add("m.input_scale", dtype::f32, {}, floats{9})
            .add("m.weight_scale", dtype::bf16, {2, 1}, bf16({2, 4}))
            .values(2, 2),
        {2, 4, -4, 2});
  // ModelOpt's tiles have four dimensions, all of a small matrix one scale.
  equal(made_folder(modelopt)
            .add("m.weight", dtype::f8_e4m3, {2, 2}, e4m3)
            .add("m.weight_scale", dtype::f32, {1, 1, 1, 1}, floats{3})
            .values(2, 2),
        {3, 6, -3, 1.5F});
  // Tiles of 2 x 3 over 3 x 4, short ones at the ends.
  equal(made_folder(deepseek)
            .add("m.weight", dtype::f8_e4m3, {3, 4}, bytes(12, 0x38))
            .add("m.weight_scale_inv", dtype::f32, {2, 2}, floats{1, 2, 3, 4})
            .values(3, 4),
        {1, 1, 1, 2, 1, 1, 1, 2, 3, 3, 3, 4});
  equal(made_folder(packed("0.20.1", 8))
            .add("m.weight", dtype::i8, {2, 2}, std::vector<std::int8_t>{-128, 127, 3, 0})
            .add("m.weight_scale", dtype::bf16, {2, 1}, bf16({2, 4}))
            .values(2, 2),
        {-256, 254, 12, 0});
  // MXFP8 and MXFP4: 2^(127 - 127) and 2^(130 - 127).
  floats wanted(64, 1.0F);
  std::fill(wanted.begin() + 32, wanted.end(), 8.0F);
  equal(made_folder(modelopt)
            .add("m.weight", dtype::f8_e4m3, {2, 32}, bytes(64, 0x38))
            .add("m.weight_scale", dtype::u8, {2, 1}, bytes{127, 130})
            .values(2, 32),
        wanted);
  equal(made_folder(modelopt)
            .add("m.weight", dtype::u8, {2, 16}, bytes(32, 0x22))
            .add("m.weight_scale", dtype::u8, {2, 1}, bytes{127, 130})
            .values(2, 32),
        wanted);
  // NVFP4: ModelOpt multiplies by the tensor scale, compressed-tensors divides. The first element is in the low bits.
  bytes pairs(8, 0);
  pairs[0] = 0x72;  // 1, 6
  floats nvfp4(16, 0.0F);
  nvfp4[0] = 4;
  nvfp4[1] = 24;
  equal(made_folder(modelopt)
            .add("m.weight", dtype::u8, {1, 8}, pairs)
            .add("m.weight_scale", dtype::f8_e4m3, {1, 1}, bytes{0x40})
            .add("m.weight_scale_2", dtype::f32, {}, floats{2})
            .values(1, 16),
        nvfp4);
  equal(made_folder(packed("0.20.1", 4))
            .add("m.weight_packed", dtype::u8, {1, 8}, pairs)
            .add("m.weight_scale", dtype::f8_e4m3, {1, 1}, bytes{0x40})
            .add("m.weight_global_scale", dtype::f32, {1}, floats{0.5F})
            .values(1, 16),
        nvfp4);
  // Two rows in a byte, two's complement; AWQ's factors of the inputs.
  equal(made_folder(modelopt)
            .add("m.weight", dtype::u8, {1, 2}, bytes{0x8F, 0x72})
            .add("m.weight_scale", dtype::f32, {2, 1}, floats{1, 0.5F})
            .add("m.pre_quant_scale", dtype::bf16, {2}, bf16({1, 2}))
            .values(2, 2),
        {-1, 4, -4, 7});
}

// The same eleven codes of 3 bits, -4 to 3 and on, in the two ways of the tool.
BOOST_AUTO_TEST_CASE(words_of_both_versions) {
  std::vector<std::uint32_t> old(2), dense(2);
  std::vector<float> wanted;
  for (std::uint32_t c = 0; c < 11; ++c) {
    const std::uint32_t field = (c * 3 + 1) % 8;
    wanted.push_back(static_cast<float>(field) - 4.0F);
    old[c / 10] |= field << (c % 10 * 3);
    const std::uint64_t both = std::uint64_t{field} << (c * 3);
    dense[0] |= static_cast<std::uint32_t>(both);
    dense[1] |= static_cast<std::uint32_t>(both >> 32U);
  }
  const std::vector<std::int64_t> shape{1, 11};
  const auto values = [&](const std::string& version, const std::vector<std::uint32_t>& words) {
    return made_folder(packed(version, 3))
        .add("m.weight_packed", dtype::i32, {1, 2}, words)
        .add("m.weight_scale", dtype::f32, {1, 1}, std::vector<float>{1})
        .add("m.weight_shape", dtype::i64, {2}, shape)
        .values(1, 11);
  };
  BOOST_TEST(values("0.12.2", old) == wanted, boost::test_tools::per_element());
  BOOST_TEST(values("0.20.1", dense) == wanted, boost::test_tools::per_element());
  // 64 codes: the number of words tells, whatever the version says.
  const std::vector<std::uint32_t> seven(7, 0);
  const std::vector<float> lowest(64, -4.0F);
  BOOST_TEST((made_folder(packed("0.20.1", 3))
                  .add("m.weight_packed", dtype::i32, {1, 7}, seven)
                  .add("m.weight_scale", dtype::f32, {1, 1}, std::vector<float>{1})
                  .add("m.weight_shape", dtype::i64, {2}, std::vector<std::int64_t>{1, 64})
                  .values(1, 64)) == lowest,
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(zero_points_and_order) {
  // Codes 0 to 3 of 4 bits over two groups of two columns, two rows; zero points along dimension 0, the rows' ones.
  const std::vector<std::uint32_t> codes{0x3210, 0x3210};
  const std::vector<std::uint32_t> zeros{0x21, 0x43};  // of the groups: rows 0 and 1
  made_folder folder(packed("0.20.1", 4));
  folder.add("m.weight_packed", dtype::i32, {2, 1}, codes)
      .add("m.weight_scale", dtype::f32, {2, 2}, std::vector<float>{1, 10, 100, 1000})
      .add("m.weight_zero_point", dtype::i32, {1, 2}, zeros)
      .add("m.weight_shape", dtype::i64, {2}, std::vector<std::int64_t>{2, 4});
  BOOST_TEST(folder.values(2, 4) == (std::vector<float>{-1, 0, -10, 0, -200, -100, -2000, -1000}),
             boost::test_tools::per_element());
  folder.add("m.weight_g_idx", dtype::i32, {4}, std::vector<std::int32_t>{1, 0, 1, 0});
  BOOST_TEST(folder.values(2, 4) == (std::vector<float>{-30, 0, -10, 2, -4000, -100, -2000, 100}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(what_is_not_read_is_named) {
  const auto refused = [](errc code, const std::vector<std::string>& words, const made_folder& folder) {
    expect_error(code, words, [&] { (void)folder.values(2, 2); });
  };
  const std::vector<float> one{1};
  const std::vector<std::uint8_t> bytes(4, 0x38);
  refused(errc::unsupported, {"quantization_config", "\"gptq\"", "compressed-tensors, modelopt, fp8"},
          made_folder(R"({"quant_method": "gptq"})"));
  refused(errc::unsupported, {"format \"marlin-24\" is not read", "pack-quantized"},
          made_folder(R"({"quant_method": "compressed-tensors", "format": "marlin-24", "config_groups": {}})"));
  refused(errc::unsupported, {"transform_config"},
          made_folder(R"({"quant_method": "compressed-tensors", "transform_config": {"a": {}}, "config_groups": {}})"));
  refused(errc::unsupported, {"sparsity_config.format \"sparse-24-bitmask\""},
          made_folder(R"({"quant_method": "compressed-tensors", "sparsity_config": {"format": "sparse-24-bitmask"}})"));
  made_folder unknown(modelopt);
  refused(errc::unsupported, {"\"m.svd_a\"", "\"svd_a\" is no part of a weight"},
          unknown.add("m.weight", dtype::f8_e4m3, {2, 2}, bytes)
              .add("m.weight_scale", dtype::f32, {}, one)
              .add("m.svd_a", dtype::f32, {1}, one));
  made_folder shapes(modelopt);
  refused(errc::bad_file, {"\"m.weight_scale\" is F32 [3]", "one per row", "[2, 2]"},
          shapes.add("m.weight", dtype::f8_e4m3, {2, 2}, bytes)
              .add("m.weight_scale", dtype::f32, {3}, std::vector<float>{1, 2, 3}));
  made_folder half(modelopt);
  refused(errc::bad_file, {"\"m.weight_scale_2\" is missing"},
          half.add("m.weight", dtype::u8, {2, 8}, std::vector<std::uint8_t>(16))
              .add("m.weight_scale", dtype::f8_e4m3, {2, 1}, std::vector<std::uint8_t>(2)));
  made_folder lonely(packed("0.20.1", 4, "\"other\""));
  refused(errc::bad_file, {"\"m.weight_packed\" holds codes, but no group of", "has m"},
          lonely.add("m.weight_packed", dtype::i32, {2, 1}, std::vector<std::int32_t>(2))
              .add("m.weight_scale", dtype::f32, {2, 1}, std::vector<float>(2))
              .add("m.weight_shape", dtype::i64, {2}, std::vector<std::int64_t>{2, 2}));
  made_folder words(packed("0.20.1", 4, "\"Linear\""));
  refused(errc::bad_file, {"\"m.weight_packed\" is I32 [2, 3]", "4 bits of each of [2, 2]"},
          words.add("m.weight_packed", dtype::i32, {2, 3}, std::vector<std::int32_t>(6))
              .add("m.weight_scale", dtype::f32, {2, 1}, std::vector<float>(2))
              .add("m.weight_shape", dtype::i64, {2}, std::vector<std::int64_t>{2, 2}));
}
