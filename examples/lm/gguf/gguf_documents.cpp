#include <lm/gguf/gguf_documents.hpp>
#include <lm/gguf/gguf_reading.hpp>

#include <qgrain/core/status.hpp>

#include <boost/json/serialize.hpp>
#include <boost/json/value_to.hpp>

#include <algorithm>
#include <array>
#include <optional>
#include <variant>

namespace qgrain::lm {
namespace {

namespace json = boost::json;

void refuse_positive(const gguf_file& file, const std::string& key) {
  const auto value = number_at(file, key);
  if (value && *value != json::value(0U) && *value != json::value(0))
    refuse_key(file, errc::unsupported, key, "is " + json::serialize(*value) + ", which is not supported");
}

void require_equal(const gguf_file& file, const std::string& key, const json::value& wanted) {
  const auto value = number_at(file, key);
  if (value && *value != wanted) {
    refuse_key(file, errc::unsupported, key,
               "is " + json::serialize(*value) + "; supported is the size of a head, " + json::serialize(wanted));
  }
}

// Layers without a window, the base of those with one and the scalar of the scores are no keys in most files: what
// stands for them is what llama.cpp takes, and transformers' configurations of these models say.
void add_gemma_keys(const gguf_file& file, const std::string& family, json::object& config) {
  const auto key = [&](const char* name) { return family + "." + name; };
  const auto number = [&](const char* name, const json::value& otherwise) {
    return number_at(file, key(name)).value_or(otherwise);
  };
  const auto window = number_at(file, key("attention.sliding_window"));
  config["sliding_window"] = window.value_or(nullptr);
  config["sliding_window_pattern"] = window ? number("attention.sliding_window_pattern", 6) : json::value(1);
  config["rope_local_base_freq"] = number("rope.freq_base_swa", 1e4);
  if (const auto cap = number_at(file, key("final_logit_softcapping"))) config["final_logit_softcapping"] = *cap;
  constexpr std::int64_t layers_of_27b = 62;
  const bool is_27b = config["num_hidden_layers"] == json::value(layers_of_27b);
  config["query_pre_attn_scalar"] = is_27b ? json::value(json::value_to<std::int64_t>(config["hidden_size"]) /
                                                         json::value_to<std::int64_t>(config["num_attention_heads"]))
                                           : config["head_dim"];
  if (file.text(key("rope.scaling.type"), "none") == "linear")
    config["rope_scaling"] = {{"rope_type", "linear"}, {"factor", required_number(file, key("rope.scaling.factor"))}};
}

// Sizes and RoPE, as the language model's object of config.json has them.
json::object text_config(const gguf_file& file, const gguf_family& of) {
  const std::string family(of.name);
  const auto key = [&](const char* name) { return family + "." + name; };
  json::object config;
  config["hidden_size"] = required_number(file, key("embedding_length"));
  config["num_hidden_layers"] = required_number(file, key("block_count"));
  config["intermediate_size"] = required_number(file, key("feed_forward_length"));
  const json::value heads = required_number(file, key("attention.head_count"));
  config["num_attention_heads"] = heads;
  config["num_key_value_heads"] = number_at(file, key("attention.head_count_kv")).value_or(heads);
  config["rms_norm_eps"] = required_number(file, key("attention.layer_norm_rms_epsilon"));
  config["rope_theta"] = number_at(file, key("rope.freq_base")).value_or(json::value(1e4));
  if (const auto length = number_at(file, key("context_length"))) config["max_position_embeddings"] = *length;
  const gguf_tensor* table = file.find("token_embd.weight");
  if (table == nullptr || table->shape.size() != 2)
    throw error(errc::bad_file, file.path() + ": tensor \"token_embd.weight\" of two dimensions is missing");
  config["vocab_size"] = table->shape[0];
  if (const auto size = number_at(file, key("attention.key_length"))) {
    config["head_dim"] = *size;
  } else {
    const std::int64_t width = json::value_to<std::int64_t>(config["hidden_size"]);
    const std::int64_t count = heads.is_double() ? 0 : json::value_to<std::int64_t>(heads);
    if (count < 1 || width % count != 0)
      refuse_key(file, errc::bad_file, key("embedding_length"), "is no multiple of the number of heads");
    config["head_dim"] = width / count;
  }
  for (const char* size : {"attention.value_length", "rope.dimension_count"})
    require_equal(file, key(size), config["head_dim"]);
  refuse_positive(file, key("expert_count"));
  if (!of.is_gemma) refuse_positive(file, key("attention.sliding_window"));
  const std::string scaling = file.text(key("rope.scaling.type"), "none");
  if (scaling != "none" && !(of.is_gemma && scaling == "linear"))
    refuse_key(file, errc::unsupported, key("rope.scaling.type"), "is \"" + scaling + "\", which is not supported");
  if (of.is_gemma) {
    add_gemma_keys(file, family, config);
  } else {
    config["hidden_act"] = "silu";
  }
  config["attention_bias"] = file.find("blk.0.attn_q.bias") != nullptr;
  return config;
}

// Ids in the keys of the tokenizer, for the end of a text.
json::array ids_of_end(const gguf_file& file) {
  json::array ids;
  for (const char* name : {"eos", "eot"}) {
    const auto id = number_at(file, std::string("tokenizer.ggml.") + name + "_token_id");
    if (id && std::find(ids.begin(), ids.end(), *id) == ids.end()) ids.push_back(*id);
  }
  return ids;
}

}  // namespace

const gguf_family& family_of(const gguf_file& file) {
  const auto parts = number_at(file, "split.count");
  if (parts && *parts != json::value(1U)) {
    throw error(errc::unsupported, file.path() + ": one of " + json::serialize(*parts) +
                                       " parts of a model; merge them into one file first (llama-gguf-split --merge)");
  }
  const std::string name = file.text("general.architecture", "");
  if (const gguf_family* family = find_gguf_family(name)) return *family;
  refuse_key(file, errc::unsupported, "general.architecture",
             "is \"" + name + "\"; supported are " + known_gguf_families());
}

common::json_document config_document(const gguf_file& file) {
  const gguf_family& family = family_of(file);
  json::object text = text_config(file, family);
  const json::array end = ids_of_end(file);
  const auto padding = number_at(file, "tokenizer.ggml.padding_token_id");
  if (!end.empty()) text["eos_token_id"] = end;
  text["tie_word_embeddings"] = file.find("output.weight") == nullptr;
  json::object config{{"architectures", json::array{family.architecture}}};
  if (family.name == "qwen3vl") {
    config["text_config"] = std::move(text);
  } else {
    config.insert(text.begin(), text.end());
  }
  if (padding) config["pad_token_id"] = *padding;
  return {file.path() + " (keys as config.json)", std::move(config)};
}

}  // namespace qgrain::lm
