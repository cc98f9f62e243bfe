// What config.json, or the keys of a GGUF file, say about a model of a known family.
#ifndef QGRAIN_LM_CONFIG_HPP
#define QGRAIN_LM_CONFIG_HPP

#include <lm/buffer.hpp>
#include <lm/families/architecture.hpp>
#include <lm/rotation.hpp>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace qgrain::lm {

class gguf_file;

/// What differs from layer to layer.
struct layer_rule {
  static constexpr index_t unrotated = -1;
  index_t window = 0;      ///< a query sees so many keys up to its own; 0: all of them
  index_t rotation = 0;    ///< index into model_config::rotations, or `unrotated`
  bool is_sparse = false;  ///< experts in the place of the MLP
};

struct model_config {
  architecture family{};
  index_t vocabulary = 0;
  index_t hidden = 0;
  index_t layers = 0;
  index_t heads = 0;
  index_t key_value_heads = 0;
  index_t head_size = 0;
  index_t intermediate = 0;
  index_t experts = 0;              ///< 0: there are none
  index_t experts_per_token = 0;    ///< at most `experts`
  index_t expert_width = 0;         ///< an expert's intermediate size
  bool normalized_experts = false;  ///< the weights of those chosen are divided by their sum
  float norm_epsilon = 0;
  std::vector<rotation> rotations;      ///< that of layers without a window first
  std::vector<layer_rule> layer_rules;  ///< [layers]
  bool input_bias = false;              ///< of q, k and v
  bool output_bias = false;             ///< of o
  bool mlp_bias = false;                ///< of gate, up and down
  gate_activation activation = gate_activation::silu;
  float attention_scale = 0;  ///< of query times key
  float attention_cap = 0;    ///< c of c tanh(s / c) for scores; 0: none
  float logit_cap = 0;        ///< and for logits
  float embedding_scale = 1;
  bool tied_head = false;
  std::vector<std::int32_t>
      end_of_text;  ///< ids that end a text: `eos_token_id` of generation_config.json, where it has
                    ///< the key, else of config.json; those outside of the vocabulary are left out
  std::optional<std::int32_t> padding_id;  ///< `pad_token_id`, else the first `eos_token_id` of config.json

  [[nodiscard]] bool is_sparse(index_t layer) const { return layer_rules[static_cast<std::size_t>(layer)].is_sparse; }
  /// Whether a sequence longer than its window attends differently from one without.
  [[nodiscard]] bool has_windows() const noexcept {
    return std::any_of(layer_rules.begin(), layer_rules.end(), [](const layer_rule& l) { return l.window > 0; });
  }
  [[nodiscard]] index_t query_width() const noexcept { return heads * head_size; }
  [[nodiscard]] index_t key_width() const noexcept { return key_value_heads * head_size; }
};

/// Reads `model`/config.json, and generation_config.json if it is there, or the keys of a GGUF file. Fields that
/// transformers' class gives a default have it here as well. Throws errc::bad_file naming a missing, impossible or
/// contradictory field, errc::unsupported naming what is not supported and what is.
/// `foreign` are descriptions to be looked at before those that are built in; what their texts lie in must outlive the
/// configuration.
[[nodiscard]] model_config read_config(const std::filesystem::path& model, std::span<const architecture> foreign = {});
[[nodiscard]] model_config read_config(const gguf_file& file);

/// The padding token's text in tokenizer_config.json; empty where the file or the entry is missing, and for a GGUF
/// file, which gives the token's id alone.
[[nodiscard]] std::string padding_token(const std::filesystem::path& model);

}  // namespace qgrain::lm

#endif
