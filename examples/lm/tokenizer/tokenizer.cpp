#include <lm/gguf/gguf_documents.hpp>
#include <lm/tokenizer.hpp>
#include <lm/tokenizer/added_tokens.hpp>
#include <lm/tokenizer/decoder.hpp>
#include <lm/tokenizer/normalizer.hpp>
#include <lm/tokenizer/post_processor.hpp>
#include <lm/tokenizer/pre_tokenizer.hpp>
#include <lm/tokenizer/utf8.hpp>
#include <lm/tokenizer/word_model.hpp>

#include <algorithm>
#include <memory>
#include <unordered_map>
#include <utility>

namespace qgrain::lm {
namespace {

/// A component that may be missing, or null, in the file.
template <class Value>
pipeline<Value> read_optional(const common::json_field& root, std::string_view key,
                              pipeline<Value> (*read)(const common::json_field& component)) {
  const auto component = root.find(key);
  return component ? read(*component) : pipeline<Value>{};
}

void require_supported(const common::json_field& root) {
  if (const auto version = root.find("version"); version && version->string() != "1.0") {
    version->fail(errc::unsupported, "is \"" + std::string(version->string()) + "\"; supported is 1.0");
  }
  // A text alone is padded only to a fixed length.
  const auto padding = root.find("padding");
  const auto strategy = padding ? padding->find("strategy") : std::nullopt;
  const bool pads = strategy && !(strategy->is_string() && strategy->string() == "BatchLongest");
  for (const std::string_view key : {"truncation", "padding"}) {
    const auto field = root.find(key);
    if (field && (key == "truncation" || pads)) {
      field->fail(errc::unsupported, "is set, but texts are encoded whole and as they are; set it to null");
    }
  }
}

// Classes of transformers that put the token of a text's beginning before it (unless told not to) and, on request, that
// of its end behind it, whatever the file's post_processor says.
constexpr std::string_view classes_with_beginning[] = {"LlamaTokenizer", "CodeLlamaTokenizer", "GemmaTokenizer",
                                                       "CohereTokenizer"};

}  // namespace

struct tokenizer::parts {
  pipeline<std::string> normalizer;
  pipeline<pieces> pre_tokenizer;
  std::unique_ptr<const word_model> model;
  pipeline<token_ids> post_processor;
  pipeline<token_texts> decoder;
  added_token_finder verbatim_tokens{{}};    // searched for in the text as given
  added_token_finder normalized_tokens{{}};  // searched for in the normalized rest
  vocabulary added_ids;
  std::unordered_map<std::int32_t, std::string> text_of;  // each id's token
  std::int32_t size = 0;

