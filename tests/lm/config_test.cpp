// config.json and the checkpoint against it: what is missing or impossible is named before any work.
#include <lm/lm_support.hpp>

#include <qgrain/core/status.hpp>

#include <boost/test/unit_test.hpp>

#include <fstream>
#include <functional>

namespace {

using namespace qgrain::lm;
using namespace qgrain::lm::testing;
using qgrain::errc;

const boost::json::value& tiny_config() {
  static const boost::json::value config = qgrain::common::read_json_file(model_dir / "config.json");
  return config;
}

// The tiny model's folder with a changed config.json; the sentence must hold all `words`.
void expect_config_error(errc code, const std::function<void(boost::json::object&)>& change,
                         const std::vector<std::string>& words) {
  const temporary_folder folder;
  boost::json::value config = tiny_config();
  change(config.as_object());
  std::ofstream(folder.path() / "config.json") << config;
  std::filesystem::create_symlink(model_dir / "model.safetensors", folder.path() / "model.safetensors");
  expect_error(code, words, [&] { const model m(folder.path()); });
}

std::filesystem::path reference_folder() { return std::filesystem::path(QGRAIN_SOURCE_DIR) / "tests/data/families"; }

// What a changed config.json of a model comes to.
model_config config_with(const std::string& name, const std::function<void(boost::json::object&)>& change) {
  const temporary_folder folder;
  boost::json::value config = qgrain::common::read_json_file(reference_folder() / name / "config.json");
  change(config.as_object());
  std::ofstream(folder.path() / "config.json") << config;
  return read_config(folder.path());
}

std::function<void(boost::json::object&)> set(const char* key, const boost::json::value& value) {
  return [=](boost::json::object& c) { c[key] = value; };
}

void refused(errc code, const std::string& name, const std::function<void(boost::json::object&)>& change,
             const std::vector<std::string>& words) {
  BOOST_TEST_CONTEXT(name) {
    expect_error(code, words, [&] { static_cast<void>(config_with(name, change)); });
  }
}

}  // namespace

BOOST_AUTO_TEST_CASE(embedded_model_is_described) {
  const model m(model_dir);
  BOOST_TEST(m.config().layers == 6);
  BOOST_TEST(m.config().tied_head);
  BOOST_TEST(m.linears().size() == 43U);
  BOOST_TEST(m.linears()[7].name == "model.layers.1.self_attn.q_proj");
  BOOST_TEST(m.linears()[5].out == 384);
  BOOST_TEST(m.linears().back().name == "lm_head");
}

BOOST_AUTO_TEST_CASE(every_needed_field_is_named_when_missing) {
  for (const std::string field : {"architectures", "vocab_size", "hidden_size", "num_hidden_layers",
                                  "num_attention_heads", "intermediate_size"}) {
    expect_config_error(errc::bad_file, [&](boost::json::object& c) { c.erase(field); },
                        {"config.json: " + field + " is missing"});
  }
}

