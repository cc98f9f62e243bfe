// Checkpoint folders written: the tools' own byte for byte, scored values kept, files copied, runs that were stopped.
#include <common/json.hpp>
#include <lm/lm_support.hpp>
#include <quantize/host_tensor.hpp>

#include <boost/test/unit_test.hpp>

#include <cstring>
#include <export/export_support.hpp>
#include <export/folder/folder_export.hpp>
#include <export/folder/staged_folder.hpp>
#include <fstream>

namespace {

namespace fs = std::filesystem;
using namespace qgrain::lm;
using namespace qgrain::lm::testing;
using namespace qgrain::exports;
using namespace qgrain::exports::testing;
using qgrain::errc;

float to_bfloat16(float value) {
  qgrain::convert::round_to_type(std::span(&value, 1), dtype::bf16);
  return value;
}

// A bfloat16 near `start` that `is_it` holds for: the range that a tool wrote as a scale.
template <class Holds>
float range_near(float start, const Holds& is_it) {
  std::uint32_t bits = 0;
  std::memcpy(&bits, &start, sizeof bits);
  for (std::uint32_t step = 0; step < 40; ++step) {
    for (const std::uint32_t pattern : {(bits >> 16) + step, (bits >> 16) - step}) {
      const std::uint32_t wide = pattern << 16;
      float value = 0;
      std::memcpy(&value, &wide, sizeof value);
      if (is_it(value)) return value;
    }
  }
  BOOST_FAIL("no range gives the scale");
  return 0;
}

// Chosen schemes with the ranges of inputs that the golden folder was made with.
std::vector<layer_choice> choices_of_golden(const model& m, const fs::path& golden,
                                            const std::map<std::string, std::string>& schemes) {
  const safetensors_file file(golden / "model.safetensors");
  std::vector<layer_choice> choices = by_name(m, schemes);
  for (std::size_t l = 0; l < choices.size(); ++l) {
    const std::string name = m.linears()[l].name;
    if (file.find(name + ".input_scale") != nullptr) {
      const float scale = floats_of(file, name + ".input_scale").front();
      const float most = file.find(name + ".weight_scale_2") != nullptr ? 2688.0F : 448.0F;
      choices[l].input_amax = {range_near(scale * most, [&](float amax) { return amax / most == scale; })};
    } else if (file.find(name + ".input_global_scale") != nullptr) {
      const float divisor = floats_of(file, name + ".input_global_scale").front();
      choices[l].input_amax = {
          range_near(2688.0F / divisor, [&](float amax) { return to_bfloat16(2688.0F / amax) == divisor; })};
    }
  }
  return choices;
}

void expect_equal_tensors(const fs::path& found_folder, const fs::path& golden) {
  const safetensors_file found(found_folder / "model.safetensors");
  const safetensors_file wanted(golden / "model.safetensors");
  BOOST_TEST(found.tensors().size() == wanted.tensors().size());
  for (const tensor_info& tensor : wanted.tensors()) {
    const tensor_info* own = found.find(tensor.name);
    BOOST_TEST_REQUIRE(own != nullptr, tensor.name);
    BOOST_TEST((own->type == tensor.type && own->shape == tensor.shape), tensor.name);
    BOOST_TEST((bytes_of_tensor(found, *own) == bytes_of_tensor(wanted, tensor)), tensor.name);
  }
}

// Keys that the tool writes and a reader of version 0.12 refuses, or that say nothing.
void erase_tool_keys(boost::json::object& config) {
  boost::json::object& quantization = config.at("quantization_config").as_object();
  if (quantization.at("quant_method") != "compressed-tensors") return;
  quantization.erase("moe_sparsity_config");
  for (auto& [name, group] : quantization.at("config_groups").as_object()) {
    for (const char* key : {"weights", "input_activations"}) {
      if (boost::json::object* arguments = group.as_object().at(key).if_object()) arguments->erase("scale_dtype");
    }
  }
}

void expect_equal_documents(const fs::path& found, const fs::path& golden, bool is_untied = false) {
  boost::json::object config = qgrain::common::read_json_object(golden / "config.json");
  erase_tool_keys(config);
  if (is_untied) config["tie_word_embeddings"] = false;
  BOOST_TEST(qgrain::common::read_json_object(found / "config.json") == config);
  if (!fs::exists(golden / "hf_quant_config.json")) return;
  BOOST_TEST(qgrain::common::read_json_object(found / "hf_quant_config.json") ==
             qgrain::common::read_json_object(golden / "hf_quant_config.json"));
}

// Every Linear of a block under one scheme.
std::map<std::string, std::string> everywhere(const std::string& scheme) { return {{"_proj", scheme}}; }

}  // namespace

