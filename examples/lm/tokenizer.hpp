// Text to token ids and back, as a Hugging Face tokenizer.json describes it.
#ifndef QGRAIN_LM_TOKENIZER_HPP
#define QGRAIN_LM_TOKENIZER_HPP

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace qgrain::lm {

/// A tokenizer with a BPE or a unigram model. Its components are chosen by the `type` fields of the file; docs of each
/// beside its source in `tokenizer/`. Immutable after `load`: any number of threads may use one object. A moved-from
/// tokenizer may only be assigned to or destroyed.
class tokenizer {
 public:
  /// Reads a `tokenizer.json`, and the tokenizer_config.json beside it for classes that add the beginning of a text by
  /// themselves (`add_bos_token`, `add_eos_token` of Llama's and its kin). New added tokens are numbered on from the
  /// model's, as the tokenizers library does. `truncation`, and `padding` to a length, are refused.
  /// Throws `qgrain::error`: `io_failure` if the file cannot be read, `bad_file` if it is not JSON or contradicts
  /// itself, `unsupported` if it asks for a component that is not there; the sentence names the file and the key.
  [[nodiscard]] static tokenizer load(const std::filesystem::path& tokenizer_json);
  /// That of a model folder's tokenizer.json, or of a GGUF file's keys.
  [[nodiscard]] static tokenizer of_model(const std::filesystem::path& model);

  tokenizer(tokenizer&&) noexcept;
  tokenizer& operator=(tokenizer&&) noexcept;
  ~tokenizer();

  /// The ids of a text, with the special tokens that the file's post-processor adds. An added token spelled out in the
  /// text becomes that token. Time: O(n log n) in the longest word, linear otherwise. Character properties are those of
  /// ICU's version of Unicode: on characters younger than that, other implementations may cut or normalize differently.
  /// Throws `qgrain::error`: `invalid_argument` if the text is not well-formed UTF-8 (names the byte offset) or if a
  /// character has no token and a unigram model no unknown token (BPE drops it, as the tokenizers library does);
  /// `out_of_range` beyond 2^31 - 1 bytes.
  [[nodiscard]] std::vector<std::int32_t> encode(std::string_view utf8) const;

  /// The text of the ids, special tokens spelled out. The result is always well-formed UTF-8: each maximal ill-formed
  /// part of bytes, e.g. a character cut by the end of `ids`, becomes one U+FFFD; with byte fallback each byte of an
  /// ill-formed run does. A file without a decoder gives the tokens with spaces between. Throws `qgrain::error` with
  /// `out_of_range` for an id that names no token.
  [[nodiscard]] std::string decode(std::span<const std::int32_t> ids) const;

  /// One past the largest id, added tokens included.
  [[nodiscard]] std::int32_t vocabulary_size() const noexcept;

  /// The id of a token as the file spells it, e.g. in the byte-level alphabet; plain text for added ones.
  [[nodiscard]] std::optional<std::int32_t> id_of(std::string_view token) const;

 private:
  struct parts;
  explicit tokenizer(std::unique_ptr<const parts> loaded) noexcept;

  std::unique_ptr<const parts> parts_;
};

}  // namespace qgrain::lm

#endif