BOOST_AUTO_TEST_CASE(impossible_and_unsupported_values_are_named) {
  const auto set = [](const char* key, boost::json::value value) {
    return [=](boost::json::object& c) { c[key] = value; };
  };
  expect_config_error(errc::unsupported, set("architectures", {"Qwen3ForCausalML"}),
                      {"architecture \"Qwen3ForCausalML\" is not supported (nearest: Qwen3ForCausalLM); supported are "
                       "Qwen2ForCausalLM,",
                       "LlamaForCausalLM", "Gemma3ForCausalLM", "Phi3ForCausalLM", "Qwen3VLForConditionalGeneration"});
  expect_config_error(errc::unsupported, set("architectures", {"MambaLMHeadModel"}),
                      {"architecture \"MambaLMHeadModel\" is not supported; supported are"});
  expect_config_error(errc::unsupported, set("hidden_act", "gelu"), {"gelu", "silu", "gelu_pytorch_tanh"});
  expect_config_error(errc::unsupported, set("rope_scaling", {{"rope_type", "yarm"}, {"factor", 2.0}}),
                      {"config.json: rope_scaling: rope type \"yarm\" is not supported (nearest: yarn)",
                       "default, linear, dynamic, yarn, longrope, llama3"});
  expect_config_error(errc::bad_file, set("rope_scaling", {{"rope_type", "llama3"}, {"factor", "x"}}),
                      {"config.json: rope_scaling.factor must be a positive number, not \"x\""});
  expect_config_error(errc::bad_file, set("architectures", {7}), {"architectures[0] must be a string, not 7"});
  expect_config_error(errc::bad_file, set("hidden_size", -128),
                      {"config.json: hidden_size must be a positive integer, not -128"});
  expect_config_error(errc::bad_file, set("hidden_size", "128"),
                      {"hidden_size must be a positive integer, not \"128\""});
  expect_config_error(errc::bad_file, set("num_attention_heads", std::int64_t{1} << 62),
                      {"num_attention_heads must be at most 2147483647, not 4611686018427387904"});
  expect_config_error(errc::bad_file, set("head_dim", std::int64_t{1} << 31), {"head_dim must be at most 2147483647"});
  expect_config_error(errc::bad_file, set("num_key_value_heads", 3), {"4 attention heads", "3 key/value heads"});
  expect_config_error(errc::bad_file, set("head_dim", 33), {"33", "odd"});
  expect_config_error(errc::bad_file, set("tie_word_embeddings", 1),
                      {"tie_word_embeddings must be true or false, not 1"});
  expect_config_error(errc::bad_file, set("eos_token_id", "end"), {"eos_token_id must be a token id, not \"end\""});
}

BOOST_AUTO_TEST_CASE(checkpoint_must_fit_the_configuration) {
  const auto set = [](const char* key, boost::json::value value) {
    return [=](boost::json::object& c) { c[key] = value; };
  };
  expect_config_error(errc::bad_file, set("num_hidden_layers", 7),
                      {"config.json: layer_types has 6 entries for 7 layers"});
  const auto seven_layers = [](boost::json::object& c) {
    c["num_hidden_layers"] = 7;
    c.erase("layer_types");
  };
  expect_config_error(errc::bad_file, seven_layers, {"model.layers.6.", "is missing"});
  expect_config_error(errc::bad_file, set("intermediate_size", 380),
                      {"mlp.gate_proj.weight", "[384, 128]", "[380, 128]"});
  expect_config_error(errc::bad_file, set("vocab_size", 1025), {"embed_tokens.weight", "[1024, 128]", "[1025, 128]"});
  expect_config_error(errc::bad_file, set("tie_word_embeddings", false),
                      {"lm_head.weight", "[1024, 128]", "is missing"});
  expect_config_error(errc::bad_file, set("attention_bias", true), {"q_proj.bias", "[128]", "is missing"});
}

BOOST_AUTO_TEST_CASE(a_weight_of_integers_is_refused) {
  const temporary_folder folder;
  std::filesystem::copy_file(model_dir / "config.json", folder.path() / "config.json");
  const safetensors_file original(model_dir / "model.safetensors");
  std::vector<tensor_plan> plan;
  for (const tensor_info& t : original.tensors()) plan.push_back({t.name, dtype::i32, t.shape});
  safetensors_writer writer(folder.path() / "model.safetensors", plan);
  writer.finish();
  expect_error(errc::bad_file, {"is I32, where F32, F16 or BF16 is needed"}, [&] { const model m(folder.path()); });
}

BOOST_AUTO_TEST_CASE(sequences_are_checked) {
  const auto refused = [](errc code, const std::vector<token_ids>& sequences, const packing& how,
                          const std::string& words) {
    expect_error(code, {words}, [&] { static_cast<void>(pack(sequences, how, 1024)); });
  };
  refused(errc::invalid_argument, {}, {}, "there is no sequence");
  refused(errc::invalid_argument, {{1}, {}}, {}, "sequence 2 has no tokens");
  refused(errc::out_of_range, {{1, 2}, {3, 1024}}, {},
          "sequence 2, position 1: id 1024 lies outside of the vocabulary of 1024");
  refused(errc::out_of_range, {{-1}}, {}, "id -1");
  refused(errc::out_of_range, {{1}}, {padding::left, 8, 1, 5000, {}}, "padding id 5000");
  refused(errc::invalid_argument, {{1}}, {padding::left, 0, 1, 1, {}}, "length");
}