BOOST_AUTO_TEST_CASE(golden_folders_of_compressed_tensors) {
  const model m(base_dir());
  const std::map<std::string, std::string> mix{
      {"0.self_attn.q_proj", "FP8_DYNAMIC"}, {"0.self_attn.k_proj", "FP8_DYNAMIC"},
      {"0.self_attn.v_proj", "FP8_DYNAMIC"}, {"0.self_attn.o_proj", "FP8_DYNAMIC"},
      {"0.mlp.gate_proj", "W4A16/group64"},  {"0.mlp.up_proj", "W4A16/group64"},
      {"1.mlp.down_proj", "W4A16/group64"},  {"1.self_attn.q_proj", "NVFP4"},
      {"1.self_attn.k_proj", "NVFP4"},       {"1.self_attn.v_proj", "NVFP4"},
      {"1.mlp.gate_proj", "NVFP4"},          {"1.mlp.up_proj", "NVFP4"},
      {"1.self_attn.o_proj", "W8A8"}};
  for (const auto& [name, schemes] :
       std::map<std::string, std::map<std::string, std::string>>{{"q3s-W4A16-ASYM-G64", everywhere("W4A16_ASYM/group64")},
                                                                 {"q3s-NVFP4", everywhere("NVFP4")},
                                                                 {"q3s-mix", mix}}) {
    BOOST_TEST_CONTEXT(name) {
      const temporary_folder folder;
      const fs::path golden = export_dir() / "compressed-tensors" / name;
      const fs::path out = folder.path() / "out";
      write(m, choices_of_golden(m, golden, schemes), {target::compressed_tensors}, out, name == "q3s-mix" ? 3 : 1);
      expect_equal_tensors(out, golden);
      expect_equal_documents(out, golden);
      // Even the order of the tensors is the tool's.
      BOOST_TEST((qgrain::common::read_text_file(out / "model.safetensors") ==
                  qgrain::common::read_text_file(golden / "model.safetensors")));
    }
  }
}

BOOST_AUTO_TEST_CASE(golden_folders_of_modelopt) {
  const model m(base_dir());
  const std::map<std::string, std::string> mix{
      {"0.self_attn.q_proj", "NVFP4"}, {"0.self_attn.k_proj", "NVFP4"}, {"0.self_attn.v_proj", "NVFP4"},
      {"0.self_attn.o_proj", "FP8"},   {"0.mlp.gate_proj", "NVFP4"},    {"0.mlp.up_proj", "NVFP4"},
      {"0.mlp.down_proj", "FP8"},      {"1.self_attn.q_proj", "FP8"},   {"1.self_attn.k_proj", "FP8"},
      {"1.self_attn.v_proj", "FP8"},   {"1.self_attn.o_proj", "FP8"},   {"1.mlp.gate_proj", "NVFP4"},
      {"1.mlp.up_proj", "NVFP4"},      {"1.mlp.down_proj", "NVFP4"},    {"lm_head", "FP8"}};
  {
    const temporary_folder folder;
    const fs::path golden = export_dir() / "modelopt/q3s-FP8";
    write(m, choices_of_golden(m, golden, everywhere("FP8")), {target::modelopt}, folder.path() / "out");
    expect_equal_tensors(folder.path() / "out", golden);
    expect_equal_documents(folder.path() / "out", golden);
  }
  const fs::path golden = export_dir() / "modelopt/q3s-auto";
  const std::vector<layer_choice> choices = choices_of_golden(m, golden, mix);
  expect_refused(plan_folder(m, choices, {target::modelopt}), {"lm_head: the head is tied"});
  const temporary_folder folder;
  write(m, choices, {target::modelopt, true}, folder.path() / "out", 2);
  expect_equal_tensors(folder.path() / "out", golden);
  expect_equal_documents(folder.path() / "out", golden, true);
}
