// parse_override: recursive descent over the tokens of the key and of the value.
//
//   override  = [~ | + | ++] key [= [value]]          key     = (name | path | group {/ group}) [@ package]
//   value     = element {, element}                   element = quoted | unquoted | [...] | {...} | name(...)
#include <hydra/functions.hpp>
#include <hydra/override.hpp>
#include <hydra/override_lexer.hpp>
#include <hydra/primitive.hpp>
#include <hydra/sweep_expand.hpp>

#include <qgrain/core/status.hpp>

#include <algorithm>

namespace qgrain::hydra {
namespace {

class token_reader {
 public:
  token_reader(std::string_view text, const std::vector<token>& tokens) : text_(text), tokens_(tokens) {}

  [[nodiscard]] const token& peek(std::size_t ahead = 0) const {
    return tokens_[std::min(at_ + ahead, tokens_.size() - 1)];
  }
  const token& next() { return tokens_[at_ + 1 < tokens_.size() ? at_++ : at_]; }
  [[nodiscard]] bool at_mark(char mark, std::size_t ahead = 0) const {
    return peek(ahead).kind == token_kind::mark && peek(ahead).mark == mark;
  }
  bool take_mark(char mark) {
    if (!at_mark(mark)) return false;
    ++at_;
    return true;
  }
  [[nodiscard]] bool at_end() const { return peek().kind == token_kind::end; }
  [[noreturn]] void refuse(std::string_view reason) const { refuse_override(text_, peek().offset, reason); }
  [[noreturn]] void refuse_at(std::size_t offset, std::string_view reason) const {
    refuse_override(text_, offset, reason);
  }

 private:
  std::string_view text_;
  const std::vector<token>& tokens_;
  std::size_t at_ = 0;
};

class value_parser {
 public:
  value_parser(std::string_view text, const std::vector<token>& tokens) : reader_(text, tokens) {}

  override_value parse() {
    const std::size_t begin = reader_.peek().offset;
    override_value first = parse_element();
    if (reader_.at_mark(',')) {
      choice_sweep sweep{.choices = {plain(std::move(first), begin)}};
      while (reader_.take_mark(',')) sweep.choices.push_back(parse_plain_element());
      first = sweep_value(std::move(sweep));
    }
    if (!reader_.at_end()) reader_.refuse("unexpected text behind the value; quote texts that hold special characters");
    return first;
  }

 private:
  element plain(override_value&& value, std::size_t begin) const {
    auto* result = std::get_if<element>(&value);
    if (result == nullptr) reader_.refuse_at(begin, "a sweep cannot be one element of a list or dictionary");
    return std::move(*result);
  }

  element parse_plain_element() {
    const std::size_t begin = reader_.peek().offset;
    return plain(parse_element(), begin);
  }

  override_value parse_element() {
    const token& first = reader_.peek();
    if (first.kind == token_kind::word && reader_.at_mark('(', 1)) return parse_function();
    if (reader_.at_mark('[')) return parse_list();
    if (reader_.at_mark('{')) return parse_dictionary();
    if (first.kind == token_kind::quoted) return element{unquoted(reader_.next().text)};
    return parse_primitive(role::value);
  }

  element parse_list() {
    const std::size_t open = reader_.next().offset;
    element_list list;
    if (reader_.take_mark(']')) return {std::move(list)};
    do {
      list.push_back(parse_plain_element());
    } while (reader_.take_mark(','));
    if (!reader_.take_mark(']')) refuse_open("list", open);
    return {std::move(list)};
  }

  element parse_dictionary() {
    const std::size_t open = reader_.next().offset;
    element_dictionary dictionary;
    if (reader_.take_mark('}')) return {std::move(dictionary)};
    do {
      element key = parse_primitive(role::key);
      if (!reader_.take_mark(':')) reader_.refuse("a dictionary entry is written key:value");
      assign(dictionary, std::move(key), parse_plain_element());
    } while (reader_.take_mark(','));
    if (!reader_.take_mark('}')) refuse_open("dictionary", open);
    return {std::move(dictionary)};
  }

  override_value parse_function() {
    const token& name = reader_.next();
    const std::size_t open = reader_.next().offset;
    function_arguments arguments;
    if (!reader_.at_mark(')')) {
      do {
        parse_argument(arguments);
      } while (reader_.take_mark(','));
    }
    if (!reader_.take_mark(')')) refuse_open("function call", open);
    try {
      return call_function(name.text, std::move(arguments));
    } catch (const error& failure) {
      reader_.refuse_at(name.offset, failure.what());
    }
  }

