#include <lm/tokenizer/oniguruma.hpp>
#include <lm/tokenizer/regex.hpp>
#include <lm/tokenizer/utf8.hpp>

#include <unicode/regex.h>
#include <unicode/unistr.h>

#include <cstddef>
#include <cstdint>

namespace qgrain::lm {
namespace {

void require_success(UErrorCode status, const char* action) {
  if (U_FAILURE(status)) {
    throw error(errc::invalid_argument, std::string("ICU cannot ") + action + " the text: " + u_errorName(status));
  }
}

/// A text as ICU matches it fastest, and the way from its 16-bit units to bytes, which only goes forward.
class utf16_text {
 public:
  explicit utf16_text(std::string_view text)
      : text_(text),
        units_(icu::UnicodeString::fromUTF8({text.data(), static_cast<std::int32_t>(text.size())})),
        one_byte_each_(static_cast<std::size_t>(units_.length()) == text.size()) {}

  [[nodiscard]] const icu::UnicodeString& units() const noexcept { return units_; }

  /// The byte that `unit` begins at; no smaller than in the call before.
  std::size_t byte_of(std::int32_t unit) {
    if (one_byte_each_) return static_cast<std::size_t>(unit);
    while (unit_ < unit) unit_ += next_code_point(text_, byte_) > 0xFFFF ? 2 : 1;
    return byte_;
  }

 private:
  std::string_view text_;
  icu::UnicodeString units_;
  bool one_byte_each_;
  std::int32_t unit_ = 0;
  std::size_t byte_ = 0;
};

std::unique_ptr<const icu::RegexPattern> compile(const std::string& pattern, std::uint32_t flags) {
  UErrorCode status = U_ZERO_ERROR;
  UParseError mistake{};
  std::unique_ptr<const icu::RegexPattern> result(
      icu::RegexPattern::compile(icu::UnicodeString::fromUTF8(pattern), flags, mistake, status));
  if (U_FAILURE(status)) {
    throw error(errc::bad_file, "ICU reports " + std::string(u_errorName(status)) + " at character " +
                                    std::to_string(mistake.offset) + " of the pattern " + pattern);
  }
  return result;
}

}  // namespace

struct regex::compiled {
  std::unique_ptr<const icu::RegexPattern> pattern;
};

regex regex::from_pattern(std::string_view pattern) {
  // Anchors work at each line of the text, and \n alone ends a line.
  constexpr std::uint32_t flags = UREGEX_MULTILINE | UREGEX_UNIX_LINES;
  return regex(std::make_shared<const compiled>(compiled{compile(icu_pattern(pattern), flags)}));
}

text_scanner regex::scanner() const {
  UErrorCode status = U_ZERO_ERROR;
  const std::shared_ptr<icu::RegexMatcher> matcher(pattern_->pattern->matcher(status));
  require_success(status, "match");
  matcher->setStackLimit(0, status);  // no limit: the backtracking stack grows with the text, as the text itself does
  return [matcher, pattern = pattern_](std::string_view text, const part_visitor& visit) {
    UErrorCode outcome = U_ZERO_ERROR;
    utf16_text source(text);
    matcher->reset(source.units());
    std::size_t seen = 0;
    const auto part_until = [&](std::size_t end, bool matched) {
      if (seen < end) visit(text.substr(seen, end - seen), matched);
      seen = end;
    };
    while (matcher->find(outcome) != 0) {
      part_until(source.byte_of(matcher->start(outcome)), false);
      part_until(source.byte_of(matcher->end(outcome)), true);
    }
    require_success(outcome, "match");
    part_until(text.size(), false);
  };
}

}  // namespace qgrain::lm
