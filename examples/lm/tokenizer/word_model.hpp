// Models: how a word becomes ids.
#ifndef QGRAIN_LM_TOKENIZER_WORD_MODEL_HPP
#define QGRAIN_LM_TOKENIZER_WORD_MODEL_HPP

#include <common/json.hpp>
#include <lm/tokenizer/pieces.hpp>

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>

namespace qgrain::lm {

/// Lets a map with string keys be searched by a view.
struct string_hash {
  using is_transparent = void;
  [[nodiscard]] std::size_t operator()(std::string_view text) const noexcept {
    return std::hash<std::string_view>{}(text);
  }
};
using vocabulary = std::unordered_map<std::string, std::int32_t, string_hash, std::equal_to<>>;

/// A trained model; immutable, so that threads may share it.
class word_model {
 public:
  virtual ~word_model() = default;

  [[nodiscard]] virtual const vocabulary& tokens() const noexcept = 0;

  /// Appends the ids of all words, well-formed UTF-8. Throws `invalid_argument` for a character that the model
  /// cannot spell.
  void encode(const pieces& words, std::vector<std::int32_t>& ids) const;

 protected:
  using part_visitor = std::function<void(std::string_view part)>;
  /// Parts of a word that do not depend on each other; those that come up again are not encoded again.
  virtual void for_each_part(std::string_view word, const part_visitor& visit) const { visit(word); }
  virtual void encode_part(std::string_view part, std::vector<std::int32_t>& ids) const = 0;
};

/// By `type`: `BPE` (bpe.hpp), `Unigram` (unigram.hpp) and `ScoredBPE` (bpe.hpp), which only GGUF files ask for. Throws
/// `unsupported` with the list of types for any other, else what the model's own reader throws.
[[nodiscard]] std::unique_ptr<const word_model> read_word_model(const common::json_field& model);

/// The ids of the tokens <0x00> to <0xFF>, -1 where one is missing.
using byte_ids = std::array<std::int32_t, 256>;
[[nodiscard]] byte_ids byte_ids_of(const vocabulary& tokens);

/// Appends the ids of a text's bytes; false, and nothing, where one of them has no token.
[[nodiscard]] bool append_bytes(std::string_view text, const byte_ids& bytes, std::vector<std::int32_t>& ids);

}  // namespace qgrain::lm

#endif
