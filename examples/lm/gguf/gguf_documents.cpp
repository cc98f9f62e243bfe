#include <lm/gguf/gguf_documents.hpp>

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

[[noreturn]] void refuse_key(const gguf_file& file, errc code, const std::string& key, const std::string& what) {
  throw error(code, file.path() + ": " + key + " " + what);
}

// The single number of a key; nothing where the key is missing.
std::optional<json::value> number_at(const gguf_file& file, const std::string& key) {
  const gguf_value* value = file.find_key(key);
  if (value == nullptr) return std::nullopt;
  if (value->is_array) refuse_key(file, errc::unsupported, key, "is an array; one number for all layers is supported");
  if (const auto* u = std::get_if<std::vector<std::uint64_t>>(&value->content); u && value->kind != gguf_kind::boolean)
    return json::value(u->front());
  if (const auto* i = std::get_if<std::vector<std::int64_t>>(&value->content)) return json::value(i->front());
  if (const auto* f = std::get_if<std::vector<double>>(&value->content)) return json::value(f->front());
  refuse_key(file, errc::bad_file, key, "must be a number, not of type " + std::string(name_of(value->kind)));
}

json::value required_number(const gguf_file& file, const std::string& key) {
  if (auto value = number_at(file, key)) return *value;
  refuse_key(file, errc::bad_file, key, "is missing");
}

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

