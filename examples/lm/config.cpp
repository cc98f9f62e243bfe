#include <common/json.hpp>
#include <common/number_text.hpp>
#include <lm/config.hpp>
#include <lm/gguf/gguf_documents.hpp>
#include <lm/gguf/gguf_file.hpp>
#include <lm/quantized/quantization_config.hpp>

#include <qgrain/core/status.hpp>

#include <algorithm>
#include <array>
#include <limits>

namespace qgrain::lm {
namespace {

constexpr std::array<architecture, 3> architectures{{
    {"Qwen3ForCausalLM", "model.", "", true, 1e4, 128, 32},
    {"LlamaForCausalLM", "model.", "", false, 1e4, 0, 0},
    {"Qwen3VLForConditionalGeneration", "model.language_model.", "text_config", true, 5e6, 128, 32},
}};

// Sizes are products of two counts at most, which then fit 64 bits.
index_t count_of(const common::json_field& field) {
  constexpr std::int64_t most = std::numeric_limits<std::int32_t>::max();
  const std::int64_t count = field.positive_integer();
  if (count > most) field.must_be("at most " + std::to_string(most));
  return count;
}

[[noreturn]] void unsupported(const common::json_field& config, const std::string& what) {
  throw error(errc::unsupported, config.place() + ": " + what);
}

architecture find_architecture(const common::json_field& config) {
  const std::vector<common::json_field> names = config.at("architectures").elements();
  if (names.empty()) config.at("architectures").must_be("an array of at least one name");
  const std::string_view name = names.front().string();
  const auto found =
      std::find_if(architectures.begin(), architectures.end(), [&](const architecture& a) { return a.name == name; });
  if (found != architectures.end()) return *found;
  std::string known;
  for (const architecture& a : architectures) known += (known.empty() ? "" : ", ") + std::string(a.name);
  unsupported(config, "architecture \"" + std::string(name) + "\" is not supported; supported are " + known);
}

// The base may stand in two places, which must agree.
double rope_base(const common::json_field& config, double otherwise) {
  const auto parameters = config.find("rope_parameters");
  const auto inner = parameters ? parameters->find("rope_theta") : std::nullopt;
  const auto outer = config.find("rope_theta");
  if (inner && outer && inner->positive_number() != outer->positive_number()) {
    throw error(errc::bad_file, config.place() + ": rope_theta is " + common::number_text(outer->number()) +
                                    " and rope_parameters.rope_theta " + common::number_text(inner->number()));
  }
  return inner ? inner->positive_number() : outer ? outer->positive_number() : otherwise;
}

// `rope_scaling` of transformers 4; transformers 5 writes `rope_parameters`, which holds the base as well. Where a file
// has both, `rope_scaling` counts in either version.
void read_rope(const common::json_field& config, model_config& out) {
  out.rope_base = rope_base(config, out.family.rope_base);
  const auto old_form = config.find("rope_scaling");
  const auto scaling = old_form ? old_form : config.find("rope_parameters");
  if (!scaling) return;
  auto type = scaling->find("rope_type");
  if (!type) type = scaling->find("type");
  if (!type && (old_form || scaling->find("factor"))) scaling->fail(errc::bad_file, "lacks a rope_type");
  const std::string_view name = type ? type->string() : "default";
  if (name == "llama3") {
    out.rope_scaling = {scaling->at("factor").positive_number(), scaling->at("low_freq_factor").positive_number(),
                        scaling->at("high_freq_factor").positive_number(),
                        scaling->at("original_max_position_embeddings").positive_number()};
  } else if (name != "default") {
    unsupported(*scaling, "rope type \"" + std::string(name) + "\" is not supported; supported are default, llama3");
  }
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
  if (const auto share = config.find("partial_rotary_factor"); share && share->positive_number() != 1) {
    unsupported(config, "partial_rotary_factor " + common::number_text(share->number()) +
                            " is not supported: every dimension of a head is rotated");
  }
  for (const common::json_field& level : {config, top}) {
    if (const auto quantization = level.find("quantization_config")) require_known_quantization(*quantization);
  }
}

model_config config_of(const common::json_document& document) {
  const common::json_field top(document);
  model_config out;
  out.family = find_architecture(top);
  const common::json_field config = out.family.config_object.empty() ? top : top.at(out.family.config_object);

  out.vocabulary = count_of(config.at("vocab_size"));
  out.hidden = count_of(config.at("hidden_size"));
  out.layers = count_of(config.at("num_hidden_layers"));
  out.heads = count_of(config.at("num_attention_heads"));
  const auto key_value_heads = config.find("num_key_value_heads");
  // A null means as many as heads, a missing key what the class says.
  const bool says_none = config.value().get_object().contains("num_key_value_heads");
  out.key_value_heads = key_value_heads                                ? count_of(*key_value_heads)
                        : out.family.key_value_heads == 0 || says_none ? out.heads
                                                                       : out.family.key_value_heads;
  out.intermediate = count_of(config.at("intermediate_size"));
  const auto epsilon = config.find("rms_norm_eps");
  out.norm_epsilon = static_cast<float>(epsilon ? epsilon->positive_number() : 1e-6);
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
  read_rope(config, out);
  if (const auto activation = config.find("hidden_act"); activation && activation->string() != "silu") {
    unsupported(config, "hidden_act \"" + std::string(activation->string()) + "\" is not supported; supported is silu");
  }
  refuse_ignored_keys(config, top);
  if (config.flag("use_sliding_window")) unsupported(config, "use_sliding_window is not supported");
  if (config.flag("mlp_bias")) unsupported(config, "mlp_bias is not supported");
  out.attention_bias = config.flag("attention_bias");
  // Either level may say it; a Qwen3-VL file has it on both.
  out.tied_head = config.flag("tie_word_embeddings", top.flag("tie_word_embeddings"));
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

model_config read_config(const gguf_file& file) {
  model_config out = config_of(config_document(file));
  out.rope_divisors = read_divisors(file, out.head_size);
  return out;
}

model_config read_config(const std::filesystem::path& model) {
  if (is_gguf(model)) return read_config(gguf_file(model));
  model_config out = config_of(common::read_json_document(model / "config.json"));
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
