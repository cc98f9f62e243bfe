#include <hydra/override_lexer.hpp>

#include <qgrain/core/status.hpp>

#include <algorithm>
#include <string>

namespace qgrain::hydra {
namespace {

token mark_token(char mark, std::string_view text) { return {token_kind::mark, mark, lexeme::none, text, 0}; }

// Names and numbers joined by dots; 0 where fewer than two parts stand here.
std::size_t match_dotted_path(std::string_view text) {
  std::size_t length = 0, parts = 0;
  for (;;) {
    const auto rest = text.substr(std::min(text.size(), length + (parts > 0 ? 1 : 0)));
    const std::size_t part = std::max(match_word(rest, "$"), match_unsigned(rest));
    if (part == 0) break;
    length += part + (parts > 0 ? 1 : 0);
    ++parts;
    if (length == text.size() || text[length] != '.') break;
  }
  return parts > 1 ? length : 0;
}

token match_key_token(std::string_view text) {
  constexpr std::string_view marks = "~+@:/";
  if (text.front() == '=') return mark_token('=', text.substr(0, 1 + leading_blanks(text.substr(1))));
  if (marks.find(text.front()) != std::string_view::npos) return mark_token(text.front(), text.substr(0, 1));
  const std::size_t path = match_dotted_path(text), special = match_word(text, "$"), word = match_word(text);
  if (path > special) return {token_kind::dotted_path, '\0', lexeme::none, text.substr(0, path), 0};
  return {special > word ? token_kind::special_word : token_kind::word, '\0', lexeme::none, text.substr(0, special), 0};
}

// Up to the first quote of the same kind with an even number of backslashes before it; 0 where there is none.
std::size_t match_quoted(std::string_view text) {
  std::size_t backslashes = 0;
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == text.front() && backslashes % 2 == 0) return i + 1;
    backslashes = text[i] == '\\' ? backslashes + 1 : 0;
  }
  return 0;
}

std::size_t match_interpolation(std::string_view text) {
  if (!text.starts_with("${")) return 0;
  const std::size_t close = text.find('}', 2);
  return close == std::string_view::npos || close == 2 ? 0 : close + 1;
}

token match_value_token(std::string_view text) {
  const std::size_t blanks = leading_blanks(text);
  const char first = blanks < text.size() ? text[blanks] : '\0';
  const std::size_t behind = blanks + 1 < text.size() ? leading_blanks(text.substr(blanks + 1)) : 0;
  if (first == ')' || first == ']' || first == '}') return mark_token(first, text.substr(0, blanks + 1));
  const bool absorbs_both_sides = first == '(' || first == ',' || first == ':' || first == '=';
  if (absorbs_both_sides || (blanks == 0 && (first == '[' || first == '{'))) {
    return mark_token(first, text.substr(0, blanks + 1 + behind));
  }
  if (first == '\'' || first == '"') {
    if (blanks == 0) return {token_kind::quoted, '\0', lexeme::none, text.substr(0, match_quoted(text)), 0};
  }
  if (const std::size_t length = match_interpolation(text)) {
    return {token_kind::interpolation, '\0', lexeme::none, text.substr(0, length), 0};
  }
  const auto match = match_lexeme(text);
  return {match.kind == lexeme::word ? token_kind::word : token_kind::scalar, '\0', match.kind,
          text.substr(0, match.length), 0};
}

}  // namespace

void refuse_override(std::string_view text, std::size_t offset, std::string_view reason) {
  throw error(errc::invalid_argument, "override '" + std::string(text) + "', column " + std::to_string(offset + 1) +
                                          ": " + std::string(reason));
}

override_tokens split_override(std::string_view text) {
  override_tokens tokens;
  std::size_t offset = 0;
  const auto next = [&](token (*match)(std::string_view)) {
    token found = match(text.substr(offset));
    if (found.text.empty()) {
      const char c = text[offset];
      refuse_override(
          text, offset,
          c == '\'' || c == '"' ? "a quote that is not closed" : "a character that no value or key may hold here");
    }
    found.offset = offset;
    offset += found.text.size();
    return found;
  };
  bool in_value = false;
  while (!in_value && offset < text.size()) {
    tokens.key.push_back(next(match_key_token));
    in_value = tokens.key.back().mark == '=';
  }
  tokens.key.push_back({.offset = offset});
  while (offset < text.size()) tokens.value.push_back(next(match_value_token));
  tokens.value.push_back({.offset = offset});
  return tokens;
}

}  // namespace qgrain::hydra
