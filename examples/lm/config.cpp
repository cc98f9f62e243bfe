#include <common/json.hpp>
#include <lm/config.hpp>

#include <qgrain/core/status.hpp>

#include <algorithm>
#include <array>

namespace qgrain::lm {
namespace {

constexpr std::array<architecture, 3> architectures{{
    {"Qwen3ForCausalLM", "model.", "", true},
    {"LlamaForCausalLM", "model.", "", false},
    {"Qwen3VLForConditionalGeneration", "model.language_model.", "text_config", true},
}};

[[noreturn]] void unsupported(const common::json_object& config, const std::string& what) {
  throw error(errc::unsupported, config.where + ": " + what);
}

architecture find_architecture(const common::json_object& config) {
  const boost::json::value* names = config.find("architectures");
  if (names == nullptr || !names->is_array() || names->get_array().empty() || !names->get_array()[0].is_string()) {
    throw error(errc::bad_file, config.where + ": field \"architectures\" is missing or not a list of names");
  }
  const std::string_view name = names->get_array()[0].get_string();
  const auto found =
      std::find_if(architectures.begin(), architectures.end(), [&](const architecture& a) { return a.name == name; });
  if (found != architectures.end()) return *found;
  std::string known;
  for (const architecture& a : architectures) known += (known.empty() ? "" : ", ") + std::string(a.name);
  unsupported(config, "architecture \"" + std::string(name) + "\" is not supported; supported are " + known);
}

// `rope_scaling` of transformers 4; transformers 5 writes `rope_parameters`, which holds the base as well.
void read_rope(const common::json_object& config, model_config& out) {
  const bool has_parameters = config.find("rope_parameters") != nullptr;
  if (has_parameters && config.object("rope_parameters").find("rope_theta") != nullptr) {
    out.rope_base = config.object("rope_parameters").positive_number("rope_theta");
  } else {
    out.rope_base = config.positive_number("rope_theta");
  }
  if (!has_parameters && config.find("rope_scaling") == nullptr) return;
  const common::json_object scaling = config.object(has_parameters ? "rope_parameters" : "rope_scaling");
  const std::string type = scaling.find("rope_type") != nullptr ? scaling.text("rope_type")
                           : scaling.find("type") != nullptr    ? scaling.text("type")
                                                                : "default";
  if (type == "llama3") {
    out.rope_scaling = {scaling.positive_number("factor"), scaling.positive_number("low_freq_factor"),
                        scaling.positive_number("high_freq_factor"),
                        scaling.positive_number("original_max_position_embeddings")};
  } else if (type != "default") {
    unsupported(scaling, "rope type \"" + type + "\" is not supported; supported are default, llama3");
  }
}

std::optional<std::int32_t> token_id(const common::json_object& config, std::string_view key, index_t vocabulary) {
  const boost::json::value* value = config.find(key);
  if (value != nullptr && value->is_array() && !value->get_array().empty()) value = &value->get_array()[0];
  if (value == nullptr) return std::nullopt;
  boost::system::error_code failure;
  const auto id = value->to_number<std::int32_t>(failure);
  if (failure || id < 0 || id >= vocabulary) {
    throw error(errc::bad_file, config.where + ": field \"" + std::string(key) +
                                    "\" is no id below the vocabulary size " + std::to_string(vocabulary));
  }
  return id;
}

}  // namespace

model_config read_config(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / "config.json";
  const boost::json::value parsed = common::read_json_file(path);
  const common::json_object top = common::as_object(parsed, path.string());
  model_config out;
  out.family = find_architecture(top);
  const common::json_object config = out.family.config_object.empty() ? top : top.object(out.family.config_object);

  out.vocabulary = config.positive_integer("vocab_size");
  out.hidden = config.positive_integer("hidden_size");
  out.layers = config.positive_integer("num_hidden_layers");
  out.heads = config.positive_integer("num_attention_heads");
  out.key_value_heads =
      config.find("num_key_value_heads") != nullptr ? config.positive_integer("num_key_value_heads") : out.heads;
  out.intermediate = config.positive_integer("intermediate_size");
  out.norm_epsilon = static_cast<float>(config.positive_number("rms_norm_eps"));
  if (out.heads % out.key_value_heads != 0) {
    throw error(errc::bad_file, config.where + ": " + std::to_string(out.heads) +
                                    " attention heads are no multiple of " + std::to_string(out.key_value_heads) +
                                    " key/value heads");
  }
  if (config.find("head_dim") != nullptr) {
    out.head_size = config.positive_integer("head_dim");
  } else if (out.hidden % out.heads == 0) {
    out.head_size = out.hidden / out.heads;
  } else {
    throw error(errc::bad_file, config.where + ": field \"head_dim\" is missing and hidden_size " +
                                    std::to_string(out.hidden) + " is no multiple of " + std::to_string(out.heads) +
                                    " heads");
  }
  if (out.head_size % 2 != 0) {
    throw error(errc::bad_file,
                config.where + ": head_dim " + std::to_string(out.head_size) + " is odd; RoPE turns pairs");
  }
  read_rope(config, out);
  if (const std::string activation = config.text("hidden_act"); activation != "silu") {
    unsupported(config, "hidden_act \"" + activation + "\" is not supported; supported is silu");
  }
  if (config.boolean_or("use_sliding_window", false)) unsupported(config, "use_sliding_window is not supported");
  if (config.boolean_or("mlp_bias", false)) unsupported(config, "mlp_bias is not supported");
  out.attention_bias = config.boolean_or("attention_bias", false);
  // Either level may say it; a Qwen3-VL file has it on both.
  out.tied_head = config.boolean_or("tie_word_embeddings", top.boolean_or("tie_word_embeddings", false));
  out.end_of_text = token_id(config, "eos_token_id", out.vocabulary);
  out.padding_id = token_id(top, "pad_token_id", out.vocabulary);
  if (!out.padding_id) out.padding_id = out.end_of_text;
  return out;
}

std::string padding_token(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / "tokenizer_config.json";
  if (!std::filesystem::exists(path)) return {};
  const boost::json::value parsed = common::read_json_file(path);
  const common::json_object config = common::as_object(parsed, path.string());
  const boost::json::value* token = config.find("pad_token");
  if (token == nullptr) return {};
  return token->is_string() ? std::string(token->get_string()) : config.object("pad_token").text("content");
}

}  // namespace qgrain::lm
