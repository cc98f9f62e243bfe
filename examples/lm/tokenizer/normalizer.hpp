// Normalizers: what happens to a text before it is cut into words.
#ifndef QGRAIN_LM_TOKENIZER_NORMALIZER_HPP
#define QGRAIN_LM_TOKENIZER_NORMALIZER_HPP

#include <lm/tokenizer/pipeline.hpp>

namespace qgrain::lm {

/// Types: the Unicode normalization forms NFC, NFD, NFKC, NFKD; `Prepend` (to a text that is not empty), `Replace` (a
/// fixed string or a regular expression), `Strip` (white space at the ends) and `Precompiled` (precompiled.hpp). Steps
/// take and give well-formed UTF-8.
[[nodiscard]] pipeline<std::string> read_normalizer(const common::json_field& component);

}  // namespace qgrain::lm

#endif
