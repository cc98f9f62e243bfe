// GGUF files written: the golden files byte for byte, what is refused and what a user is told.
#include <lm/gguf/gguf_weights.hpp>
#include <lm/lm_support.hpp>
#include <quantize/recipe.hpp>

#include <boost/test/unit_test.hpp>

#include <export/export_support.hpp>
#include <export/gguf/gguf_export.hpp>
#include <fstream>

namespace {

namespace fs = std::filesystem;
using namespace qgrain::lm;
using namespace qgrain::lm::testing;
using namespace qgrain::exports;
using qgrain::errc;
using qgrain::exports::testing::all_of;
using qgrain::exports::testing::base_dir;
using qgrain::exports::testing::by_name;
using qgrain::exports::testing::export_dir;

std::vector<layer_choice> same_for_all(const model& m, const std::string& recipe) {
  return std::vector<layer_choice>(m.linears().size(), layer_choice{recipe, "", ""});
}

export_plan write(const model& m, const std::vector<layer_choice>& choices, const fs::path& out,
                  const gguf_settings& settings = {}, int threads = 1) {
  const export_plan plan = plan_gguf(m, choices, settings);
  qgrain::thread_pool pool(threads);
  const std::int64_t bytes = write_gguf(m, plan, settings, out, pool);
  BOOST_TEST(bytes == static_cast<std::int64_t>(fs::file_size(out)));
  return plan;
}

// First what differs by name, then every byte.
void expect_equal_files(const fs::path& found_path, const fs::path& wanted_path) {
  const gguf_file found(found_path);
  const gguf_file wanted(wanted_path);
  BOOST_TEST(found.keys().size() == wanted.keys().size());
  for (const auto& [key, value] : wanted.keys()) {
    const gguf_value* own = found.find_key(key);
    BOOST_TEST((own != nullptr && *own == value), key);
  }
  for (const gguf_tensor& tensor : wanted.tensors()) {
    const gguf_tensor* own = found.find(tensor.name);
    BOOST_TEST_REQUIRE(own != nullptr, tensor.name);
    BOOST_TEST(own->type->name == tensor.type->name, tensor.name);
    BOOST_TEST(own->shape == tensor.shape, boost::test_tools::per_element());
    std::vector<std::byte> a(static_cast<std::size_t>(own->bytes));
    std::vector<std::byte> b(static_cast<std::size_t>(tensor.bytes));
    found.read_bytes(*own, 0, a);
    wanted.read_bytes(tensor, 0, b);
    BOOST_TEST((a == b), tensor.name);
  }
  const auto bytes = [](const fs::path& path) { return qgrain::common::read_text_file(path); };
  BOOST_TEST((bytes(found_path) == bytes(wanted_path)), wanted_path << " differs");
}

}  // namespace