// Left padding: one row per padded sequence in front, none where the sequence fills the length, cut at the length.
BOOST_AUTO_TEST_CASE(packing_keeps_one_row_for_all_padding) {
  const packed_rows rows =
      pack(std::vector<token_ids>{{5, 6}, {1, 2, 3, 4}, {7, 8, 9, 10, 11}}, {padding::left, 4, 2, 0, 2}, 1024);
  BOOST_TEST(rows.ids == (token_ids{0, 5, 6, 1, 2, 3, 4, 7, 8, 9, 10}), boost::test_tools::per_element());
  BOOST_TEST(rows.targets == (token_ids{5, 6, -1, -1, 3, 4, -1, 8, 9, 10, -1}), boost::test_tools::per_element());
  BOOST_TEST(rows.positions == (token_ids{1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3}), boost::test_tools::per_element());
  BOOST_TEST(rows.multiplicities() == (token_ids{2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}), boost::test_tools::per_element());
  BOOST_TEST(rows.batch_targets == (std::vector<index_t>{4, 3}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(numbers_of_experts_that_cannot_be_are_named) {
  refused(errc::bad_file, "mixtral", set("num_experts_per_tok", 7), {"num_experts_per_tok is 7 of 6 experts"});
  refused(errc::bad_file, "qwen3-moe", set("mlp_only_layers", {2}),
          {"mlp_only_layers[0] must be the number of a layer"});
  refused(errc::bad_file, "qwen3-moe", set("decoder_sparse_step", 0), {"decoder_sparse_step", "positive integer"});
}

BOOST_AUTO_TEST_CASE(windows_that_cannot_be_are_named) {
  refused(errc::bad_file, "mistral", set("sliding_window", 0), {"sliding_window must be a positive integer, not 0"});
  refused(errc::bad_file, "qwen2-window-on", set("layer_types", {"full_attention"}),
          {"layer_types has 1 entries for 3 layers"});
  refused(errc::unsupported, "gemma2", set("layer_types", {"sliding_atention", "full_attention"}),
          {"layer type \"sliding_atention\"", "nearest: sliding_attention", "full_attention"});
  refused(errc::bad_file, "gemma2", set("sliding_window", nullptr), {"layer_types[0]", "there is no sliding_window"});
  refused(errc::unsupported, "mistral", set("layer_types", {"full_attention", "sliding_attention"}),
          {"layer_types[0] is \"full_attention\"", "MistralForCausalLM does not follow"});
  refused(errc::unsupported, "llama-linear", set("use_sliding_window", true),
          {"use_sliding_window", "LlamaForCausalLM"});
  refused(errc::bad_file, "smollm3", set("no_rope_layers", {1, 0}), {"no_rope_layers has 2 entries for 3 layers"});
  refused(errc::bad_file, "smollm3", set("no_rope_layers", {1, 0, 2}), {"no_rope_layers[2] must be 0 or 1, not 2"});
}

BOOST_AUTO_TEST_CASE(rope_that_cannot_be_is_named) {
  refused(errc::bad_file, "phi3", set("partial_rotary_factor", 0.4), {"partial_rotary_factor rotates 3 of the 8"});
  refused(errc::bad_file, "llama-longrope",
          set("rope_scaling", {{"rope_type", "longrope"}, {"short_factor", {1, 1, 1}}, {"long_factor", {1, 1, 1, 1}}}),
          {"rope_scaling.short_factor has 3 entries, where half of the rotated dimensions, 4, are needed"});
  refused(errc::bad_file, "llama-yarn", set("rope_scaling", {{"rope_type", "yarn"}}),
          {"rope_scaling.factor is missing"});
  refused(errc::bad_file, "llama-yarn", set("rope_theta", 1.0), {"yarn", "rope_theta above 1"});
  refused(errc::unsupported, "llama-biases", set("rope_parameters", {{"full_attention", {{"rope_type", "default"}}}}),
          {"rope_parameters.full_attention"});
  refused(errc::bad_file, "gemma3-text",
          set("rope_parameters", {{"sliding_attention", {{"rope_type", "default"}, {"rope_theta", 5.0}}}}),
          {"rope_local_base_freq is 10000.0", "rope_parameters.sliding_attention.rope_theta 5.0"});
}

BOOST_AUTO_TEST_CASE(keys_of_other_families_are_named) {
  refused(errc::unsupported, "mistral", set("attention_bias", true), {"attention_bias", "MistralForCausalLM has none"});
  refused(errc::unsupported, "qwen3-yarn", set("mlp_bias", true), {"mlp_bias", "Qwen3ForCausalLM has none"});
  refused(errc::unsupported, "gemma3-text", set("use_bidirectional_attention", true), {"use_bidirectional_attention"});
  refused(errc::bad_file, "gemma2", set("query_pre_attn_scalar", 0), {"query_pre_attn_scalar", "positive"});
  refused(errc::unsupported, "gemma", set("hidden_activation", "gelu"),
          {"hidden_activation \"gelu\"", "silu, gelu_pytorch_tanh"});
}

// The defaults that transformers' classes give, and what a null says.
BOOST_AUTO_TEST_CASE(missing_keys_and_nulls_count_as_the_class_says) {
  const auto windows_of = [](const model_config& config) {
    std::vector<index_t> windows;
    for (const layer_rule& l : config.layer_rules) windows.push_back(l.window);
    return windows;
  };
  const auto without = [](std::vector<const char*> keys) {
    return [keys = std::move(keys)](boost::json::object& c) {
      for (const char* key : keys) c.erase(key);
    };
  };
  BOOST_TEST(windows_of(config_with("mistral", without({"sliding_window"}))) == (std::vector<index_t>{4096, 4096}));
  BOOST_TEST(windows_of(config_with("mistral", set("sliding_window", nullptr))) == (std::vector<index_t>{0, 0}));
  BOOST_TEST(windows_of(config_with("qwen2-window-on", without({"layer_types"}))) == (std::vector<index_t>{0, 6, 6}));
  BOOST_TEST(windows_of(config_with("qwen2-window-on", set("use_sliding_window", false))) ==
             (std::vector<index_t>{0, 0, 0}));
  BOOST_TEST(windows_of(config_with("qwen2.5-window-off", set("sliding_window", 0))) ==
             (std::vector<index_t>{0, 0, 0}));
  BOOST_TEST(windows_of(config_with("gemma2", without({"layer_types"}))) == (std::vector<index_t>{6, 0}));
  BOOST_TEST(windows_of(config_with("gemma3-text", without({"layer_types"}))) == (std::vector<index_t>{6, 6, 0}));
  BOOST_TEST(windows_of(config_with("gemma3-text", without({"layer_types", "sliding_window_pattern"}))) ==
             (std::vector<index_t>{6, 6, 6}));
  const auto rotated_of = [](const model_config& config) {
    std::vector<index_t> rotations;
    for (const layer_rule& l : config.layer_rules) rotations.push_back(l.rotation);
    return rotations;
  };
  BOOST_TEST(rotated_of(config_with("smollm3", without({"no_rope_layers"}))) == (std::vector<index_t>{0, -1, 0}));
  BOOST_TEST(rotated_of(config_with("smollm3", without({"no_rope_layers", "no_rope_layer_interval"}))) ==
             (std::vector<index_t>{0, 0, 0}));
  BOOST_TEST(rotated_of(config_with("gemma3-text", without({}))) == (std::vector<index_t>{1, 1, 0}));
  BOOST_TEST(config_with("gemma2", without({"attn_logit_softcapping"})).attention_cap == 50.0F);
  BOOST_TEST(config_with("gemma2", set("attn_logit_softcapping", nullptr)).attention_cap == 0.0F);
  BOOST_TEST(config_with("smollm3", without({})).tied_head);
  BOOST_TEST(config_with("olmo2", without({"rms_norm_eps"})).norm_epsilon == 1e-5F);
  BOOST_TEST(config_with("gemma3-text", set("rope_parameters", {{"sliding_attention", {{"rope_theta", 1e4}}},
                                                                {"full_attention", {{"rope_theta", 1e6}}}}))
                 .rotations.at(1)
                 .base == 1e4);
}
