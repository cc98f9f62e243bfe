#include <lm/tokenizer/oniguruma.hpp>
#include <lm/tokenizer/regex.hpp>
#include <lm/tokenizer/utf8.hpp>

#include <unicode/regex.h>
#include <unicode/utext.h>

#include <cstddef>
#include <cstdint>

namespace qgrain::lm {
namespace {

void require_success(UErrorCode status, const char* action) {
  if (U_FAILURE(status)) {
    throw error(errc::invalid_argument, std::string("ICU cannot ") + action + " the text: " + u_errorName(status));
  }
}

/// A text as ICU sees it, with byte offsets as indices.
class utf8_text {
 public:
  explicit utf8_text(std::string_view text) {
    UErrorCode status = U_ZERO_ERROR;
    utext_openUTF8(&handle_, text.data(), static_cast<std::int64_t>(text.size()), &status);
    require_success(status, "open");
  }
  utf8_text(const utf8_text&) = delete;
  utf8_text& operator=(const utf8_text&) = delete;
  ~utf8_text() { utext_close(&handle_); }

  [[nodiscard]] UText* handle() noexcept { return &handle_; }

 private:
  UText handle_ = UTEXT_INITIALIZER;
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

regex regex::from_literal(std::string_view text) {
  return regex(std::make_shared<const compiled>(compiled{compile(std::string(text), UREGEX_LITERAL)}));
}

void regex::for_each_part(std::span<const std::string> texts,
                          const std::function<void(std::string_view part, bool matched)>& visit) const {
  UErrorCode status = U_ZERO_ERROR;
  const std::unique_ptr<icu::RegexMatcher> matcher(pattern_->pattern->matcher(status));
  require_success(status, "match");
  matcher->setStackLimit(0, status);  // no limit: the backtracking stack grows with the text, as the text itself does
  for (const std::string_view text : texts) {
    utf8_text source(text);
    matcher->reset(source.handle());
    std::size_t seen = 0;
    const auto part_until = [&](std::size_t end, bool matched) {
      if (seen < end) visit(text.substr(seen, end - seen), matched);
      seen = end;
    };
    while (matcher->find(status) != 0) {
      part_until(static_cast<std::size_t>(matcher->start64(status)), false);
      part_until(static_cast<std::size_t>(matcher->end64(status)), true);
    }
    require_success(status, "match");
    part_until(text.size(), false);
  }
}

}  // namespace qgrain::lm
