#include <common/number_text.hpp>
#include <lm/config_parts.hpp>
#include <lm/families/known.hpp>
#include <lm/gguf/gguf_documents.hpp>
#include <lm/gguf/gguf_file.hpp>
#include <lm/quantized/quantization_config.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <initializer_list>
#include <limits>

namespace qgrain::lm {
namespace {

architecture find_architecture(const common::json_field& config, std::span<const architecture> foreign) {
  const std::vector<common::json_field> names = config.at("architectures").elements();
  if (names.empty()) config.at("architectures").must_be("an array of at least one name");
  const std::string_view name = names.front().string();
  std::vector<std::string_view> known;
  for (const std::span<const architecture> all : std::array{foreign, known_architectures()}) {
    for (const architecture& a : all) {
      if (a.name == name) return a;
      known.push_back(a.name);
    }
  }
  refuse_setting(config, not_supported("architecture", name, known));
}

// One id or a list of them; what lies outside of the vocabulary (-1 for "none") can never occur and is left out.
std::vector<std::int32_t> token_ids_of(const common::json_field& field, index_t vocabulary) {
  std::vector<std::int32_t> ids;
  for (const common::json_field& entry : field.is_array() ? field.elements() : std::vector{field}) {
    const auto id = entry.whole();
    if (!id) entry.must_be("a token id");
    if (*id >= 0 && *id < vocabulary && *id <= std::numeric_limits<std::int32_t>::max())
      ids.push_back(static_cast<std::int32_t>(*id));
  }
  return ids;
}
std::vector<std::int32_t> token_ids_at(const common::json_field& object, std::string_view key, index_t vocabulary) {
  const auto field = object.find(key);
  return field ? token_ids_of(*field, vocabulary) : std::vector<std::int32_t>();
}

void read_special_ids(const common::json_field& config, const common::json_field& top, model_config& out) {
  out.end_of_text = token_ids_at(config, "eos_token_id", out.vocabulary);
  const std::vector<std::int32_t> padding = token_ids_at(top, "pad_token_id", out.vocabulary);
  if (!padding.empty() || !out.end_of_text.empty())
    out.padding_id = padding.empty() ? out.end_of_text.front() : padding.front();
}

// Keys that change what the model computes, or how its weights are to be read, and that no code here follows.
void refuse_ignored_keys(const common::json_field& config, const common::json_field& top) {
  if (config.flag("use_bidirectional_attention"))
    refuse_setting(config, "use_bidirectional_attention is not supported: no query sees later keys");
  for (const common::json_field& level : {config, top}) {
    if (const auto quantization = level.find("quantization_config")) require_known_quantization(*quantization);
  }
}

void read_biases(const common::json_field& config, model_config& out) {
  const bias_places& biases = out.family.biases;
  const auto is_on = [&](std::string_view key, std::initializer_list<bias_rule> rules,
                         std::initializer_list<bool*> on) {
    const bool is_true = config.flag(key);
    if (is_true && std::all_of(rules.begin(), rules.end(), [](bias_rule r) { return r == bias_rule::never; }))
      refuse_setting(config, std::string(key) + " is not supported: " + std::string(out.family.name) + " has none");
    for (std::size_t i = 0; i < rules.size(); ++i) {
      const bias_rule rule = rules.begin()[i];
      *on.begin()[i] = rule == bias_rule::always || (rule == bias_rule::by_key && is_true);
    }
  };
  is_on("attention_bias", {biases.query_key_value, biases.output}, {&out.input_bias, &out.output_bias});
  is_on("mlp_bias", {biases.mlp}, {&out.mlp_bias});
}

gate_activation read_activation(const common::json_field& config, const activation_rule& rule) {
  const auto field = config.find(rule.key);
  if (!field) return rule.missing;
  constexpr std::string_view silu = "silu";
  constexpr std::string_view gelu_tanh = "gelu_pytorch_tanh";
  if (field->string() == silu) return gate_activation::silu;
  if (field->string() == gelu_tanh) return gate_activation::gelu_tanh;
  refuse_setting(config, not_supported(rule.key, field->string(), std::array{silu, gelu_tanh}));
}

double read_number(const common::json_field& config, const number_rule& rule) {
  if (rule.key.empty()) return 0;
  if (!says(config, rule.key)) return rule.missing;
  const auto field = config.find(rule.key);
  return field ? field->positive_number() : 0;
}

void read_sizes(const common::json_field& config, model_config& out) {
  out.vocabulary = count_of(config.at("vocab_size"));
  out.hidden = count_of(config.at("hidden_size"));
  out.layers = count_of(config.at("num_hidden_layers"));
  out.heads = count_of(config.at("num_attention_heads"));
  // A null means as many as heads, a missing key what the class says.
  constexpr std::string_view key_value_heads = "num_key_value_heads";
  const bool is_free = out.family.key_value_heads == 0 || says(config, key_value_heads);
  out.key_value_heads = count_at(config, key_value_heads, is_free ? out.heads : out.family.key_value_heads);
  out.intermediate = count_of(config.at("intermediate_size"));
  const auto epsilon = config.find("rms_norm_eps");
  out.norm_epsilon = static_cast<float>(epsilon ? epsilon->positive_number() : out.family.norm_epsilon);
  if (out.heads % out.key_value_heads != 0) {
    throw error(errc::bad_file, config.place() + ": " + std::to_string(out.heads) +
                                    " attention heads are no multiple of " + std::to_string(out.key_value_heads) +
                                    " key/value heads");
  }
  if (const auto head_size = config.find("head_dim")) {
    out.head_size = count_of(*head_size);
  } else if (out.family.head_size > 0) {
    out.head_size = out.family.head_size;
  } else if (out.hidden % out.heads == 0) {
    out.head_size = out.hidden / out.heads;
  } else {
    throw error(errc::bad_file, config.place() + ": head_dim is missing and hidden_size " + std::to_string(out.hidden) +
                                    " is no multiple of " + std::to_string(out.heads) + " heads");
  }
  if (out.head_size % 2 != 0) {
    throw error(errc::bad_file,
                config.place() + ": head_dim " + std::to_string(out.head_size) + " is odd; RoPE turns pairs");
  }
}

void read_scalars(const common::json_field& config, model_config& out) {
  const double query_scalar = read_number(config, out.family.query_scalar);
  const auto divisor = static_cast<float>(query_scalar > 0 ? query_scalar : static_cast<double>(out.head_size));
  out.attention_scale = 1.0F / std::sqrt(divisor);
  out.attention_cap = static_cast<float>(read_number(config, out.family.attention_cap));
  out.logit_cap = static_cast<float>(read_number(config, out.family.logit_cap));
  if (out.family.scaled_embedding) out.embedding_scale = static_cast<float>(std::sqrt(static_cast<double>(out.hidden)));
}

model_config config_of(const common::json_document& document, std::span<const architecture> foreign) {
  const common::json_field top(document);
  model_config out;
  out.family = find_architecture(top, foreign);
  const common::json_field config = out.family.config_object.empty() ? top : top.at(out.family.config_object);
  read_sizes(config, out);
  read_rotations(config, out);
  out.activation = read_activation(config, out.family.activation);
  refuse_ignored_keys(config, top);
  read_experts(config, out);
  read_layer_rules(config, out);
  read_biases(config, out);
  read_scalars(config, out);
  // Either level may say it; a Qwen3-VL file has it on both.
  out.tied_head = config.flag("tie_word_embeddings", top.flag("tie_word_embeddings", out.family.tied_head));
  read_special_ids(config, top, out);
  return out;
}

// What Llama 3's scaling comes to for each frequency.
std::vector<float> read_divisors(const gguf_file& file, index_t head_size) {
  const gguf_tensor* tensor = file.find("rope_freqs.weight");
  if (tensor == nullptr) return {};
  std::vector<float> divisors(static_cast<std::size_t>(head_size / 2));
  const std::string where = file.path() + ": tensor \"rope_freqs.weight\"";
  if (tensor->elements() != head_size / 2) {
    throw error(errc::bad_file, where + " has " + std::to_string(tensor->elements()) +
                                    " elements, where half a head, " + std::to_string(head_size / 2) + ", is needed");
  }
  file.read_values(*tensor, 0, divisors);
  for (const float divisor : divisors) {
    if (!(divisor > 0) || divisor > std::numeric_limits<float>::max())
      throw error(errc::bad_file, where + " holds " + common::number_text(divisor) + ", which divides no frequency");
  }
  return divisors;
}

}  // namespace

void refuse_setting(const common::json_field& config, const std::string& what) {
  throw error(errc::unsupported, config.place() + ": " + what);
}

index_t count_of(const common::json_field& field) {
  constexpr std::int64_t most = std::numeric_limits<std::int32_t>::max();
  const std::int64_t count = field.positive_integer();
  if (count > most) field.must_be("at most " + std::to_string(most));
  return count;
}

index_t count_at(const common::json_field& config, std::string_view key, index_t otherwise) {
  const auto field = config.find(key);
  return field ? count_of(*field) : otherwise;
}

bool says(const common::json_field& config, std::string_view key) { return config.value().get_object().contains(key); }

model_config read_config(const gguf_file& file) {
  model_config out = config_of(config_document(file), {});
  out.rotations.front().divisors = read_divisors(file, out.head_size);
  return out;
}

model_config read_config(const std::filesystem::path& model, std::span<const architecture> foreign) {
  if (is_gguf(model)) return read_config(gguf_file(model));
  model_config out = config_of(common::read_json_document(model / "config.json"), foreign);
  const std::filesystem::path generation = model / "generation_config.json";
  if (!std::filesystem::exists(generation)) return out;
  const common::json_document document = common::read_json_document(generation);
  if (const auto field = common::json_field(document).find("eos_token_id"))
    out.end_of_text = token_ids_of(*field, out.vocabulary);
  return out;
}

std::string padding_token(const std::filesystem::path& model) {
  const std::filesystem::path path = model / "tokenizer_config.json";
  if (!std::filesystem::exists(path)) return {};
  const common::json_document document = common::read_json_document(path);
  const auto token = common::json_field(document).find("pad_token");
  if (!token) return {};
  return std::string(token->is_string() ? token->string() : token->at("content").string());
}

}  // namespace qgrain::lm
