// Checkpoint folders written: the tools' own byte for byte, scored values kept, files copied, runs that were stopped.
#include <common/json.hpp>
#include <lm/lm_support.hpp>
#include <quantize/host_tensor.hpp>

#include <boost/test/unit_test.hpp>

#include <cstring>
#include <export/engines/engine.hpp>
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
  for (const auto& [name, schemes] : std::map<std::string, std::map<std::string, std::string>>{
           {"q3s-W4A16-ASYM-G64", everywhere("W4A16_ASYM/group64")},
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

// Widths that have no scheme of their own, and MXFP8, by their names in the catalogue.
BOOST_AUTO_TEST_CASE(golden_weights_of_other_widths) {
  const model m(base_dir());
  const std::map<std::string, std::string> mix{{"0.self_attn.q_proj", "ct_mxfp8"},
                                               {"0.self_attn.k_proj", "MXFP8A16"},
                                               {"0.self_attn.v_proj", "ct_mxfp8"},
                                               {"0.self_attn.o_proj", "ct_int2/group32"},
                                               {"0.mlp.gate_proj", "ct_int3/group64"},
                                               {"0.mlp.up_proj", "ct_int3/group64/pack_dense"},
                                               {"0.mlp.down_proj", "ct_int5_asymmetric/per_out_channel"},
                                               {"1.self_attn.q_proj", "ct_int6_asymmetric/group32"},
                                               {"1.self_attn.k_proj", "ct_int6_asymmetric/group32"},
                                               {"1.self_attn.v_proj", "ct_int6_asymmetric/group32"},
                                               {"1.self_attn.o_proj", "ct_int7/group64"},
                                               {"1.mlp.gate_proj", "ct_int3_asymmetric/group32"},
                                               {"1.mlp.up_proj", "ct_int3_asymmetric/group32"},
                                               {"1.mlp.down_proj", "MXFP8"}};
  const temporary_folder folder;
  write(m, by_name(m, mix), {target::compressed_tensors}, folder.path() / "out", 2);
  expect_equal_tensors(folder.path() / "out", export_dir() / "compressed-tensors/q3s-narrow");
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

namespace {

// A copy of the base model in two shards, with files that no one knows and folders in it.
void write_sharded_copy(const fs::path& folder) {
  const safetensors_file source(base_dir() / "model.safetensors");
  boost::json::object weight_map;
  for (const int shard : {0, 1}) {
    const std::string name = "model-0000" + std::to_string(shard + 1) + "-of-00002.safetensors";
    std::vector<tensor_plan> plan;
    for (const tensor_info& tensor : source.tensors()) {
      if ((tensor.name.find("layers.1.") != std::string::npos ? 1 : 0) != shard) continue;
      plan.push_back({tensor.name, tensor.type, tensor.shape});
      weight_map[tensor.name] = name;
    }
    safetensors_writer writer(folder / name, plan);
    for (std::size_t t = 0; t < plan.size(); ++t) writer.write(t, 0, bytes_of_tensor(source, source.at(plan[t].name)));
    writer.finish();
  }
  std::ofstream(folder / "model.safetensors.index.json") << boost::json::object{{"weight_map", weight_map}};
  for (const char* name : {"config.json", "tokenizer.json", "tokenizer_config.json"})
    fs::copy_file(base_dir() / name, folder / name);
  fs::create_directories(folder / "original");
  std::ofstream(folder / "original/params.txt") << "kept";
  std::ofstream(folder / "original/consolidated.00.pth") << "weights of another form";
  std::ofstream(folder / "chat_template.jinja") << std::string("a\0b\r\n", 5);
}

std::string text_of(const fs::path& path) { return qgrain::common::read_text_file(path); }

std::map<std::string, std::vector<std::byte>> tensors_of(const fs::path& folder) {
  std::map<std::string, std::vector<std::byte>> tensors;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() != ".safetensors") continue;
    const safetensors_file file(entry.path());
    for (const tensor_info& tensor : file.tensors()) tensors[tensor.name] = bytes_of_tensor(file, tensor);
  }
  return tensors;
}

}  // namespace

BOOST_AUTO_TEST_CASE(shards_are_kept_and_other_files_copied) {
  const temporary_folder folder;
  fs::create_directories(folder.path() / "in");
  write_sharded_copy(folder.path() / "in");
  const model sharded(folder.path() / "in");
  const model whole(base_dir());
  const fs::path out = folder.path() / "out";
  const folder_plan plan = write(sharded, by_name(sharded, everywhere("W8A8")), {target::compressed_tensors}, out, 3);
  write(whole, by_name(whole, everywhere("W8A8")), {target::compressed_tensors}, folder.path() / "whole");
  BOOST_TEST((tensors_of(out) == tensors_of(folder.path() / "whole")));
  const boost::json::object index = qgrain::common::read_json_object(out / "model.safetensors.index.json");
  std::int64_t bytes = 0;
  for (const auto& [name, file] : index.at("weight_map").as_object()) {
    const safetensors_file shard(out / std::string(file.as_string()));
    bytes += shard.at(name).end - shard.at(name).begin;
  }
  BOOST_TEST(index.at("metadata").at("total_size").to_number<std::int64_t>() == bytes);
  BOOST_TEST(index.at("weight_map").as_object().size() == tensors_of(out).size());
  for (const char* name : {"tokenizer.json", "original/params.txt", "chat_template.jinja"})
    BOOST_TEST((text_of(out / name) == text_of(folder.path() / "in" / name)), name);
  BOOST_TEST(!fs::exists(out / "original/consolidated.00.pth"));
  BOOST_TEST(!fs::exists(out / ".qgrain-export.json"));
  BOOST_TEST(!fs::exists(folder.path() / "out.partial"));
  expect_error(errc::invalid_argument, {"lies in the model folder"}, [&] {
    write(sharded, by_name(sharded, everywhere("W8A8")), {target::compressed_tensors}, folder.path() / "in/out");
  });
  // The keys of config.json stay where they are.
  const boost::json::object before = qgrain::common::read_json_object(base_dir() / "config.json");
  const boost::json::object after = qgrain::common::read_json_object(out / "config.json");
  BOOST_TEST_REQUIRE(after.size() == before.size() + 1);
  for (auto a = after.begin(), b = before.begin(); b != before.end(); ++a, ++b) BOOST_TEST((a->key() == b->key()));
  // The plan's bits are those of the file.
  std::int64_t stored = 0;
  for (const planned_layer& layer : plan.table.layers) {
    for (const planned_tensor& tensor : layer.tensors)
      stored += static_cast<std::int64_t>(tensors_of(out).at(tensor.name).size());
  }
  BOOST_TEST(stored == plan.table.stored_bytes());
  BOOST_TEST(plan.table.effective_bits() == 8.0 * static_cast<double>(stored) / (2.0 * 147456));
}

BOOST_AUTO_TEST_CASE(stopped_exports_go_on) {
  const temporary_folder folder;
  fs::create_directories(folder.path() / "in");
  write_sharded_copy(folder.path() / "in");
  const model m(folder.path() / "in");
  const fs::path out = folder.path() / "out";
  const fs::path partial = folder.path() / "out.partial";
  const std::vector<layer_choice> choices = by_name(m, everywhere("MXFP4A16"));
  write(m, choices, {target::compressed_tensors}, folder.path() / "once");
  // As a run leaves it that was stopped behind its first shard: no config.json yet, and half of a file.
  const std::string second = "model-00002-of-00002.safetensors";
  write(m, choices, {target::compressed_tensors}, out);
  fs::rename(out, partial);
  fs::rename(partial / second, partial / (second + ".abcdef"));
  fs::remove(partial / "config.json");
  expect_error(errc::invalid_argument, {"out.partial", "--resume"},
               [&] { write(m, choices, {target::compressed_tensors}, out); });
  const auto kept = fs::last_write_time(partial / "model-00001-of-00002.safetensors");
  write(m, choices, {target::compressed_tensors}, out, 1, true);
  BOOST_TEST((tensors_of(out) == tensors_of(folder.path() / "once")));
  BOOST_TEST((fs::last_write_time(out / "model-00001-of-00002.safetensors") == kept));
  BOOST_TEST(!fs::exists(out / (second + ".abcdef")));
  BOOST_TEST(text_of(out / "config.json") == text_of(folder.path() / "once/config.json"));
  // Once more there is nothing to do; another plan is no continuation.
  write(m, choices, {target::compressed_tensors}, out, 1, true);
  expect_error(errc::invalid_argument, {"exists already"},
               [&] { write(m, by_name(m, everywhere("W8A8")), {target::compressed_tensors}, out, 1, true); });
  fs::rename(out, partial);
  std::ofstream(partial / ".qgrain-export.json") << "{}";
  expect_error(errc::invalid_argument, {"another model or plan"},
               [&] { write(m, choices, {target::compressed_tensors}, out, 1, true); });
}

BOOST_AUTO_TEST_CASE(what_no_folder_can_hold_is_refused_at_once) {
  const model m(base_dir());
  std::vector<layer_choice> choices = by_name(m, {{"0.self_attn.q_proj", "W4A16/group64"},
                                                  {"0.self_attn.k_proj", "W8A16"},
                                                  {"0.self_attn.v_proj", "W8A16"},
                                                  {"0.self_attn.o_proj", "nf4/group64"},
                                                  {"0.mlp.gate_proj", "W8A8"},
                                                  {"0.mlp.down_proj", "int4/group48"},
                                                  {"1.self_attn.o_proj", "fp8/per_tensor"},
                                                  {"1.mlp.down_proj", "int8/per_out_channel"},
                                                  {"1.mlp.gate_proj", "W8A16"},
                                                  {"1.mlp.up_proj", "W8A16"},
                                                  {"lm_head", "W8A16"}});
  choices[10].activation = "fp8/per_tensor_static";
  choices[13].activation = "int4/per_token_dynamic";
  choices[11].input_scale.assign(128, 1.0F);
  const folder_plan plan = plan_folder(m, choices, {target::compressed_tensors});
  expect_refused(plan, {"model.layers.0.self_attn.q_proj is W4A16 group64, model.layers.0.self_attn.k_proj is W8A16",
                        "o_proj: no folder target has a format for nf4/group64; gguf may",
                        "model.layers.0.mlp.gate_proj is W8A8, model.layers.0.mlp.up_proj is not quantized",
                        "down_proj: groups of 48 do not divide the 256 columns",
                        "need the range of the input of model.layers.1.self_attn.o_proj",
                        "down_proj: no engine knows activations as int4/per_token_dynamic",
                        "1.mlp.gate_proj: its input scale is not that of all Linears that read the same input",
                        "the head is tied"});
  const temporary_folder folder;
  qgrain::thread_pool pool(1);
  expect_error(errc::unsupported, {"nf4/group64", "group64", "tied"},
               [&] { (void)write_folder(m, plan, folder.path() / "out", pool); });
  BOOST_TEST(fs::is_empty(folder.path()));
  // Which target could.
  // What holds for many layers is said once.
  const folder_plan uniform = plan_folder(m, by_name(m, everywhere("int4/group64")), {target::modelopt});
  BOOST_TEST(uniform.table.refusals.sentences.size() == 1U);
  expect_refused(uniform, {"14 layers (model.layers.0.self_attn.q_proj, ...): modelopt has no place for W4A16 group64 "
                           "(int4/group64); compressed-tensors has"});
  expect_refused(plan_folder(m, by_name(m, everywhere("int8/per_out_channel")), {target::deepseek_fp8}),
                 {"deepseek-fp8 has no place for W8A16 (int8/per_out_channel); compressed-tensors has"});
  const folder_plan differing = plan_folder(m, by_name(m, {{"gate_proj", "W8A16"}}), {target::compressed_tensors});
  BOOST_TEST(differing.table.refusals.sentences.size() == 1U);
  expect_refused(differing, {"model.layers.0.mlp.up_proj is not quantized: engines make one layer of them "
                             "(model.layers.0.mlp.gate_up_proj), which has one scheme, as in 1 more that differ so"});
}

// The rules that were read in the engines' sources or met in loading, each by a plan that breaks it.
BOOST_AUTO_TEST_CASE(engines_refuse_what_they_do_not_read) {
  const model m(base_dir());
  const auto verdict = [&](serving_engine e, target to, const std::string& weight, const std::string& activation = "") {
    std::vector<layer_choice> choices = by_name(m, everywhere(weight));
    for (layer_choice& choice : choices) {
      if (choice.weight.empty()) continue;
      choice.activation = activation;
      choice.input_amax = {1.0F};
    }
    const folder_plan plan = plan_folder(m, choices, {to});
    BOOST_TEST(plan.table.refusals.empty(), all_of(plan.table.refusals.sentences));
    return judge_folder(e, plan);
  };
  const auto refuses = [&](const engine_verdict& v, const std::string& words) {
    BOOST_TEST(all_of(v.refusals).find(words) != std::string::npos, all_of(v.refusals) << " lacks " << words);
  };
  using enum serving_engine;
  const target ct = target::compressed_tensors;
  refuses(verdict(vllm, ct, "FP8_BLOCK"), "model.layers.0.self_attn.k_proj (and 1 more): 64 rows");
  refuses(verdict(vllm, target::deepseek_fp8, "FP8_BLOCK"), "64 rows");
  refuses(verdict(vllm, ct, "int8/group32", "int8/per_token_dynamic"), "int8 weights by group");
  refuses(verdict(sglang, ct, "MXFP4A16"), "no dense MXFP4A16");
  refuses(verdict(sglang, ct, "int3/group32"), "not int3");
  refuses(verdict(sglang, target::modelopt, "FP8_DYNAMIC"), "FP8_PER_CHANNEL_PER_TOKEN");
  refuses(verdict(transformers, ct, "W4A16_ASYM"), "zero points");
  refuses(verdict(transformers, target::modelopt, "FP8"), "quant_method modelopt");
  refuses(verdict(tensorrt_llm, ct, "W4A16"), "--to modelopt");
  refuses(verdict(llama_cpp, ct, "W4A16"), "--to gguf");
  for (const std::string scheme : {"W4A16", "W4A16_ASYM", "W8A16", "W8A8", "FP8", "FP8_DYNAMIC", "NVFP4", "MXFP8"})
    BOOST_TEST(verdict(vllm, ct, scheme).refusals.empty(), scheme);
  for (const std::string scheme : {"FP8", "NVFP4", "NVFP4A16", "MXFP8"})
    BOOST_TEST(verdict(sglang, target::modelopt, scheme).refusals.empty(), scheme);
  BOOST_TEST(verdict(transformers, ct, "W8A8").refusals.empty());
  // The scored scales are float32, the tool's are the model's type already.
  const std::string rounds = "rounds the float32 scales of packed integers";
  BOOST_TEST(all_of(verdict(vllm, ct, "int4/group64").notes).find(rounds) != std::string::npos);
  BOOST_TEST(all_of(verdict(vllm, ct, "W4A16/group64").notes).find(rounds) == std::string::npos);
  expect_error(errc::unknown_name, {"sglan", "sglang"}, [] { (void)find_engine("sglan"); });
  // Notes where no engine was asked for.
  folder_plan plan = plan_folder(m, by_name(m, everywhere("FP8_BLOCK")), {ct});
  add_verdict(judge_folder(vllm, plan), vllm, false, plan.table);
  BOOST_TEST(plan.table.refusals.empty());
  BOOST_TEST(all_of(plan.table.notes).find("vLLM 0.33.0 would refuse it: ") != std::string::npos);
}