BOOST_AUTO_TEST_CASE(golden_file_of_one_type) {
  const temporary_folder folder;
  const model m(base_dir());
  const export_plan plan = write(m, same_for_all(m, "Q4_0"), folder.path() / "x.gguf");
  expect_equal_files(folder.path() / "x.gguf", export_dir() / "gguf/q3s-Q4_0.gguf");
  BOOST_TEST(plan.effective_bits() == 4.5);
  BOOST_TEST(all_of(plan.notes).find("the head is tied: Q4_0 is the embedding's type too") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(golden_file_of_many_types) {
  const temporary_folder folder;
  const model m(base_dir());
  const export_plan plan = write(m,
                                 by_name(m, {{"0.self_attn.q_proj", "ggml_q8_0"},
                                             {"0.self_attn.k_proj", "ggml_q8_0"},
                                             {"0.self_attn.v_proj", "ggml_q8_0"},
                                             {"0.self_attn.o_proj", "ggml_q5_1"},
                                             {"0.mlp.gate_proj", "ggml_q4_0"},
                                             {"0.mlp.up_proj", "ggml_q4_0"},
                                             {"0.mlp.down_proj", "ggml_q5_0"},
                                             {"1.self_attn.q_proj", "ggml_q4_1"},
                                             {"1.self_attn.k_proj", "ggml_q4_1"},
                                             {"1.self_attn.v_proj", "ggml_q4_1"},
                                             {"1.mlp.gate_proj", "ggml_mxfp4"},
                                             {"1.mlp.up_proj", "ggml_mxfp4"},
                                             {"1.mlp.down_proj", "modelopt_nvfp4_packed"},
                                             {"lm_head", "ggml_q8_0"}}),
                                 folder.path() / "x.gguf", {}, 3);
  expect_equal_files(folder.path() / "x.gguf", export_dir() / "gguf/q3s-mix.gguf");
  // The plan's bytes are the file's.
  const gguf_file file(folder.path() / "x.gguf");
  for (const planned_layer& layer : plan.layers) {
    for (const planned_tensor& tensor : layer.tensors) BOOST_TEST(file.find(tensor.name)->bytes == tensor.bytes);
  }
}

// Weights, names, permutation, frequencies: the file is the model again.
BOOST_AUTO_TEST_CASE(unquantized_files_are_the_model) {
  const temporary_folder folder;
  const fs::path path = folder.path() / "x.gguf";
  for (const std::string family : {"llama3", "qwen3vl"}) {
    const model m(data_dir / "families" / family);
    write(m, same_for_all(m, "F32"), path, {.embedding = "F32"});
    const model again(path);
    BOOST_TEST(again.config().tied_head == m.config().tied_head);
    BOOST_TEST(again.config().rotations.at(0).base == m.config().rotations.at(0).base);
    qgrain::thread_pool pool(1);
    block_weights found(again.config());
    block_weights wanted(m.config());
    for (qgrain::index_t layer = 0; layer < m.config().layers; ++layer) {
      again.read_block(layer, found, pool);
      m.read_block(layer, wanted, pool);
      const std::span<const float> a(found.storage.data(), static_cast<std::size_t>(found.storage.size()));
      const std::span<const float> b(wanted.storage.data(), static_cast<std::size_t>(wanted.storage.size()));
      for (std::size_t l = 0; l < found.linears.size(); ++l)
        BOOST_TEST((found.linears[l] == wanted.linears[l]), family << ", linear " << l);
      BOOST_TEST(a.size() == b.size());
    }
    if (family == "llama3") {
      const gguf_file own(path);
      const gguf_file peer(export_dir() / "gguf/llama3-F32.gguf");
      for (const gguf_tensor& tensor : peer.tensors()) {
        std::vector<float> x(static_cast<std::size_t>(tensor.elements()));
        std::vector<float> y(x.size());
        peer.read_values(tensor, 0, x);
        own.read_values(*own.find(tensor.name), 0, y);
        BOOST_TEST((x == y), tensor.name);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(fp4_codes_of_recipes_keep_their_values) {
  const temporary_folder folder;
  const model m(base_dir());
  const fs::path path = folder.path() / "x.gguf";
  write(m, by_name(m, {{"0.mlp.up_proj", "mxfp4_rceil"}, {"0.mlp.gate_proj", "ct_nvfp4"}, {"lm_head", "BF16"}}), path);
  const gguf_weights file(path);
  const auto check = [&](const std::string& name, const std::string& recipe, float tolerance) {
    const gguf_weight& weight = *file.find(name);
    std::vector<float> found(static_cast<std::size_t>(weight.info.elements()));
    file.read(weight, 0, found);
    const tensor_info& source = *m.tensors().find(name);
    qgrain::convert::host_tensor in = qgrain::convert::make_tensor(source.type, source.shape);
    m.tensors().files()[0].read_bytes(source, 0, in.bytes);
    const auto parts =
        qgrain::convert::find_recipe(recipe)->quantize({"w", source.type, source.shape}, in, {}, {}).parts;
    const std::vector<float> wanted = qgrain::convert::floats_of(parts.at("dequant"));
    BOOST_TEST(relative_difference(found, wanted) <= tolerance, name);
  };
  check("model.layers.0.mlp.up_proj.weight", "modelopt_mxfp4", 0);
  // The tool rounds its values to bfloat16.
  check("model.layers.0.mlp.gate_proj.weight", "ct_nvfp4", 0.004F);
  // A tied head of its own.
  write(m, by_name(m, {{"lm_head", "NVFP4"}}), path, {.untie = true});
  const gguf_file untied(path);
  BOOST_TEST(untied.find("output.weight")->type->name == "NVFP4");
  BOOST_TEST(untied.find("output.scale")->shape == std::vector<std::int64_t>{1});
  BOOST_TEST(untied.find("token_embd.weight")->type->name == "BF16");
}

BOOST_AUTO_TEST_CASE(what_is_refused_and_what_is_told) {
  const model m(base_dir());
  std::vector<layer_choice> choices = by_name(m, {{"0.mlp.up_proj", "fp8/per_tensor"}, {"lm_head", "NVFP4"}});
  choices[1].weight = "int4/group128";
  choices[1].activation = "int8/per_token_dynamic";
  choices[2].weight = "int8/group48";
  choices[3].weight = "Q8_0";
  choices[3].input_scale.assign(128, 1.0F);
  const export_plan plan = plan_gguf(m, choices, {});
  const std::string refused = all_of(plan.refusals.sentences);
  for (const std::string word :
       {"model.layers.0.mlp.up_proj: GGUF has no type for fp8/per_tensor", "v_proj: GGUF has no type for int8/group48",
        "o_proj: its input scale is one of the output of the Linear before", "lm_head: the head is tied"})
    BOOST_TEST(refused.find(word) != std::string::npos, refused << " lacks " << word);
  const std::string told = all_of(plan.notes);
  for (const std::string word : {"model.layers.0.self_attn.k_proj: int4/group128 is stored as Q4_0",
                                 "activations as int8/per_token_dynamic are not in the file"})
    BOOST_TEST(told.find(word) != std::string::npos, told << " lacks " << word);
  const temporary_folder folder;
  qgrain::thread_pool pool(1);
  expect_error(errc::unsupported, {"x.gguf", "fp8/per_tensor", "int8/group48"},
               [&] { (void)write_gguf(m, plan, {}, folder.path() / "x.gguf", pool); });
  BOOST_TEST(fs::is_empty(folder.path()));
  const model quantized(export_dir() / "modelopt/q3s-FP8");
  expect_error(errc::unsupported, {"q3s-FP8 is quantized already"},
               [&] { (void)plan_gguf(quantized, same_for_all(quantized, "ggml_q8_0"), {}); });
  expect_error(errc::unknown_name, {"Q4_2", "Q4_0"},
               [&] { (void)plan_gguf(m, same_for_all(m, "Q8_0"), {.embedding = "Q4_2"}); });
}

// A Qwen3-VL of one layer of zeros, wide enough for blocks of 64.
void write_wide_vision_model(const fs::path& folder) {
  std::ofstream(folder / "config.json") << R"({"architectures": ["Qwen3VLForConditionalGeneration"],
    "tie_word_embeddings": true, "text_config": {"vocab_size": 8, "hidden_size": 64, "num_hidden_layers": 1,
    "num_attention_heads": 2, "num_key_value_heads": 2, "head_dim": 32, "intermediate_size": 64, "max_position_embeddings": 16}})";
  const std::string prefix = "model.language_model.";
  std::vector<tensor_plan> plan{{prefix + "embed_tokens.weight", dtype::bf16, {8, 64}},
                                {prefix + "norm.weight", dtype::bf16, {64}}};
  for (const char* name : {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj",
                           "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"})
    plan.push_back({prefix + "layers.0." + name + ".weight", dtype::bf16, {64, 64}});
  for (const char* name : {"input_layernorm", "post_attention_layernorm"})
    plan.push_back({prefix + "layers.0." + name + ".weight", dtype::bf16, {64}});
  for (const char* name : {"self_attn.q_norm", "self_attn.k_norm"})
    plan.push_back({prefix + "layers.0." + name + ".weight", dtype::bf16, {32}});
  safetensors_writer writer(folder / "model.safetensors", plan);
  writer.finish();
}

// Both were found by running such files in llama.cpp: the first does not load, the second gives other values.
BOOST_AUTO_TEST_CASE(what_llama_cpp_would_not_read_is_refused) {
  const model biased(data_dir / "families/qwen3_untied");
  BOOST_TEST(all_of(plan_gguf(biased, same_for_all(biased, "F16"), {}).refusals.sentences).find("o_proj.bias") !=
             std::string::npos);
  const temporary_folder folder;
  write_wide_vision_model(folder.path());
  const model vision(folder.path());
  const export_plan plan = plan_gguf(vision, by_name(vision, {{"_proj", "NVFP4"}}), {});
  BOOST_TEST(plan.refusals.sentences.size() == 1U, all_of(plan.refusals.sentences));
  BOOST_TEST(all_of(plan.refusals.sentences)
                 .find("3 layers (model.language_model.layers.0.mlp.gate_proj, ...): llama.cpp leaves the scale") ==
             0U);
  // Elsewhere it may; of zeros it is zeros.
  const fs::path out = folder.path() / "x.gguf";
  write(vision, by_name(vision, {{"q_proj", "NVFP4"}, {"k_proj", "ct_nvfp4"}, {"v_proj", "MXFP4"}}), out);
  const model again(out);
  qgrain::thread_pool pool(1);
  block_weights weights(again.config());
  again.read_block(0, weights, pool);
  for (std::size_t l = 0; l < 3; ++l) BOOST_TEST((weights.linears[l].array() == 0.0F).all(), l);
  const model text(base_dir());
  BOOST_TEST(plan_gguf(text, by_name(text, {{"_proj", "NVFP4"}}), {}).refusals.empty());
}

// Of a GGUF file another one: keys and what no choice changes are its own, byte for byte, `.scale` of NVFP4 among them.
BOOST_AUTO_TEST_CASE(a_gguf_file_is_exported_anew) {
  const temporary_folder folder;
  for (const char* name : {"gemma3.gguf", "q3s-mix.gguf"}) {
    const fs::path source = export_dir() / "gguf" / name;
    const model m(source);
    const fs::path out = folder.path() / name;
    write(m, by_name(m, {{"layers.1.self_attn.o_proj", "Q4_0"}}), out);
    const gguf_file was(source);
    const gguf_file is(out);
    BOOST_TEST(is.tensors().size() == was.tensors().size());
    BOOST_TEST(is.keys().size() == was.keys().size());
    for (std::size_t k = 0; k < was.keys().size(); ++k) {
      if (was.keys()[k].first != "general.file_type") BOOST_TEST((is.keys()[k] == was.keys()[k]), was.keys()[k].first);
    }
    for (const gguf_tensor& old : was.tensors()) {
      const gguf_tensor* const anew = is.find(old.name);
      BOOST_TEST_REQUIRE(anew != nullptr, old.name);
      if (old.name == "blk.1.attn_output.weight") {
        BOOST_TEST(anew->type->name == "Q4_0");
        std::vector<float> values(static_cast<std::size_t>(old.elements()));
        was.read_values(old, 0, values);
        std::vector<std::byte> wanted(static_cast<std::size_t>(anew->bytes));
        anew->type->encode(values, wanted.data());
        std::vector<std::byte> found(wanted.size());
        is.read_bytes(*anew, 0, found);
        BOOST_TEST((found == wanted));
        continue;
      }
      BOOST_TEST_REQUIRE(anew->bytes == old.bytes, old.name);
      std::vector<std::byte> found(static_cast<std::size_t>(old.bytes));
      std::vector<std::byte> wanted(found.size());
      is.read_bytes(*anew, 0, found);
      was.read_bytes(old, 0, wanted);
      BOOST_TEST((found == wanted), old.name);
    }
    BOOST_TEST(model(out).warnings().empty());
  }
}

// What the keys and tensors of a family in a GGUF file cannot say would be lost without a word.
BOOST_AUTO_TEST_CASE(what_a_gguf_file_cannot_say_is_refused) {
  const fs::path families = fs::path(QGRAIN_SOURCE_DIR) / "tests/data/families";
  const auto refusals_of = [&](const char* name) {
    const model m(families / name);
    return all_of(plan_gguf(m, same_for_all(m, "F16"), {}).refusals.sentences);
  };
  BOOST_TEST(refusals_of("qwen3-window-on").find("sliding_window") != std::string::npos);
  BOOST_TEST(refusals_of("qwen3-yarn").find("rope_scaling") != std::string::npos);
  BOOST_TEST(refusals_of("llama-linear").find("rope_scaling") != std::string::npos);
  BOOST_TEST(refusals_of("llama-biases").find("mlp_bias") != std::string::npos);
  const model gemma(families / "gemma3-text");
  expect_error(errc::unsupported, {"gemma3-text", "Gemma3ForCausalLM", "from GGUF files alone"},
               [&] { static_cast<void>(plan_gguf(gemma, same_for_all(gemma, "F16"), {})); });
  for (const char* name : {"qwen2", "mistral", "smollm3", "olmo2", "gemma", "gemma2", "phi3"}) {
    const model m(families / name);
    expect_error(errc::unsupported, {name, "GGUF has no architecture for", "it has qwen3, llama, qwen3vl"},
                 [&] { static_cast<void>(plan_gguf(m, same_for_all(m, "F16"), {})); });
  }
  for (const char* name : {"qwen3-moe", "mixtral"}) {
    const model m(families / name);
    expect_error(errc::unsupported, {name, "experts"},
                 [&] { static_cast<void>(plan_gguf(m, same_for_all(m, "F16"), {})); });
  }
}

// Rows of 48 are no blocks of 32; those of 32 are, and no blocks of 64.
BOOST_AUTO_TEST_CASE(rows_that_are_no_whole_blocks_become_f16) {
  const temporary_folder folder;
  const fs::path source = data_dir / "families/llama3";
  const model m(source);
  const export_plan plan = write(m, same_for_all(m, "Q8_0"), folder.path() / "x.gguf");
  BOOST_TEST(all_of(plan.notes)
                     .find("2 layers (model.layers.0.mlp.down_proj, ...): rows of 48 are no whole blocks of "
                           "Q8_0, written as F16") != std::string::npos,
             all_of(plan.notes));
  const gguf_file file(folder.path() / "x.gguf");
  BOOST_TEST(file.find("blk.1.ffn_down.weight")->type->name == "F16");
  BOOST_TEST(file.find("blk.1.ffn_up.weight")->type->name == "Q8_0");
  BOOST_TEST(file.find("token_embd.weight")->type->name == "BF16");
  BOOST_TEST(file.find("blk.0.attn_q.bias")->type->name == "F32");
}

BOOST_AUTO_TEST_CASE(tokenizers_that_llama_cpp_lacks_are_named) {
  const temporary_folder folder;
  const auto with = [&](const std::string& pointer, const boost::json::value& value) {
    boost::json::value root = qgrain::common::read_json_file(base_dir() / "tokenizer.json");
    root.at_pointer(pointer) = value;
    std::ofstream(folder.path() / "tokenizer.json") << root;
    return gguf_tokenizer_keys(folder.path(), "qwen3", 271);
  };
  std::ofstream(folder.path() / "config.json") << "{}";
  expect_error(errc::unsupported, {"tokenizer.json: pre_tokenizer", "[a-z]+", "qwen2, llama-bpe, gpt-2"},
               [&] { (void)with("/pre_tokenizer/pretokenizers/0/pattern/Regex", "[a-z]+"); });
  // StarCoder's, whose other step is that of gpt-2.
  expect_error(errc::unsupported, {"tokenizer.json: pre_tokenizer.pretokenizers[0].type", "Digits"}, [&] {
    (void)with("/pre_tokenizer/pretokenizers/0", {{"type", "Digits"}, {"individual_digits", true}});
  });
  expect_error(errc::unsupported, {"tokenizer.json: model.merges", "empty"},
               [&] { (void)with("/model/merges", boost::json::array{}); });
  expect_error(errc::unsupported, {"tokenizer.json: model", "Unigram"}, [&] { (void)with("/model/type", "Unigram"); });
  // Texts that begin with a token: its id comes from tokenizer_config.json.
  std::ofstream(folder.path() / "tokenizer_config.json")
      << R"({"tokenizer_class": "LlamaTokenizerFast", "bos_token": "<|im_start|>", "chat_template": "{{ x }}"})";
  const gguf_tokenizer begun = with("/version", "1.0");
  const auto value_of = [&](const std::string& key) {
    const auto found =
        std::find_if(begun.keys.begin(), begun.keys.end(), [&](const auto& k) { return k.first == key; });
    return found == begun.keys.end() ? gguf_value{} : found->second;
  };
  BOOST_TEST((value_of("tokenizer.ggml.bos_token_id") == gguf_value::u32(269)));
  BOOST_TEST((value_of("tokenizer.ggml.add_bos_token") == gguf_value::boolean(true)));
  BOOST_TEST((value_of("tokenizer.ggml.add_eos_token") == gguf_value::boolean(false)));
  BOOST_TEST((value_of("tokenizer.chat_template") == gguf_value::text("{{ x }}")));
}
