// Patterns of tokenizer files, which are written for Oniguruma, in ICU's dialect.
#ifndef QGRAIN_LM_TOKENIZER_ONIGURUMA_HPP
#define QGRAIN_LM_TOKENIZER_ONIGURUMA_HPP

#include <string>
#include <string_view>

namespace qgrain::lm {

/// The pattern that means to ICU what `pattern` means to Oniguruma with its own syntax and Unicode, under ICU's flags
/// for anchors at every line and \n as the only end of a line. Translated are what the two read differently: the
/// classes \s \w \h \v \b \B and the POSIX brackets of letters, digits, space and words, the option m ("." takes a
/// newline), intervals {,n}, {n}? and {n,m}+ (which repeats the interval and is not possessive), literal braces. Known
/// rest: ICU folds case in full, so that under (?i) a literal "ss" also matches U+00DF.
/// @throws error errc::unsupported naming a construct that ICU has no counterpart for
[[nodiscard]] std::string icu_pattern(std::string_view pattern);

}  // namespace qgrain::lm

#endif
