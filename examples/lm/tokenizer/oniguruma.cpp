#include <lm/tokenizer/oniguruma.hpp>

#include <qgrain/core/status.hpp>

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

namespace qgrain::lm {
namespace {

constexpr std::size_t none = std::string::npos;

[[noreturn]] void refuse(std::string_view construct) {
  throw error(errc::unsupported, "\"" + std::string(construct) + "\" is not supported: ICU reads it otherwise");
}

bool is_letter(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

// The members of Oniguruma's classes, without brackets. Outside of a set, words include Latin-1's superscript digits
// and fractions.
constexpr std::string_view word_in_set = R"(\p{Alphabetic}\p{M}\p{Nd}\p{Pc})";
constexpr std::string_view word_members = R"(\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\u00B2\u00B3\u00B9\u00BC-\u00BE)";

/// The members of a class that has a name in POSIX brackets and in \p{}; nothing for names that ICU knows as well.
std::optional<std::string_view> posix_members(std::string_view name) {
  std::string lower;
  for (const char c : name) lower += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (lower == "alpha") return R"(\p{Alphabetic})";
  if (lower == "digit") return R"(\p{Nd})";
  if (lower == "space") return R"(\p{White_Space})";
  if (lower == "word") return word_members;
  if (lower == "alnum") return R"(\p{Alphabetic}\p{Nd})";
  for (const std::string_view other :
       {"punct", "graph", "print", "cntrl", "blank", "xdigit", "ascii", "upper", "lower"}) {
    if (lower == other) refuse(name);
  }
  return std::nullopt;
}

std::string set_of(std::string_view members, bool negated) {
  return std::string(negated ? "[^" : "[").append(members).append("]");
}

/// A class of one letter behind a backslash as a set.
std::optional<std::string> class_escape(char letter) {
  switch (letter) {
    case 's':
    case 'S':
      return set_of(R"(\p{White_Space})", letter == 'S');
    case 'w':
    case 'W':
      return set_of(word_members, letter == 'W');
    case 'h':
    case 'H':
      return set_of("0-9A-Fa-f", letter == 'H');
    case 'd':
    case 'D':
      return set_of(R"(\p{Nd})", letter == 'D');
    default:
      return std::nullopt;
  }
}

class translation {
 public:
  explicit translation(std::string_view pattern) : in_(pattern) {}

  std::string run() {
    while (!at_end()) next();
    return std::move(out_);
  }

 private:
  [[nodiscard]] bool at_end() const { return at_ >= in_.size(); }
  [[nodiscard]] char peek(std::size_t ahead = 0) const { return at_ + ahead < in_.size() ? in_[at_ + ahead] : '\0'; }
  [[nodiscard]] bool looks_at(std::string_view text) const { return in_.substr(at_).starts_with(text); }
  void atom(std::string_view text) {
    atom_ = out_.size();
    out_ += text;
  }

  void next();
  void open_group();
  void options();
  void escape();
  bool interval();
  [[nodiscard]] std::string shared_escape(char letter);
  [[nodiscard]] std::string property();
  [[nodiscard]] std::string set();
  [[nodiscard]] std::string set_item(bool first);
  [[nodiscard]] std::string posix_bracket();

  std::string_view in_;
  std::size_t at_ = 0;
  std::string out_;
  std::size_t atom_ = none;          // where in `out_` what a quantifier repeats begins
  std::vector<std::size_t> groups_;  // where in `out_` the open groups begin
};

void translation::next() {
  const char c = peek();
  switch (c) {
    case '\\':
      return escape();
    case '[': {
      const std::size_t begin = out_.size();
      out_ += set();
      atom_ = begin;
      return;
    }
    case '(':
      return open_group();
    case ')':
      ++at_;
      out_ += c;
      atom_ = groups_.empty() ? none : groups_.back();
      if (!groups_.empty()) groups_.pop_back();
      return;
    case '{':
      if (interval()) return;
      ++at_;
      return atom("\\{");
    case '}':
      ++at_;
      return atom("\\}");
    case '*':
    case '+':
    case '?':
      ++at_;
      out_ += c;
      return;
    default:
      break;
  }
  // One code point is one atom.
  const std::size_t begin = at_++;
  while (!at_end() && (static_cast<unsigned char>(peek()) & 0xC0U) == 0x80U) ++at_;
  atom(in_.substr(begin, at_ - begin));
}

void translation::open_group() {
  const std::size_t begin = out_.size();
  if (looks_at("(?#")) {
    const std::size_t end = in_.find(')', at_);
    at_ = end == none ? in_.size() : end + 1;
    return;
  }
  std::string_view head = "(";
  if (looks_at("(?")) {
    head = {};
    for (const std::string_view known : {"(?:", "(?=", "(?!", "(?>", "(?<=", "(?<!"}) {
      if (looks_at(known)) head = known;
    }
    if (head.empty() && looks_at("(?<") && is_letter(peek(3))) {
      head = in_.substr(at_, in_.find('>', at_) == none ? none : in_.find('>', at_) + 1 - at_);
    }
    if (head.empty()) return options();
  }
  at_ += head.size();
  out_ += head;
  groups_.push_back(begin);
  atom_ = none;
}

// (?imx-imx) and (?imx-imx:...). Oniguruma's m is ICU's s.
void translation::options() {
  const std::size_t begin = out_.size();
  const std::size_t from = at_;
  at_ += 2;
  std::string head = "(?";
  for (; peek() == '-' || is_letter(peek()); ++at_) {
    const char option = peek();
    if (option != 'i' && option != 'm' && option != 'x' && option != '-') refuse(in_.substr(from, at_ + 1 - from));
    head += option == 'm' ? 's' : option;
  }
  if (peek() != ':' && peek() != ')') refuse(in_.substr(from, at_ + 1 - from));
  head += peek();
  if (peek() == ':') groups_.push_back(begin);
  ++at_;
  out_ += head;
  atom_ = none;
}

// {n}, {n,}, {n,m} or {,m}; anything else is a brace.
bool translation::interval() {
  std::size_t end = at_ + 1;
  std::string least;
  std::string most;
  for (; end < in_.size() && is_digit(in_[end]); ++end) least += in_[end];
  const bool ranged = end < in_.size() && in_[end] == ',';
  if (ranged) {
    for (++end; end < in_.size() && is_digit(in_[end]); ++end) most += in_[end];
  }
  if (end >= in_.size() || in_[end] != '}' || (least.empty() && most.empty())) return false;
  at_ = end + 1;
  const std::string repeated = "{" + (least.empty() ? "0" : least) + (ranged ? "," + most : "") + "}";
  // What follows an interval repeats it, but a ? behind one with two ends makes it reluctant.
  const char behind = peek();
  const bool again = behind == '+' || behind == '*' || behind == '{' || (behind == '?' && !ranged);
  if (again && atom_ != none) {
    out_.insert(atom_, "(?:");
    out_ += repeated + ")";
  } else {
    out_ += repeated;
  }
  return true;
}

void translation::escape() {
  const char letter = peek(1);
  if (letter == '\0') {
    ++at_;
    out_ += '\\';
    return;
  }
  const std::string word = set_of(word_members, false);
  const std::string boundary = "(?<=" + word + ")(?!" + word + ")|(?<!" + word + ")(?=" + word + ")";
  const std::string inside = "(?<=" + word + ")(?=" + word + ")|(?<!" + word + ")(?!" + word + ")";
  if (letter == 'b' || letter == 'B') {
    at_ += 2;
    return atom("(?:" + (letter == 'b' ? boundary : inside) + ")");
  }
  if (letter == 'k' && peek(2) == '<') {
    const std::size_t end = in_.find('>', at_);
    if (end == none) refuse(in_.substr(at_));
    atom(in_.substr(at_, end + 1 - at_));
    at_ = end + 1;
    return;
  }
  if (letter >= '1' && letter <= '9') {
    if (is_digit(peek(2))) refuse(in_.substr(at_, 3));  // a group of two digits or an octal number
    atom(in_.substr(at_, 2));
    at_ += 2;
    return;
  }
  if (std::string_view("AzZRX").find(letter) != none) {
    atom(in_.substr(at_, 2));
    at_ += 2;
    return;
  }
  atom(shared_escape(letter));
}

// An escape that means the same inside and outside of brackets.
std::string translation::shared_escape(char letter) {
  const std::size_t from = at_;
  if (const auto members = class_escape(letter)) {
    at_ += 2;
    return *members;
  }
  if (letter == 'p' || letter == 'P') return property();
  if (letter == 'v') {
    at_ += 2;
    return "\\u000B";
  }
  if (letter == 'x' || letter == 'u' || letter == 'c') {
    at_ += 2;
    if (letter == 'c') ++at_;
    if (letter == 'x' && peek() == '{') {
      const std::size_t end = in_.find('}', at_);
      if (end == none) refuse(in_.substr(from));
      at_ = end + 1;
    } else {
      const std::size_t most = letter == 'x' ? 2 : letter == 'u' ? 4 : 0;
      for (std::size_t i = 0; i < most && std::isxdigit(static_cast<unsigned char>(peek())) != 0; ++i) ++at_;
    }
    return std::string(in_.substr(from, std::min(at_, in_.size()) - from));
  }
  at_ += 2;
  if (std::string_view("aefnrt").find(letter) != none) return std::string(in_.substr(from, 2));
  if (is_letter(letter) || is_digit(letter)) refuse(in_.substr(from, 2));
  // A code point that stands for itself.
  while (!at_end() && (static_cast<unsigned char>(peek()) & 0xC0U) == 0x80U) ++at_;
  return std::string(in_.substr(from, at_ - from));
}

// \p{Name}, \P{Name}, \p{^Name}
std::string translation::property() {
  const std::size_t from = at_;
  bool negated = peek(1) == 'P';
  at_ += 2;
  const std::size_t end = in_.find('}', at_);
  if (peek() != '{' || end == none) refuse(in_.substr(from, 2));
  std::string_view name = in_.substr(at_ + 1, end - at_ - 1);
  at_ = end + 1;
  if (name.starts_with('^')) {
    negated = !negated;
    name.remove_prefix(1);
  }
  if (const auto members = posix_members(name)) return set_of(*members, negated);
  return std::string(negated ? "\\P{" : "\\p{").append(name).append("}");
}

std::string translation::posix_bracket() {
  const std::size_t end = in_.find(":]", at_);
  std::string_view name = in_.substr(at_ + 2, end - at_ - 2);
  const std::string_view whole = in_.substr(at_, end + 2 - at_);
  const bool negated = name.starts_with('^');
  if (negated) name.remove_prefix(1);
  const auto members = posix_members(name);
  if (!members) refuse(whole);
  at_ = end + 2;
  return set_of(*members == word_members ? word_in_set : *members, negated);
}

std::string translation::set_item(bool first) {
  const char c = peek();
  if (c == '[') {
    const std::size_t close = in_.find(":]", at_);
    return looks_at("[:") && close != none && in_.find(']', at_) == close + 1 ? posix_bracket() : set();
  }
  if (c == '\\') {
    const char letter = peek(1);
    if (letter == 'w' || letter == 'W' || letter == 'b') {
      at_ += 2;
      return letter == 'b' ? "\\u0008" : set_of(word_in_set, letter == 'W');
    }
    return shared_escape(letter);
  }
  if (looks_at("&&")) {
    at_ += 2;
    return "&&";
  }
  if (looks_at("--")) refuse("--");
  if (c == '-') {
    ++at_;
    return first || peek() == ']' ? "\\-" : "-";
  }
  const std::size_t begin = at_++;
  while (!at_end() && (static_cast<unsigned char>(peek()) & 0xC0U) == 0x80U) ++at_;
  const std::string text(in_.substr(begin, at_ - begin));
  return std::ispunct(static_cast<unsigned char>(c)) != 0 ? "\\" + text : text;
}

std::string translation::set() {
  std::string text = "[";
  ++at_;
  if (peek() == '^') {
    text += '^';
    ++at_;
  }
  bool behind_class = false;  // a hyphen there is one
  for (bool first = true; !at_end() && (first || peek() != ']'); first = false) {
    if (behind_class && peek() == '-') {
      ++at_;
      text += "\\-";
      behind_class = false;
      continue;
    }
    const std::string item = set_item(first);
    behind_class = item.size() > 1 && (item.front() == '[' || item.starts_with("\\p") || item.starts_with("\\P"));
    text += item;
  }
  ++at_;
  return text + "]";
}

}  // namespace

std::string icu_pattern(std::string_view pattern) { return translation(pattern).run(); }

}  // namespace qgrain::lm
