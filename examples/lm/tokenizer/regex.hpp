// Regular expressions in the dialect of tokenizer files, on top of ICU.
#ifndef QGRAIN_LM_TOKENIZER_REGEX_HPP
#define QGRAIN_LM_TOKENIZER_REGEX_HPP

#include <qgrain/core/status.hpp>

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace qgrain::lm {

/// A compiled pattern. The files are written for Oniguruma with its default syntax; where ICU reads an escape or an
/// anchor differently, it is translated: \s (Unicode White_Space), \w (no join controls), \h (hexadecimal digit), ^ and
/// $ (at each \n). Known rest: ICU folds case in full, so that under (?i) a literal "ss" in the pattern also matches
/// U+00DF, and Oniguruma's \w takes the superscript digits and fractions of Latin-1 as well.
class regex {
 public:
  /// Throws `error(errc::bad_file)` with ICU's reason and the offset of the mistake.
  [[nodiscard]] static regex from_pattern(std::string_view pattern);
  /// Matches exactly this text.
  [[nodiscard]] static regex from_literal(std::string_view text);

  /// Calls `visit(part, matched)` for consecutive parts that together are each text: the matches from left to right and
  /// the gaps between them. Empty parts are left out, but an empty match still separates.
  void for_each_part(std::span<const std::string> texts,
                     const std::function<void(std::string_view part, bool matched)>& visit) const;

 private:
  struct compiled;
  explicit regex(std::shared_ptr<const compiled> pattern) : pattern_(std::move(pattern)) {}

  std::shared_ptr<const compiled> pattern_;
};

}  // namespace qgrain::lm

#endif
