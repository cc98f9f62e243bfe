// Byte-pair encoding: a word's characters, merged pair by pair in the order of the trained merges.
#ifndef QGRAIN_LM_TOKENIZER_BPE_HPP
#define QGRAIN_LM_TOKENIZER_BPE_HPP

#include <common/json.hpp>

#include <functional>
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

/// The BPE model of Sennrich et al. 2016, arXiv:1508.07909, with the options of tokenizer.json's `model`.
class bpe_model {
 public:
  /// Throws `bad_file` for duplicate ids and for merges whose parts or result are not in the vocabulary, `unsupported`
  /// for another model type and for the options dropout, continuing_subword_prefix, end_of_word_suffix and
  /// byte_fallback.
  [[nodiscard]] static bpe_model read(const common::json_field& model);

  [[nodiscard]] const vocabulary& tokens() const noexcept { return tokens_; }

  /// Appends the ids of one word, well-formed UTF-8. Of the pairs in the word, the earliest trained is merged first,
  /// the leftmost of equals first. O(n log n). Throws `invalid_argument` for a character that is not in the vocabulary
  /// when there is no unknown token.
  void encode(std::string_view word, std::vector<std::int32_t>& ids) const;

 private:
  struct merge {
    std::int32_t rank;
    std::int32_t result;
  };
  class merging;  // the work on one word

  void add_merge(const common::json_field& entry, std::int32_t rank);
  [[nodiscard]] const merge* find_merge(std::int32_t left, std::int32_t right) const;
  [[nodiscard]] std::vector<std::int32_t> character_ids(std::string_view word) const;

  vocabulary tokens_;
  std::unordered_map<std::uint64_t, merge> merges_;  // by pair_key
  std::optional<std::int32_t> unknown_;
  bool fuse_unknown_ = false;
  bool ignore_merges_ = false;  // a word that is itself a token is not built from merges
};

}  // namespace qgrain::lm

#endif
