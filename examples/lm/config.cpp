#include <common/json.hpp>
#include <lm/config.hpp>

#include <qgrain/core/status.hpp>

#include <algorithm>
#include <array>
#include <limits>

namespace qgrain::lm {
namespace {

constexpr std::array<architecture, 3> architectures{{
    {"Qwen3ForCausalLM", "model.", "", true},
    {"LlamaForCausalLM", "model.", "", false},
    {"Qwen3VLForConditionalGeneration", "model.language_model.", "text_config", true},
}};

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

// `rope_scaling` of transformers 4; transformers 5 writes `rope_parameters`, which holds the base as well.
void read_rope(const common::json_field& config, model_config& out) {
  const auto parameters = config.find("rope_parameters");
  const auto base = parameters ? parameters->find("rope_theta") : std::nullopt;
  out.rope_base = (base ? *base : config.at("rope_theta")).positive_number();
  const auto scaling = parameters ? parameters : config.find("rope_scaling");
  if (!scaling) return;
  auto type = scaling->find("rope_type");
  if (!type) type = scaling->find("type");
  const std::string_view name = type ? type->string() : "default";
  if (name == "llama3") {
    out.rope_scaling = {scaling->at("factor").positive_number(), scaling->at("low_freq_factor").positive_number(),
                        scaling->at("high_freq_factor").positive_number(),
                        scaling->at("original_max_position_embeddings").positive_number()};
  } else if (name != "default") {
    unsupported(*scaling, "rope type \"" + std::string(name) + "\" is not supported; supported are default, llama3");
  }
}

std::optional<std::int32_t> token_id(const common::json_field& config, std::string_view key, index_t vocabulary) {
  auto field = config.find(key);
  if (field && field->is_array() && !field->elements().empty()) field = field->elements().front();
  if (!field) return std::nullopt;
  const auto id = field->whole();
  if (!id || *id < 0 || *id >= vocabulary || *id > std::numeric_limits<std::int32_t>::max()) {
    field->must_be("an id below the vocabulary size " + std::to_string(vocabulary));
  }
  return static_cast<std::int32_t>(*id);
}

}  // namespace

model_config read_config(const std::filesystem::path& folder) {
  const common::json_document document = common::read_json_document(folder / "config.json");
  const common::json_field top(document);
  model_config out;
  out.family = find_architecture(top);
  const common::json_field config = out.family.config_object.empty() ? top : top.at(out.family.config_object);

  out.vocabulary = config.at("vocab_size").positive_integer();
  out.hidden = config.at("hidden_size").positive_integer();
  out.layers = config.at("num_hidden_layers").positive_integer();
  out.heads = config.at("num_attention_heads").positive_integer();
  const auto key_value_heads = config.find("num_key_value_heads");
  out.key_value_heads = key_value_heads ? key_value_heads->positive_integer() : out.heads;
  out.intermediate = config.at("intermediate_size").positive_integer();
  out.norm_epsilon = static_cast<float>(config.at("rms_norm_eps").positive_number());
  if (out.heads % out.key_value_heads != 0) {
    throw error(errc::bad_file, config.place() + ": " + std::to_string(out.heads) +
                                    " attention heads are no multiple of " + std::to_string(out.key_value_heads) +
                                    " key/value heads");
  }
  if (const auto head_size = config.find("head_dim")) {
    out.head_size = head_size->positive_integer();
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
  if (const std::string_view activation = config.at("hidden_act").string(); activation != "silu") {
    unsupported(config, "hidden_act \"" + std::string(activation) + "\" is not supported; supported is silu");
  }
  if (config.flag("use_sliding_window")) unsupported(config, "use_sliding_window is not supported");
  if (config.flag("mlp_bias")) unsupported(config, "mlp_bias is not supported");
  out.attention_bias = config.flag("attention_bias");
  // Either level may say it; a Qwen3-VL file has it on both.
  out.tied_head = config.flag("tie_word_embeddings", top.flag("tie_word_embeddings"));
  out.end_of_text = token_id(config, "eos_token_id", out.vocabulary);
  out.padding_id = token_id(top, "pad_token_id", out.vocabulary);
  if (!out.padding_id) out.padding_id = out.end_of_text;
  return out;
}

std::string padding_token(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / "tokenizer_config.json";
  if (!std::filesystem::exists(path)) return {};
  const common::json_document document = common::read_json_document(path);
  const auto token = common::json_field(document).find("pad_token");
  if (!token) return {};
  return std::string(token->is_string() ? token->string() : token->at("content").string());
}

}  // namespace qgrain::lm
