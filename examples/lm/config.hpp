// What config.json, or the keys of a GGUF file, say about a model, and the architectures that this program knows.
#ifndef QGRAIN_LM_CONFIG_HPP
#define QGRAIN_LM_CONFIG_HPP

#include <lm/buffer.hpp>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace qgrain::lm {

class gguf_file;

/// How one architecture differs from the plain decoder (RMSNorm, grouped-query attention, RoPE, SwiGLU). A further
/// family of that kind is one more line of the table in config.cpp.
struct architecture {
  std::string_view name;           ///< as in `architectures` of config.json
  std::string_view tensor_prefix;  ///< in front of `embed_tokens`, `layers.<n>` and `norm`
  std::string_view config_object;  ///< where the language model's fields are; empty: at the top
  bool head_norms;                 ///< RMSNorm on each query and key head before RoPE
  double rope_base;                ///< where `rope_theta` is missing
  index_t head_size;               ///< where `head_dim` is missing; 0: hidden size by heads
  index_t key_value_heads;         ///< where `num_key_value_heads` is missing; 0: as many as heads
};

/// Frequency scaling of Llama 3: wave lengths above the original context are stretched.
struct llama3_scaling {
  double factor;
  double low_frequency_factor;
  double high_frequency_factor;
  double original_positions;

  /// What a frequency that turns that often within the original context is multiplied by.
  [[nodiscard]] double factor_of(double turns) const noexcept {
    const double kept =
        std::clamp((turns - low_frequency_factor) / (high_frequency_factor - low_frequency_factor), 0.0, 1.0);
    return kept + (1 - kept) / factor;
  }
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
  float norm_epsilon = 0;
  double rope_base = 0;
  std::optional<llama3_scaling> rope_scaling;
  /// [head_size / 2] What each frequency is divided by, as a GGUF file states that scaling; empty: nothing.
  std::vector<float> rope_divisors;
  bool attention_bias = false;
  bool tied_head = false;
  std::vector<std::int32_t>
      end_of_text;  ///< ids that end a text: `eos_token_id` of generation_config.json, where it has
                    ///< the key, else of config.json; those outside of the vocabulary are left out
  std::optional<std::int32_t> padding_id;  ///< `pad_token_id`, else the first `eos_token_id` of config.json

  [[nodiscard]] index_t query_width() const noexcept { return heads * head_size; }
  [[nodiscard]] index_t key_width() const noexcept { return key_value_heads * head_size; }
};

/// Reads `model`/config.json, and generation_config.json if it is there, or the keys of a GGUF file. Fields that
/// transformers' class gives a default have it here as well. Throws errc::bad_file naming a missing, impossible or
/// contradictory field, errc::unsupported naming what is not supported and what is.
[[nodiscard]] model_config read_config(const std::filesystem::path& model);
[[nodiscard]] model_config read_config(const gguf_file& file);

/// The padding token's text in tokenizer_config.json; empty where the file or the entry is missing, and for a GGUF
/// file, which gives the token's id alone.
[[nodiscard]] std::string padding_token(const std::filesystem::path& model);

}  // namespace qgrain::lm

#endif
