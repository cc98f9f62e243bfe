#include <lm/gguf/gguf_documents.hpp>
#include <lm/gguf/gguf_reading.hpp>

#include <boost/json/serialize.hpp>
#include <boost/json/value_to.hpp>

#include <array>
#include <variant>

namespace qgrain::lm {
namespace {

namespace json = boost::json;

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
json::value post_processor(const gguf_file& file, const token_list& tokens, bool begins_texts) {
  json::array parts;
  json::object named;
  const auto add = [&](const char* name, bool otherwise) {
    const std::string key = std::string("tokenizer.ggml.");
    if (!file.flag(key + "add_" + name + "_token", otherwise)) return;
    const auto [id, text] = tokens.named_by(key + name + "_token_id");
    parts.push_back(json::object{{"SpecialToken", {{"id", text}, {"type_id", 0}}}});
    named[text] = {{"id", text}, {"ids", {id}}, {"tokens", {text}}};
  };
  add("bos", begins_texts && file.find_key("tokenizer.ggml.bos_token_id") != nullptr);
  parts.push_back(json::object{{"Sequence", {{"id", "A"}, {"type_id", 0}}}});
  add("eos", false);
  if (parts.size() == 1) return nullptr;
  return {{"type", "TemplateProcessing"}, {"single", std::move(parts)}, {"special_tokens", std::move(named)}};
}

// The entry of a token that is searched for in the text as given.
json::value added_token(const token_list& tokens, std::size_t id) {
  return {{"id", id},
          {"content", tokens.text(id)},
          {"single_word", false},
          {"lstrip", false},
          {"rstrip", false},
          {"normalized", false},
          {"special", tokens.type(id) != gguf_token_type::user_defined}};
}

// Byte-level BPE by merges.
json::object byte_level_document(const gguf_file& file, const token_list& tokens) {
  const gguf_pre_tokenizer& pre = pre_tokenizer_of(file);
  json::object vocabulary;
  json::array added;
  for (std::size_t id = 0; id < tokens.size(); ++id) {
    const gguf_token_type type = tokens.type(id);
    if (type == gguf_token_type::unused) continue;
    // Added tokens are listed among the model's too, so that they keep their ids wherever those lie.
    if (!vocabulary.emplace(tokens.text(id), id).second) continue;
    if (type == gguf_token_type::control || type == gguf_token_type::user_defined)
      added.push_back(added_token(tokens, id));
  }
  json::array merges;
  for (const std::string& merge : file.texts("tokenizer.ggml.merges")) merges.emplace_back(merge);
  json::object root{{"added_tokens", std::move(added)}};
  if (pre.normalizes) root["normalizer"] = {{"type", "NFC"}};
  root["pre_tokenizer"] = pre_tokenizer_component(pre);
  root["post_processor"] = post_processor(file, tokens, pre.begins_texts);
  root["decoder"] = {{"type", "ByteLevel"}};
  root["model"] = {{"type", "BPE"},
                   {"ignore_merges", pre.ignores_merges},
                   {"vocab", std::move(vocabulary)},
                   {"merges", std::move(merges)}};
  return root;
}

json::array scores_of(const gguf_file& file, std::size_t tokens) {
  const std::string key = "tokenizer.ggml.scores";
  const gguf_value* value = file.find_key(key);
  const auto* scores = value == nullptr ? nullptr : std::get_if<std::vector<double>>(&value->content);
  if (scores == nullptr || scores->size() != tokens) {
    refuse_key(file, errc::bad_file, key,
               "must be an array of " + std::to_string(tokens) + " numbers, one of each token");
  }
  return json::array(scores->begin(), scores->end());
}

json::value replacement(std::string_view from, std::string_view to) {
  return {{"type", "Replace"}, {"pattern", {{"String", from}}}, {"content", to}};
}

// SentencePiece's BPE: pieces by score, bytes where a character has none.
json::object pieces_document(const gguf_file& file, const token_list& tokens) {
  constexpr std::string_view space = "\u2581";
  json::object vocabulary;
  json::array added;
  json::value unknown;
  for (std::size_t id = 0; id < tokens.size(); ++id) {
    vocabulary[tokens.text(id)] = id;  // of equal texts the last, as llama.cpp has it
    const gguf_token_type type = tokens.type(id);
    if (type == gguf_token_type::unknown) unknown = tokens.text(id);
    if (type == gguf_token_type::control || type == gguf_token_type::user_defined || type == gguf_token_type::unknown)
      added.push_back(added_token(tokens, id));
  }
  const bool prefixed = file.flag("tokenizer.ggml.add_space_prefix", true);
  json::array normalizers;
  if (prefixed) normalizers.push_back({{"type", "Prepend"}, {"prepend", space}});
  normalizers.push_back(replacement(" ", space));
  json::array decoders{replacement(space, " "), {{"type", "ByteFallback"}}, {{"type", "Fuse"}}};
  if (prefixed) decoders.push_back({{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}});
  return {{"added_tokens", std::move(added)},
          {"normalizer", {{"type", "Sequence"}, {"normalizers", std::move(normalizers)}}},
          {"post_processor", post_processor(file, tokens, true)},
          {"decoder", {{"type", "Sequence"}, {"decoders", std::move(decoders)}}},
          {"model",
           {{"type", "ScoredBPE"},
            {"unk_token", std::move(unknown)},
            {"byte_fallback", true},
            {"vocab", std::move(vocabulary)},
            {"scores", scores_of(file, tokens.size())}}}};
}

}  // namespace

std::span<const gguf_pre_tokenizer> gguf_pre_tokenizers() noexcept { return pre_tokenizers; }

common::json_document tokenizer_document(const gguf_file& file) {
  const std::string key = "tokenizer.ggml.model";
  const std::string model = file.text(key, "");
  if (model != "gpt2" && model != "llama") {
    refuse_key(file, errc::unsupported, key,
               "is \"" + model + "\"; supported are gpt2 (byte-level BPE), llama (SentencePiece's BPE)");
  }
  const token_list tokens(file);
  json::object root = model == "gpt2" ? byte_level_document(file, tokens) : pieces_document(file, tokens);
  root["version"] = "1.0";
  return {file.path() + " (keys as tokenizer.json)", std::move(root)};
}

}  // namespace qgrain::lm
