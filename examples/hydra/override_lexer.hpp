// Tokens of an override: those of the key, and those of the value behind the equals sign.
#ifndef QGRAIN_HYDRA_OVERRIDE_LEXER_HPP
#define QGRAIN_HYDRA_OVERRIDE_LEXER_HPP

#include <hydra/scalar_lexer.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace qgrain::hydra {

enum class token_kind : std::uint8_t {
  end,
  mark,           ///< a character with a meaning: ( ) [ ] { } , : = and in the key also ~ + @ /
  word,           ///< key: a name of letters, digits, _ and -; value: the lexeme of that name
  special_word,   ///< key: a name that holds a $
  dotted_path,    ///< key: names and numbers joined by dots
  scalar,         ///< value: any other lexeme
  quoted,         ///< value: a quoted text with its quotes
  interpolation,  ///< value: ${...} up to the first closing brace
};

struct token {
  token_kind kind = token_kind::end;
  char mark = '\0';              ///< of a mark
  lexeme scalar = lexeme::none;  ///< of a word or scalar of a value
  std::string_view text = {};    ///< as written; blanks around a mark of a value belong to it
  std::size_t offset = 0;        ///< in the override
};

struct override_tokens {
  std::vector<token> key;    ///< up to the first equals sign, which is its last token where there is one; then `end`
  std::vector<token> value;  ///< behind it, then `end`
};

/// Splits an override; each token is the longest that fits. The views point into `text`.
/// Throws errc::invalid_argument, naming position and text, where no token fits.
[[nodiscard]] override_tokens split_override(std::string_view text);

/// The exception for an override that cannot be read: its text, the column (from 1, in bytes) and the reason.
[[noreturn]] void refuse_override(std::string_view text, std::size_t offset, std::string_view reason);

}  // namespace qgrain::hydra

#endif
