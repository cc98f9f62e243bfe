// Added tokens: texts that become one id wherever they are found, before the model sees the rest.
#ifndef QGRAIN_LM_TOKENIZER_ADDED_TOKENS_HPP
#define QGRAIN_LM_TOKENIZER_ADDED_TOKENS_HPP

#include <common/json.hpp>
#include <lm/tokenizer/byte_trie.hpp>

namespace qgrain::lm {

/// An entry of `added_tokens`. The entry's `special` says only that a reader may leave the token out when it decodes.
struct added_token {
  std::string content;
  std::int32_t id = 0;
  bool single_word = false;  ///< no match where a word character is next to it
  bool strip_left = false;   ///< the match takes the white space before it
  bool strip_right = false;  ///< the match takes the white space after it
  bool normalized =
      false;  ///< searched for, in its normalized form, in the normalized text instead of the text as given
};

/// Reads an `added_tokens` array. Throws `bad_file` for an empty content and for a content or id that occurs twice.
[[nodiscard]] std::vector<added_token> read_added_tokens(const common::json_field& tokens);

/// A part of a text: an added token, or text between them.
struct text_segment {
  std::optional<std::int32_t> token;
  std::string_view text;  ///< what lies between tokens; empty for a token
};

/// Finds added tokens: leftmost first, the longest of those that begin at the same byte, without overlap.
class added_token_finder {
 public:
  explicit added_token_finder(std::vector<added_token> tokens);

  /// The segments of well-formed UTF-8 in order; no text segment is empty. Time: text size times the longest content.
  [[nodiscard]] std::vector<text_segment> segments(std::string_view text) const;

 private:
  [[nodiscard]] const added_token* longest_at(std::string_view text, std::size_t position) const;

  std::vector<added_token> tokens_;
  byte_trie contents_;  // values are places in `tokens_`
};

}  // namespace qgrain::lm

#endif