// Sizes and RoPE, as the language model's object of config.json has them.
json::object text_config(const gguf_file& file, const std::string& family) {
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
  for (const char* count : {"expert_count", "attention.sliding_window"}) refuse_positive(file, key(count));
  const std::string scaling = file.text(key("rope.scaling.type"), "none");
  if (scaling != "none")
    refuse_key(file, errc::unsupported, key("rope.scaling.type"), "is \"" + scaling + "\", which is not supported");
  config["hidden_act"] = "silu";
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

constexpr std::string_view words_and_single_digits =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view words_and_three_digits =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::array<gguf_pre_tokenizer, 3> pre_tokenizers{{
    {"qwen2", words_and_single_digits, true, false, false},
    {"llama-bpe", words_and_three_digits, false, true, true},
    {"gpt-2", "", false, false, false},
}};

const gguf_pre_tokenizer& pre_tokenizer_of(const gguf_file& file) {
  const std::string key = "tokenizer.ggml.pre";
  const std::string name = file.text(key, "");
  std::string known;
  for (const gguf_pre_tokenizer& pre : pre_tokenizers) {
    if (pre.name == name) return pre;
    known.append(known.empty() ? "" : ", ").append(pre.name);
  }
  refuse_key(file, errc::unsupported, key, "is \"" + name + "\"; supported are " + known);
}

json::value pre_tokenizer_component(const gguf_pre_tokenizer& pre) {
  json::array steps;
  if (!pre.split.empty()) {
    steps.push_back(
        {{"type", "Split"}, {"pattern", {{"Regex", pre.split}}}, {"behavior", "Isolated"}, {"invert", false}});
  }
  steps.push_back({{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", pre.split.empty()}});
  return {{"type", "Sequence"}, {"pretokenizers", std::move(steps)}};
}

// Tokens by the id's place; those that other keys name stand for the beginning and the end of texts.
class token_list {
 public:
  explicit token_list(const gguf_file& file) : file_(&file), texts_(file.texts("tokenizer.ggml.tokens")) {
    if (texts_.empty()) refuse_key(file, errc::bad_file, "tokenizer.ggml.tokens", "is missing or empty");
    const std::string key = "tokenizer.ggml.token_type";
    const gguf_value* types = file.find_key(key);
    if (types == nullptr) return;
    const auto* numbers = std::get_if<std::vector<std::int64_t>>(&types->content);
    if (numbers == nullptr || numbers->size() != texts_.size()) {
      refuse_key(file, errc::bad_file, key,
                 "must be an array of " + std::to_string(texts_.size()) + " signed numbers, one of each token");
    }
    types_ = *numbers;
  }

  [[nodiscard]] std::size_t size() const noexcept { return texts_.size(); }
  [[nodiscard]] const std::string& text(std::size_t id) const { return texts_[id]; }
  [[nodiscard]] gguf_token_type type(std::size_t id) const {
    if (types_.empty()) return gguf_token_type::normal;
    const std::int64_t type = types_[id];
    return type >= 1 && type <= 6 ? static_cast<gguf_token_type>(type) : gguf_token_type::unused;
  }
  /// The id that a key names, with the token's text.
  [[nodiscard]] std::pair<std::int64_t, std::string> named_by(const std::string& key) const {
    const json::value id = required_number(*file_, key);
    const bool is_known =
        id.is_uint64() ? id.get_uint64() < size()
                       : id.is_int64() && id.get_int64() >= 0 && static_cast<std::uint64_t>(id.get_int64()) < size();
    if (!is_known) refuse_key(*file_, errc::bad_file, key, "is " + json::serialize(id) + ", which names no token");
    const auto number = json::value_to<std::int64_t>(id);
    return {number, texts_[static_cast<std::size_t>(number)]};
  }

 private:
  const gguf_file* file_;
  std::span<const std::string> texts_;
  std::vector<std::int64_t> types_;
};

// Puts the tokens of the beginning and the end around each text, as the keys ask.
json::value post_processor(const gguf_file& file, const token_list& tokens, const gguf_pre_tokenizer& pre) {
  json::array parts;
  json::object named;
  const auto add = [&](const char* name, bool otherwise) {
    const std::string key = std::string("tokenizer.ggml.");
    if (!file.flag(key + "add_" + name + "_token", otherwise)) return;
    const auto [id, text] = tokens.named_by(key + name + "_token_id");
    parts.push_back(json::object{{"SpecialToken", {{"id", text}, {"type_id", 0}}}});
    named[text] = {{"id", text}, {"ids", {id}}, {"tokens", {text}}};
  };
  add("bos", pre.begins_texts && file.find_key("tokenizer.ggml.bos_token_id") != nullptr);
  parts.push_back(json::object{{"Sequence", {{"id", "A"}, {"type_id", 0}}}});
  add("eos", false);
  if (parts.size() == 1) return nullptr;
  return {{"type", "TemplateProcessing"}, {"single", std::move(parts)}, {"special_tokens", std::move(named)}};
}

}  // namespace

std::span<const gguf_pre_tokenizer> gguf_pre_tokenizers() noexcept { return pre_tokenizers; }

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
  json::object text = text_config(file, std::string(family.name));
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

common::json_document tokenizer_document(const gguf_file& file) {
  const std::string key = "tokenizer.ggml.model";
  if (const std::string model = file.text(key, ""); model != "gpt2")
    refuse_key(file, errc::unsupported, key, "is \"" + model + "\"; supported is gpt2 (byte-level BPE)");
  const gguf_pre_tokenizer& pre = pre_tokenizer_of(file);
  const token_list tokens(file);
  json::object vocabulary;
  json::array added;
  for (std::size_t id = 0; id < tokens.size(); ++id) {
    const gguf_token_type type = tokens.type(id);
    if (type == gguf_token_type::unused) continue;
    // Added tokens are listed among the model's too, so that they keep their ids wherever those lie.
    if (!vocabulary.emplace(tokens.text(id), id).second || type == gguf_token_type::normal) continue;
    if (type == gguf_token_type::control || type == gguf_token_type::user_defined) {
      added.push_back({{"id", id},
                       {"content", tokens.text(id)},
                       {"single_word", false},
                       {"lstrip", false},
                       {"rstrip", false},
                       {"normalized", false},
                       {"special", type == gguf_token_type::control}});
    }
  }
  json::array merges;
  for (const std::string& merge : file.texts("tokenizer.ggml.merges")) merges.emplace_back(merge);
  json::object root{{"version", "1.0"}, {"added_tokens", std::move(added)}};
  if (pre.normalizes) root["normalizer"] = {{"type", "NFC"}};
  root["pre_tokenizer"] = pre_tokenizer_component(pre);
  root["post_processor"] = post_processor(file, tokens, pre);
  root["decoder"] = {{"type", "ByteLevel"}};
  root["model"] = {{"type", "BPE"},
                   {"ignore_merges", pre.ignores_merges},
                   {"vocab", std::move(vocabulary)},
                   {"merges", std::move(merges)}};
  return {file.path() + " (keys as tokenizer.json)", std::move(root)};
}

}  // namespace qgrain::lm
