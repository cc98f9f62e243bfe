#include <hydra/interpolation_text.hpp>
#include <hydra/primitive.hpp>
#include <hydra/scalar_lexer.hpp>

#include <qgrain/core/status.hpp>

#include <algorithm>

namespace qgrain::hydra {
namespace {

constexpr char no_quote = '\0';

void append_literal(interpolated_text& text, std::string_view characters) {
  if (characters.empty()) return;
  auto* last = text.empty() ? nullptr : std::get_if<std::string>(&text.back().value);
  if (last) {
    last->append(characters);
  } else {
    text.push_back({std::string(characters)});
  }
}

class interpolation_parser {
 public:
  explicit interpolation_parser(std::string_view text) : text_(text) {}

  // Up to the end, or up to the closing `quote`, which is not taken.
  interpolated_text parse_text(char quote) {
    interpolated_text result;
    while (!at_end()) {
      const std::size_t backslashes = std::min(rest().find_first_not_of('\\'), rest().size());
      const auto behind = rest().substr(backslashes);
      const bool opens = behind.starts_with("${");
      const bool closes = quote != no_quote && behind.starts_with(quote);
      const bool escapes = opens || closes;  // elsewhere a backslash is itself
      append_literal(result, rest().substr(0, escapes ? backslashes / 2 : backslashes));
      at_ += backslashes;
      if (escapes && backslashes % 2 == 1) {
        const std::size_t length = opens ? 2 : 1;
        append_literal(result, rest().substr(0, length));
        at_ += length;
      } else if (opens) {
        result.push_back(parse_interpolation());
      } else if (closes) {
        return result;
      } else if (!at_end()) {
        append_literal(result, rest().substr(0, 1));
        ++at_;
      }
    }
    if (quote != no_quote) refuse("a quote is not closed");
    return result;
  }

  resolver_argument parse_single_argument() {
    auto argument = parse_element();
    if (!at_end()) refuse("unexpected text behind the value");
    return argument;
  }

 private:
  [[nodiscard]] std::string_view rest() const { return text_.substr(at_); }
  [[nodiscard]] bool at_end() const { return at_ == text_.size(); }

  [[noreturn]] void refuse(const std::string& reason) const {
    throw error(errc::invalid_argument,
                "interpolation '" + std::string(text_) + "', column " + std::to_string(at_ + 1) + ": " + reason);
  }

  void skip_blanks() { at_ += leading_blanks(rest()); }

  // A mark with blanks before it, and after it where `blanks` asks for it.
  enum class blanks_behind { skipped, kept };
  bool take(char mark, blanks_behind behind) {
    const std::size_t before = leading_blanks(rest());
    if (at_ + before == text_.size() || text_[at_ + before] != mark) return false;
    at_ += before + 1;
    if (behind == blanks_behind::skipped) skip_blanks();
    return true;
  }

  text_part parse_interpolation() {
    at_ += 2;
    skip_blanks();
    key_reference reference;
    while (rest().starts_with('.')) {
      ++reference.dots;
      ++at_;
    }
    bool names_resolver = reference.dots == 0;
    parse_key_or_bracket(reference.key, names_resolver);
    while (rest().starts_with('.') || rest().starts_with('[')) {
      if (rest().starts_with('.')) {
        append_literal(reference.key, ".");
        ++at_;
        parse_key(reference.key, names_resolver);
      } else {
        parse_key_or_bracket(reference.key, names_resolver);
      }
    }
    if (take('}', blanks_behind::kept)) return {std::move(reference)};
    if (!names_resolver || !take(':', blanks_behind::skipped)) refuse("expected a closing brace");
    resolver_call call{std::move(reference.key), parse_sequence('}')};
    return {std::move(call)};
  }

  void parse_key_or_bracket(interpolated_text& key, bool& names_resolver) {
    if (!rest().starts_with('[')) return parse_key(key, names_resolver);
    names_resolver = false;
    append_literal(key, "[");
    ++at_;
    parse_key(key, names_resolver);
    if (!rest().starts_with(']')) refuse("expected a closing bracket");
    append_literal(key, "]");
    ++at_;
  }

  void parse_key(interpolated_text& key, bool& names_resolver) {
    if (rest().starts_with("${")) {
      key.push_back(parse_interpolation());
      return;
    }
    const std::size_t length = std::min(rest().find_first_of("\\{}()[]:. \t'\""), rest().size());
    if (length == 0) refuse("expected a key");
    names_resolver = names_resolver && match_word(rest()) == length;
    append_literal(key, rest().substr(0, length));
    at_ += length;
  }

