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

/// A compiled pattern. The files are written for Oniguruma; oniguruma.hpp says what is translated.
class regex {
 public:
  /// Throws errc::bad_file with ICU's reason and the offset of the mistake, errc::unsupported naming a construct that
  /// ICU has no counterpart for.
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
