#include <common/file.hpp>
#include <common/json.hpp>
#include <lm/gguf/gguf_documents.hpp>
#include <lm/tokenizer.hpp>

#include <qgrain/core/status.hpp>

#include <export/gguf/gguf_keys.hpp>
#include <map>
#include <optional>
#include <utility>

namespace qgrain::exports {
namespace {

using lm::gguf_value;

std::string tokenizer_key(std::string_view name) { return "tokenizer.ggml." + std::string(name); }

// The one kind of tokenizer that the file's form of BPE stands for.
void require_byte_level_bpe(const common::json_field& root) {
  const common::json_field model = root.at("model");
  if (model.at("type").string() != "BPE" || model.flag("byte_fallback")) {
    model.fail(errc::unsupported, "is of type " + std::string(model.at("type").string()) +
                                      "; a GGUF file is written for byte-level BPE alone");
  }
  if (model.at("merges").elements().empty())
    model.at("merges").fail(errc::unsupported, "is empty: llama.cpp does not load a BPE tokenizer without merges");
}

std::vector<common::json_field> pre_tokenizer_steps(const common::json_field& root) {
  const common::json_field component = root.at("pre_tokenizer");
  return component.at("type").string() == "Sequence" ? component.at("pretokenizers").elements()
                                                     : std::vector<common::json_field>{component};
}

// llama.cpp's name for what the file describes.
std::string pre_tokenizer_name(const common::json_field& root) {
  std::string split;
  bool cuts_words = false;  // by ByteLevel's own expression
  for (const common::json_field& step : pre_tokenizer_steps(root)) {
    const common::json_field type = step.at("type");
    if (type.string() == "Split") {
      split = step.at("pattern").at("Regex").string();
    } else if (type.string() == "ByteLevel") {
      cuts_words = step.flag("use_regex", true);
    } else {
      type.fail(errc::unsupported, "is \"" + std::string(type.string()) +
                                       "\"; those that are known by name have Split and ByteLevel alone");
    }
  }
  std::string known;
  for (const lm::gguf_pre_tokenizer& pre : lm::gguf_pre_tokenizers()) {
    if (pre.split == split && cuts_words == split.empty()) return std::string(pre.name);
    known.append(known.empty() ? "" : ", ").append(pre.name);
  }
  root.at("pre_tokenizer")
      .fail(errc::unsupported, "splits by \"" + split + "\", which is none of those that are known by name: " + known);
}

struct token_table {
  std::map<std::int64_t, std::pair<std::string, lm::gguf_token_type>> by_id;
  std::map<std::string, std::int64_t> added;
};

token_table read_tokens(const common::json_field& root) {
  token_table table;
  for (const auto& [text, id] : root.at("model").at("vocab").members())
    table.by_id[id.count()] = {std::string(text), lm::gguf_token_type::normal};
  if (const auto added = root.find("added_tokens")) {
    for (const common::json_field& token : added->elements()) {
      const std::string text(token.at("content").string());
      const std::int64_t id = token.at("id").count();
      table.by_id[id] = {text,
                         token.flag("special") ? lm::gguf_token_type::control : lm::gguf_token_type::user_defined};
      table.added[text] = id;
    }
  }
  return table;
}

std::vector<std::string> merge_texts(const common::json_field& root) {
  std::vector<std::string> merges;
  for (const common::json_field& merge : root.at("model").at("merges").elements()) {
    if (merge.is_string()) {
      merges.emplace_back(merge.string());
      continue;
    }
    const std::vector<common::json_field> sides = merge.elements();
    if (sides.size() != 2) merge.must_be("a pair of tokens");
    merges.push_back(std::string(sides[0].string()) + " " + std::string(sides[1].string()));
  }
  return merges;
}

// Tokens in the order of their ids, as many as the embedding has rows.
void add_tokens(const token_table& table, std::int64_t vocabulary, gguf_tokenizer& out) {
  std::vector<std::string> texts;
  std::vector<std::int64_t> types;
  for (std::int64_t id = 0; id < vocabulary; ++id) {
    const auto token = table.by_id.find(id);
    const bool is_known = token != table.by_id.end();
    texts.push_back(is_known ? token->second.first : "[PAD" + std::to_string(id) + "]");
    types.push_back(static_cast<std::int64_t>(is_known ? token->second.second : lm::gguf_token_type::unused));
  }
  if (const auto beyond = table.by_id.lower_bound(vocabulary); beyond != table.by_id.end()) {
    out.notes.push_back(std::to_string(std::distance(beyond, table.by_id.end())) + " tokens from id " +
                        std::to_string(beyond->first) + " on (\"" + beyond->second.first +
                        "\") are left out: the embedding has " + std::to_string(vocabulary) + " rows");
  }
  out.keys.emplace_back(tokenizer_key("tokens"), gguf_value::texts(std::move(texts)));
  out.keys.emplace_back(tokenizer_key("token_type"), gguf_value::i32s(std::move(types)));
}

std::string text_of_token(const common::json_field& field) {
  return std::string(field.is_string() ? field.string() : field.at("content").string());
}

// Ids of special tokens, and whether texts begin and end with them.
class special_tokens {
 public:
  special_tokens(const std::filesystem::path& folder, const token_table& table, gguf_tokenizer& out)
      : folder_(folder), table_(table), out_(out) {}

