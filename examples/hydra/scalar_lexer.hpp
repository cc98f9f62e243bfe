// The lexemes of unquoted text, which override values and resolver arguments share.
#ifndef QGRAIN_HYDRA_SCALAR_LEXER_HPP
#define QGRAIN_HYDRA_SCALAR_LEXER_HPP

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace qgrain::hydra {

enum class lexeme : std::uint8_t {
  none,      ///< no lexeme begins with this character
  floating,  ///< 1.5, .5, 1e-3, inf, nan
  integer,   ///< 7, -1, 1_000 (no leading zeros)
  boolean,   ///< true, FALSE
  null,      ///< null, NULL
  symbol,    ///< one of / - \ + . $ % * @ ? |
  word,      ///< a letter or underscore, then letters, digits, _ and -
  escape,    ///< a run of escaped characters: \\ \( \) \[ \] \{ \} \: \= \, \blank \tab
  blank,     ///< a run of blanks and tabs
};

struct lexeme_match {
  lexeme kind = lexeme::none;
  std::size_t length = 0;
};

/// The longest lexeme at the beginning of `text`; of equally long ones the kind declared first.
[[nodiscard]] lexeme_match match_lexeme(std::string_view text) noexcept;

/// How many blanks and tabs `text` begins with.
[[nodiscard]] std::size_t leading_blanks(std::string_view text) noexcept;

/// The length of a key part that begins with a letter, _ or (where `extra` holds it) another character and goes on with
/// letters, digits, _, - and `extra`; 0 where none begins here.
[[nodiscard]] std::size_t match_word(std::string_view text, std::string_view extra = {}) noexcept;

/// The length of an unsigned integer without leading zeros (underscores between digits allowed), 0 where none begins.
[[nodiscard]] std::size_t match_unsigned(std::string_view text) noexcept;

/// The characters that an `escape` lexeme stands for.
[[nodiscard]] std::string unescaped(std::string_view escape_run);

}  // namespace qgrain::hydra

#endif