  void parse_argument(function_arguments& arguments) {
    if (reader_.peek().kind == token_kind::word && reader_.at_mark('=', 1)) {
      const std::string name(reader_.next().text);
      reader_.next();
      arguments.named.emplace_back(name, parse_element());
    } else {
      if (!arguments.named.empty()) reader_.refuse("a named argument comes last");
      arguments.positional.push_back(parse_element());
    }
  }

  enum class role : std::uint8_t { value, key };

  [[nodiscard]] bool at_primitive_part(role part_of) const {
    const token& next = reader_.peek();
    if (next.kind == token_kind::word || next.kind == token_kind::scalar) return true;
    return part_of == role::value && (next.kind == token_kind::interpolation || reader_.at_mark(':'));
  }

  // A blank at either end does not count; the blanks around a colon belong to it.
  element parse_primitive(role part_of) {
    std::vector<token> parts;
    while (at_primitive_part(part_of)) parts.push_back(reader_.next());
    if (parts.empty()) reader_.refuse(part_of == role::key ? "expected a key without quotes" : "expected a value");
    if (parts.size() > 1 && parts.front().scalar == lexeme::blank) parts.erase(parts.begin());
    if (parts.size() > 1 && parts.back().scalar == lexeme::blank) parts.pop_back();
    if (parts.size() == 1) return typed_part(parts.front());
    text_value text;
    for (const token& part : parts) text.characters += text_of_lexeme(part.scalar, part.text);
    return {std::move(text)};
  }

  // Inside quotes a backslash escapes a quote and the backslashes directly before one; elsewhere it is itself.
  static text_value unquoted(std::string_view written) {
    text_value text{{}, static_cast<quote_mark>(written.front())};
    std::size_t backslashes = 0;
    const auto flush = [&](std::size_t count) { text.characters.append(count, '\\'); };
    for (const char c : written.substr(1)) {
      if (c == '\\') {
        ++backslashes;
        continue;
      }
      flush(c == written.front() ? backslashes / 2 : backslashes);
      backslashes = 0;
      text.characters += c;
    }
    text.characters.pop_back();  // the closing quote
    return text;
  }

  element typed_part(const token& part) const {
    try {
      return typed_scalar(part.scalar, part.text);
    } catch (const error& failure) {
      reader_.refuse_at(part.offset, failure.what());
    }
  }

  [[noreturn]] void refuse_open(const std::string& what, std::size_t open) const {
    const std::string subject = "the " + what + " that opens in column " + std::to_string(open + 1);
    reader_.refuse(subject + (reader_.at_end() ? " is not closed" : " holds something unexpected"));
  }

  token_reader reader_;
};

class key_parser {
 public:
  key_parser(std::string_view text, const std::vector<token>& tokens) : reader_(text, tokens) {}

  // Everything but the value; true where an equals sign follows the key.
  bool parse(config_override& result) {
    if (reader_.take_mark('~')) {
      result.type = override_type::remove;
    } else if (reader_.take_mark('+')) {
      result.type = reader_.take_mark('+') ? override_type::force_add : override_type::add;
    }
    result.key = parse_name(name_role::key);
    if (reader_.take_mark('@')) result.package = parse_name(name_role::package);
    const bool assigned = reader_.take_mark('=');
    if (!reader_.at_end()) reader_.refuse("unexpected text in the key");
    if (!assigned && result.type != override_type::remove) reader_.refuse("an equals sign is missing");
    return assigned;
  }

 private:
  enum class name_role : std::uint8_t { key, package };

  std::string parse_name(name_role role) {
    const token_kind kind = reader_.peek().kind;
    if (kind != token_kind::word && kind != token_kind::special_word && kind != token_kind::dotted_path) return {};
    std::string name(reader_.next().text);
    if (kind != token_kind::word || role == name_role::package) return name;
    while (reader_.take_mark('/')) {
      if (reader_.peek().kind != token_kind::word) reader_.refuse("a group name is missing behind the slash");
      name.append("/").append(reader_.next().text);
    }
    return name;
  }

  token_reader reader_;
};

}  // namespace

config_override parse_override(std::string_view text) {
  const override_tokens tokens = split_override(text);
  config_override result{.input = std::string(text)};
  if (!key_parser(text, tokens.key).parse(result)) return result;
  const token& first = tokens.value.front();
  if (first.kind == token_kind::end) {
    result.value = element{text_value{}};
    return result;
  }
  result.value = value_parser(text, tokens.value).parse();
  if (const auto* sweep = swept_value(result)) {
    try {
      require_enumerable_range(*sweep);
    } catch (const error& failure) {
      refuse_override(text, first.offset, failure.what());
    }
  }
  return result;
}

}  // namespace qgrain::hydra