  void add() {
    const std::filesystem::path path = folder_ / "tokenizer_config.json";
    common::json_document document{path.string(), common::json::object()};
    if (std::filesystem::exists(path)) document = common::read_json_document(path);
    const common::json_field config(document);
    const auto bos = add_id(config, "bos_token", "bos_token_id");
    const auto eos = add_id(config, "eos_token", "eos_token_id");
    (void)add_id(config, "unk_token", "unknown_token_id");
    (void)add_id(config, "pad_token", "padding_token_id");
    const auto begin = bos || config.find("bos_token") ? bos : add_id_of_model();
    // The tokenizer itself knows best what it puts around a text.
    const std::vector<std::int32_t> around = lm::tokenizer::of_model(folder_).encode("");
    const bool begins = begin && !around.empty() && around.front() == *begin;
    const bool ends = eos && around.size() > (begins ? 1U : 0U) && around.back() == *eos;
    add_flag("add_bos_token", config.flag("add_bos_token", begins));
    add_flag("add_eos_token", config.flag("add_eos_token", ends));
    add_chat_template(config);
  }

 private:
  std::optional<std::int64_t> add_id(const common::json_field& config, std::string_view name, const char* key) {
    const auto field = config.find(name);
    if (!field) return std::nullopt;
    const auto found = table_.added.find(text_of_token(*field));
    if (found == table_.added.end()) return std::nullopt;
    return add_number(key, found->second);
  }
  std::optional<std::int64_t> add_id_of_model() {
    const common::json_document config = common::read_json_document(folder_ / "config.json");
    const auto field = common::json_field(config).find("bos_token_id");
    const auto id = field ? field->whole() : std::nullopt;
    return id && *id >= 0 ? add_number("bos_token_id", *id) : std::nullopt;
  }
  std::optional<std::int64_t> add_number(const char* key, std::int64_t id) {
    out_.keys.emplace_back(tokenizer_key(key), gguf_value::u32(static_cast<std::uint32_t>(id)));
    return id;
  }
  void add_flag(const char* key, bool value) { out_.keys.emplace_back(tokenizer_key(key), gguf_value::boolean(value)); }

  // Newer folders have the template in a file of its own.
  void add_chat_template(const common::json_field& config) {
    const std::filesystem::path path = folder_ / "chat_template.jinja";
    const auto field = config.find("chat_template");
    std::string text;
    if (field && field->is_string()) {
      text = field->string();
    } else if (std::filesystem::exists(path)) {
      text = common::read_text_file(path);
    }
    if (!text.empty()) out_.keys.emplace_back("tokenizer.chat_template", gguf_value::text(text));
  }

  const std::filesystem::path& folder_;
  const token_table& table_;
  gguf_tokenizer& out_;
};

}  // namespace

gguf_tokenizer gguf_tokenizer_keys(const std::filesystem::path& folder, const std::string& family,
                                   std::int64_t vocabulary) {
  gguf_tokenizer out;
  const std::filesystem::path path = folder / "tokenizer.json";
  if (!std::filesystem::exists(path)) {
    out.keys.emplace_back(tokenizer_key("model"), gguf_value::text("none"));
    if (family != "llama")
      out.keys.emplace_back(family + ".vocab_size", gguf_value::u32(static_cast<std::uint32_t>(vocabulary)));
    out.notes.push_back(path.string() + " does not exist: the file has no tokenizer, and an engine no text");
    return out;
  }
  const common::json_document document = common::read_json_document(path);
  const common::json_field root(document);
  require_byte_level_bpe(root);
  out.keys.emplace_back(tokenizer_key("model"), gguf_value::text("gpt2"));
  out.keys.emplace_back(tokenizer_key("pre"), gguf_value::text(pre_tokenizer_name(root)));
  const token_table table = read_tokens(root);
  add_tokens(table, vocabulary, out);
  out.keys.emplace_back(tokenizer_key("merges"), gguf_value::texts(merge_texts(root)));
  special_tokens(folder, table, out).add();
  return out;
}

}  // namespace qgrain::exports