  explicit parts(const common::json_field& root);
  void index_token(std::string_view token, std::int32_t id);
  void read_added(const common::json_field& tokens);
  void read_class(const common::json_field& config);
  [[nodiscard]] std::optional<std::int32_t> id_of(std::string_view token) const;
  [[nodiscard]] std::int32_t special_id(const common::json_field& config, std::string_view key) const;
  void require_known_template_ids(const common::json_field& root) const;
  void encode_normalized(std::string_view text, bool begins_text, token_ids& ids) const;
};

tokenizer::parts::parts(const common::json_field& root)
    : normalizer(read_optional(root, "normalizer", read_normalizer)),
      pre_tokenizer(read_optional(root, "pre_tokenizer", read_pre_tokenizer)),
      model(read_word_model(root.at("model"))),
      post_processor(read_optional(root, "post_processor", read_post_processor)),
      decoder(read_decoder(root.find("decoder"))) {
  require_supported(root);
  for (const auto& [token, id] : model->tokens()) index_token(token, id);
  if (const auto tokens = root.find("added_tokens")) read_added(*tokens);
  require_known_template_ids(root);
}

void tokenizer::parts::index_token(std::string_view token, std::int32_t id) {
  text_of.emplace(id, token);
  size = std::max(size, id + 1);
}

void tokenizer::parts::read_added(const common::json_field& tokens) {
  std::vector<added_token> verbatim;
  std::vector<added_token> normalized;
  auto next_id = static_cast<std::int32_t>(model->tokens().size());
  for (added_token& token : read_added_tokens(tokens)) {
    const auto in_model = model->tokens().find(token.content);
    const bool is_new = in_model == model->tokens().end();
    // The library numbers new tokens on from the model's, in the order of the file, whatever ids the file gives.
    if (is_new && token.id >= next_id) token.id = next_id++;
    if (is_new ? text_of.contains(token.id) : in_model->second != token.id) {
      const std::string reality = is_new ? "another token has that id" : "it has " + std::to_string(in_model->second);
      tokens.fail(errc::bad_file, "gives \"" + token.content + "\" the id " + std::to_string(token.id) +
                                      ", but in model.vocab " + reality);
    }
    index_token(token.content, token.id);
    added_ids.emplace(token.content, token.id);
    if (token.normalized) {
      token.content = run(normalizer, std::move(token.content));
      normalized.push_back(std::move(token));
    } else {
      verbatim.push_back(std::move(token));
    }
  }
  verbatim_tokens = added_token_finder(std::move(verbatim));
  normalized_tokens = added_token_finder(std::move(normalized));
}

void tokenizer::parts::require_known_template_ids(const common::json_field& root) const {
  for (const std::int32_t id : run(post_processor, token_ids{})) {
    if (!text_of.contains(id)) {
      root.at("post_processor").fail(errc::bad_file, "adds the id " + std::to_string(id) + ", which names no token");
    }
  }
}

void tokenizer::parts::encode_normalized(std::string_view text, bool begins_text, token_ids& ids) const {
  for (const text_segment& segment : normalized_tokens.segments(text)) {
    if (segment.token) {
      ids.push_back(*segment.token);
    } else {
      model->encode(run(pre_tokenizer, pieces{{std::string(segment.text), begins_text}}), ids);
    }
    begins_text = false;
  }
}

tokenizer::tokenizer(std::unique_ptr<const parts> loaded) noexcept : parts_(std::move(loaded)) {}
tokenizer::tokenizer(tokenizer&&) noexcept = default;
tokenizer& tokenizer::operator=(tokenizer&&) noexcept = default;
tokenizer::~tokenizer() = default;

std::optional<std::int32_t> tokenizer::parts::id_of(std::string_view token) const {
  for (const vocabulary* tokens : {&added_ids, &model->tokens()}) {
    if (const auto found = tokens->find(token); found != tokens->end()) return found->second;
  }
  return std::nullopt;
}

std::int32_t tokenizer::parts::special_id(const common::json_field& config, std::string_view key) const {
  const common::json_field entry = config.at(key);
  const common::json_field token = entry.is_string() ? entry : entry.at("content");
  if (const auto id = id_of(token.string())) return *id;
  token.must_be("a token of the vocabulary");
}

void tokenizer::parts::read_class(const common::json_field& config) {
  const auto name = config.find("tokenizer_class");
  if (!name) return;
  std::string_view plain = name->string();
  if (plain.ends_with("Fast")) plain.remove_suffix(4);
  if (std::find(std::begin(classes_with_beginning), std::end(classes_with_beginning), plain) ==
      std::end(classes_with_beginning))
    return;
  token_ids before;
  token_ids behind;
  if (config.flag("add_bos_token", true)) before.push_back(special_id(config, "bos_token"));
  if (config.flag("add_eos_token", false)) behind.push_back(special_id(config, "eos_token"));
  post_processor = {[before, behind](const token_ids& text) {
    token_ids ids = before;
    ids.insert(ids.end(), text.begin(), text.end());
    ids.insert(ids.end(), behind.begin(), behind.end());
    return ids;
  }};
}

tokenizer tokenizer::load(const std::filesystem::path& tokenizer_json) {
  const common::json_document document = common::read_json_document(tokenizer_json);
  auto loaded = std::make_unique<parts>(common::json_field(document));
  const std::filesystem::path config_path = tokenizer_json.parent_path() / "tokenizer_config.json";
  if (std::filesystem::exists(config_path)) {
    const common::json_document config = common::read_json_document(config_path);
    loaded->read_class(common::json_field(config));
  }
  return tokenizer(std::move(loaded));
}

tokenizer tokenizer::of_model(const std::filesystem::path& model) {
  if (!is_gguf(model)) return load(model / "tokenizer.json");
  const common::json_document document = tokenizer_document(gguf_file(model));
  return tokenizer(std::make_unique<parts>(common::json_field(document)));
}

std::vector<std::int32_t> tokenizer::encode(std::string_view utf8) const {
  if (utf8.size() > max_text_bytes) {
    throw error(errc::out_of_range, "the text has " + std::to_string(utf8.size()) + " bytes; at most " +
                                        std::to_string(max_text_bytes) + " can be encoded at once");
  }
  if (const auto offset = first_ill_formed_byte(utf8)) {
    throw error(errc::invalid_argument, "the text is not well-formed UTF-8 at byte " + std::to_string(*offset));
  }
  token_ids ids;
  bool begins_text = true;
  for (const text_segment& segment : parts_->verbatim_tokens.segments(utf8)) {
    if (segment.token) {
      ids.push_back(*segment.token);
    } else {
      parts_->encode_normalized(run(parts_->normalizer, std::string(segment.text)), begins_text, ids);
    }
    begins_text = false;
  }
  return run(parts_->post_processor, std::move(ids));
}

std::string tokenizer::decode(std::span<const std::int32_t> ids) const {
  token_texts tokens;
  tokens.reserve(ids.size());
  for (const std::int32_t id : ids) {
    const auto token = parts_->text_of.find(id);
    if (token == parts_->text_of.end()) {
      throw error(errc::out_of_range, "the id " + std::to_string(id) + " names no token of the vocabulary of size " +
                                          std::to_string(parts_->size));
    }
    tokens.push_back(token->second);
  }
  std::string text;
  for (const std::string& part : run(parts_->decoder, std::move(tokens))) text += part;
  return text;
}

std::int32_t tokenizer::vocabulary_size() const noexcept { return parts_->size; }

std::optional<std::int32_t> tokenizer::id_of(std::string_view token) const { return parts_->id_of(token); }

}  // namespace qgrain::lm
