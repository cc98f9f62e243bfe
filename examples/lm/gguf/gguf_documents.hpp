// What config.json and tokenizer.json of a model folder would say, made of a GGUF file's keys.
#ifndef QGRAIN_LM_GGUF_GGUF_DOCUMENTS_HPP
#define QGRAIN_LM_GGUF_GGUF_DOCUMENTS_HPP

#include <common/json.hpp>
#include <lm/gguf/gguf_file.hpp>
#include <lm/gguf/gguf_names.hpp>

#include <string_view>

namespace qgrain::lm {

/// The family that "general.architecture" names.
/// @throws error errc::unsupported, naming it and those that are known; for a part of a split file as well
[[nodiscard]] const gguf_family& family_of(const gguf_file& file);

/// The fields that `read_config` asks for. Llama 3's frequencies are no key but the tensor `rope_freqs.weight`.
/// @throws error errc::bad_file for a key that is missing or of the wrong kind, errc::unsupported for what config.json
/// cannot say or no code here follows (experts, sliding windows, numbers that differ by layer)
[[nodiscard]] common::json_document config_document(const gguf_file& file);

/// By "tokenizer.ggml.model". `gpt2` is byte-level BPE: the file names its pre-tokenizer instead of describing it, and
/// leaves the normalizer out; both are those of the name's first model (`qwen2` has NFC). `llama` is SentencePiece's
/// BPE by scores, with the tokens of bytes for characters that are no piece, as llama.cpp reads it.
/// @throws error errc::unsupported for another model or a name that is not known, errc::bad_file for keys that
/// contradict each other
[[nodiscard]] common::json_document tokenizer_document(const gguf_file& file);

/// A pre-tokenizer that llama.cpp knows by name.
struct gguf_pre_tokenizer {
  std::string_view name;
  std::string_view split;  ///< regular expression of the `Split` before `ByteLevel`; empty: ByteLevel's own
  bool normalizes;         ///< to NFC
  bool ignores_merges;     ///< a word that is itself a token is not built from merges
  bool begins_texts;       ///< with the token of the beginning, where no key says whether
};
[[nodiscard]] std::span<const gguf_pre_tokenizer> gguf_pre_tokenizers() noexcept;

/// Types of tokens in "tokenizer.ggml.token_type".
enum class gguf_token_type : std::uint8_t { normal = 1, unknown, control, user_defined, unused, byte };

}  // namespace qgrain::lm

#endif
