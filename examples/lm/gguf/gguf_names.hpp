// Hugging Face's names and rows of tensors, and llama.cpp's.
#ifndef QGRAIN_LM_GGUF_GGUF_NAMES_HPP
#define QGRAIN_LM_GGUF_GGUF_NAMES_HPP

#include <cstdint>
#include <string>
#include <string_view>

namespace qgrain::lm {

/// One of llama.cpp's architectures and its class in transformers.
struct gguf_family {
  std::string_view name;           ///< "general.architecture", and what the family's keys begin with
  std::string_view architecture;   ///< as in `architectures` of config.json
  std::string_view tensor_prefix;  ///< of Hugging Face's names, in front of `embed_tokens`, `layers.<n>` and `norm`
  bool turns_neighbours = false;   ///< rows of q and k are permuted: RoPE turns neighbours, not halves of a head
  bool is_gemma = false;           ///< norms behind attention and MLP too; each is stored as 1 + Hugging Face's weight
};

// Null where there is none.
[[nodiscard]] const gguf_family* find_gguf_family(std::string_view name) noexcept;
[[nodiscard]] const gguf_family* gguf_family_of(std::string_view architecture) noexcept;
/// "llama, qwen3, ..."
[[nodiscard]] std::string known_gguf_families();

/// `model.layers.3.mlp.up_proj.weight` to `blk.3.ffn_up.weight`, and back. Empty where the language model of the family
/// has no such tensor.
[[nodiscard]] std::string gguf_name_of(const gguf_family& family, std::string_view hugging_face);
[[nodiscard]] std::string hugging_face_name_of(const gguf_family& family, std::string_view gguf);

/// `blk.3.ffn_up.weight` to `blk.3.ffn_up.scale`: the factor by which a tensor's values are multiplied.
[[nodiscard]] std::string gguf_scale_name_of(std::string_view weight);

/// Whether the tensor holds 1 + Hugging Face's values.
[[nodiscard]] bool holds_one_more(const gguf_family& family, std::string_view gguf) noexcept;

/// Whether the tensor's rows are permuted within each head: q and k, weight and bias, where RoPE turns neighbours.
[[nodiscard]] bool has_permuted_rows(const gguf_family& family, std::string_view gguf) noexcept;
/// Where such a tensor of a GGUF file has row `row` of Hugging Face's: element i of half j of a head is at 2 i + j.
[[nodiscard]] constexpr std::int64_t permuted_row(std::int64_t row, std::int64_t head_size) noexcept {
  const std::int64_t half = head_size / 2;
  const std::int64_t in_head = row % head_size;
  return row - in_head + 2 * (in_head % half) + in_head / half;
}

}  // namespace qgrain::lm

#endif
