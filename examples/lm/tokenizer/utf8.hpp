// UTF-8: checking, repairing, walking, and the character classes that components need.
#ifndef QGRAIN_LM_TOKENIZER_UTF8_HPP
#define QGRAIN_LM_TOKENIZER_UTF8_HPP

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace qgrain::lm {

/// Bytes of text that one call takes: the limit of ICU's interfaces.
inline constexpr std::size_t max_text_bytes = 0x7FFFFFFF;

inline constexpr std::string_view replacement_character = "\xEF\xBF\xBD";  // U+FFFD

/// Where the first ill-formed part of `bytes` begins; nothing if the text is well-formed.
[[nodiscard]] std::optional<std::size_t> first_ill_formed_byte(std::string_view bytes);

/// Replaces each maximal ill-formed part by U+FFFD (Unicode 15, section 3.9, "U+FFFD substitution of maximal
/// subparts").
[[nodiscard]] std::string repaired(std::string bytes);

/// The code point that starts at `position` of well-formed `text`; moves `position` behind it.
char32_t next_code_point(std::string_view text, std::size_t& position);

/// The code point that ends before `position` of well-formed `text`; moves `position` to its start.
char32_t previous_code_point(std::string_view text, std::size_t& position);

/// The Unicode property White_Space.
[[nodiscard]] bool is_white_space(char32_t code_point);

/// Where the white space that ends before `position`, or begins there, begins, or ends.
[[nodiscard]] std::size_t skip_space_left(std::string_view text, std::size_t position);
[[nodiscard]] std::size_t skip_space_right(std::string_view text, std::size_t position);

/// A word character by Unicode TS 18, annex C: alphabetic, mark, decimal digit, connector or join control.
[[nodiscard]] bool is_word_character(char32_t code_point);

/// A digit, letter or other character of the category number.
[[nodiscard]] bool is_number(char32_t code_point);

/// ASCII's punctuation, symbols among them, and the category punctuation of all else.
[[nodiscard]] bool is_punctuation(char32_t code_point);

/// Where the extended grapheme clusters (Unicode annex 29) of well-formed `text` end, in bytes.
[[nodiscard]] std::vector<std::size_t> grapheme_ends(std::string_view text);

}  // namespace qgrain::lm

#endif
