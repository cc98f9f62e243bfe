#include <hydra/number.hpp>
#include <hydra/scalar_lexer.hpp>

#include <algorithm>

namespace qgrain::hydra {
namespace {

constexpr std::string_view symbols = R"(/-\+.$%*@?|)";
constexpr std::string_view escapable = "\\()[]{}:=, \t";

constexpr char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
constexpr bool is_letter(char c) noexcept { return lower(c) >= 'a' && lower(c) <= 'z'; }

std::size_t match_keyword(std::string_view text, std::string_view keyword) noexcept {
  const bool equal = text.size() >= keyword.size() && std::equal(keyword.begin(), keyword.end(), text.begin(),
                                                                 [](char a, char b) { return a == lower(b); });
  return equal ? keyword.size() : 0;
}

// Digits with single underscores between them.
std::size_t match_digits(std::string_view text) noexcept {
  std::size_t length = 0;
  while (length < text.size()) {
    const bool separated = length > 0 && text[length] == '_' && length + 1 < text.size() && is_digit(text[length + 1]);
    if (!separated && !is_digit(text[length])) break;
    length += separated ? 2 : 1;
  }
  return length;
}

std::size_t match_sign(std::string_view text) noexcept {
  return !text.empty() && (text.front() == '+' || text.front() == '-') ? 1 : 0;
}

std::size_t match_point_float(std::string_view text) noexcept {
  const std::size_t whole = match_unsigned(text);
  if (whole == text.size() || text[whole] != '.') return 0;
  const std::size_t fraction = match_digits(text.substr(whole + 1));
  return whole + fraction > 0 ? whole + 1 + fraction : 0;
}

std::size_t match_unsigned_float(std::string_view text) noexcept {
  const std::size_t point = match_point_float(text);
  const std::size_t mantissa = point > 0 ? point : match_unsigned(text);
  if (mantissa > 0 && mantissa < text.size() && lower(text[mantissa]) == 'e') {
    const std::size_t sign = match_sign(text.substr(mantissa + 1));
    const std::size_t digits = match_digits(text.substr(mantissa + 1 + sign));
    if (digits > 0) return mantissa + 1 + sign + digits;
  }
  return std::max({point, match_keyword(text, "inf"), match_keyword(text, "nan")});
}

std::size_t match_escapes(std::string_view text) noexcept {
  std::size_t length = 0;
  while (length + 1 < text.size() && text[length] == '\\' &&
         escapable.find(text[length + 1]) != std::string_view::npos) {
    length += 2;
  }
  return length;
}

}  // namespace

std::size_t leading_blanks(std::string_view text) noexcept {
  return std::min(text.find_first_not_of(" \t"), text.size());
}

std::size_t match_word(std::string_view text, std::string_view extra) noexcept {
  const auto begins = [extra](char c) { return is_letter(c) || c == '_' || extra.find(c) != std::string_view::npos; };
  if (text.empty() || !begins(text.front())) return 0;
  const auto end =
      std::find_if_not(text.begin(), text.end(), [&begins](char c) { return begins(c) || is_digit(c) || c == '-'; });
  return static_cast<std::size_t>(end - text.begin());
}

std::size_t match_unsigned(std::string_view text) noexcept {
  return !text.empty() && text.front() == '0' ? 1 : match_digits(text);
}

lexeme_match match_lexeme(std::string_view text) noexcept {
  if (text.empty()) return {};
  const std::size_t sign = match_sign(text);
  const auto signed_length = [sign](std::size_t digits) { return digits > 0 ? sign + digits : 0; };
  const lexeme_match candidates[] = {
      {lexeme::floating, signed_length(match_unsigned_float(text.substr(sign)))},
      {lexeme::integer, signed_length(match_unsigned(text.substr(sign)))},
      {lexeme::boolean, std::max(match_keyword(text, "true"), match_keyword(text, "false"))},
      {lexeme::null, match_keyword(text, "null")},
      {lexeme::symbol, symbols.find(text.front()) != std::string_view::npos ? 1U : 0U},
      {lexeme::word, match_word(text)},
      {lexeme::escape, match_escapes(text)},
      {lexeme::blank, leading_blanks(text)},
  };
  const auto* longest = std::max_element(std::begin(candidates), std::end(candidates),
                                         [](const auto& a, const auto& b) { return a.length < b.length; });
  return longest->length > 0 ? *longest : lexeme_match{};
}

std::string unescaped(std::string_view escape_run) {
  std::string result;
  for (std::size_t i = 1; i < escape_run.size(); i += 2) result += escape_run[i];
  return result;
}

}  // namespace qgrain::hydra
