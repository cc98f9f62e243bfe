// Regular expressions in the dialect of tokenizer files, on top of ICU.
#ifndef QGRAIN_LM_TOKENIZER_REGEX_HPP
#define QGRAIN_LM_TOKENIZER_REGEX_HPP

#include <lm/tokenizer/text_parts.hpp>

#include <qgrain/core/status.hpp>

#include <memory>
#include <string_view>
#include <utility>

namespace qgrain::lm {

/// A compiled pattern. The files are written for Oniguruma; oniguruma.hpp says what is translated.
class regex {
 public:
  /// Throws errc::bad_file with ICU's reason and the offset of the mistake, errc::unsupported naming a construct that
  /// ICU has no counterpart for.
  [[nodiscard]] static regex from_pattern(std::string_view pattern);

  /// Its scanner keeps a matcher of its own.
  [[nodiscard]] text_scanner scanner() const;

 private:
  struct compiled;
  explicit regex(std::shared_ptr<const compiled> pattern) : pattern_(std::move(pattern)) {}

  std::shared_ptr<const compiled> pattern_;
};

}  // namespace qgrain::lm

#endif