  // Elements up to the closing mark; an element that is left out is the empty text.
  argument_list parse_sequence(char close) {
    argument_list arguments;
    if (take(close, blanks_behind::kept)) return arguments;
    do {
      const bool left_out = at_mark(',') || at_mark(close);
      arguments.push_back(left_out ? resolver_argument{element{text_value{}}} : parse_element());
    } while (take(',', blanks_behind::skipped));
    if (!take(close, blanks_behind::kept)) refuse(std::string("expected ") + close);
    return arguments;
  }

  [[nodiscard]] bool at_mark(char mark) const { return rest().substr(leading_blanks(rest())).starts_with(mark); }

  resolver_argument parse_element() {
    if (rest().starts_with('[')) {
      take('[', blanks_behind::skipped);
      return {parse_sequence(']')};
    }
    if (rest().starts_with('{')) return {parse_dictionary()};
    if (rest().starts_with('\'') || rest().starts_with('"')) {
      const char quote = text_[at_++];
      quoted_argument quoted{parse_text(quote)};
      ++at_;
      return {std::move(quoted)};
    }
    return parse_primitive();
  }

  argument_dictionary parse_dictionary() {
    argument_dictionary entries;
    take('{', blanks_behind::skipped);
    if (take('}', blanks_behind::kept)) return entries;
    do {
      auto key = parse_primitive_key();
      if (!take(':', blanks_behind::skipped)) refuse("a dictionary entry is written key:value");
      entries.emplace_back(std::move(key), parse_element());
    } while (take(',', blanks_behind::skipped));
    if (!take('}', blanks_behind::kept)) refuse("expected }");
    return entries;
  }

  // The next lexeme of unquoted text; none where blanks lead to a mark, to which they belong.
  [[nodiscard]] lexeme_match next_lexeme() const {
    const auto match = match_lexeme(rest());
    if (match.kind != lexeme::blank) return match;
    const auto behind = rest().substr(match.length);
    const bool belongs_to_mark =
        !behind.empty() && std::string_view(",:]}").find(behind.front()) != std::string_view::npos;
    return belongs_to_mark ? lexeme_match{} : match;
  }

  element parse_primitive_key() {
    std::vector<std::pair<lexeme, std::string_view>> lexemes;
    for (auto match = next_lexeme(); match.kind != lexeme::none; match = next_lexeme()) {
      lexemes.emplace_back(match.kind, rest().substr(0, match.length));
      at_ += match.length;
    }
    if (lexemes.empty()) refuse("expected a key without quotes");
    if (lexemes.size() == 1) return typed(lexemes.front().first, lexemes.front().second);
    text_value text;
    for (const auto& [kind, characters] : lexemes) text.characters += text_of_lexeme(kind, characters);
    return {std::move(text)};
  }

  resolver_argument parse_primitive() {
    interpolated_text text;
    std::size_t parts = 0;
    lexeme_match only;
    const std::size_t begin = at_;
    for (;; ++parts) {
      if (rest().starts_with("${")) {
        text.push_back(parse_interpolation());
        continue;
      }
      only = next_lexeme();
      if (only.kind == lexeme::none) {
        const std::size_t colon = at_mark(':') ? leading_blanks(rest()) + 1 : 0;
        if (colon == 0) break;
        only.length = colon + leading_blanks(rest().substr(colon));
      }
      append_literal(text, text_of_lexeme(only.kind, rest().substr(0, only.length)));
      at_ += only.length;
    }
    if (parts == 0) refuse("expected a value");
    const bool is_scalar = parts == 1 && std::holds_alternative<std::string>(text.front().value);
    if (!is_scalar) return {std::move(text)};
    return {typed(match_lexeme(text_.substr(begin, at_ - begin)).kind, text_.substr(begin, at_ - begin))};
  }

  element typed(lexeme kind, std::string_view text) const {
    try {
      return typed_scalar(kind, text);
    } catch (const error& failure) {
      refuse(failure.what());
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

bool is_interpolated(std::string_view text) noexcept { return text.find("${") != std::string_view::npos; }

interpolated_text parse_interpolated(std::string_view text) { return interpolation_parser(text).parse_text(no_quote); }

resolver_argument parse_argument(std::string_view text) { return interpolation_parser(text).parse_single_argument(); }

}  // namespace qgrain::hydra
