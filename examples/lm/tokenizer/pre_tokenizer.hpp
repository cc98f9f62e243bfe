// Pre-tokenizers: how a normalized text is cut into the words that the model sees.
#ifndef QGRAIN_LM_TOKENIZER_PRE_TOKENIZER_HPP
#define QGRAIN_LM_TOKENIZER_PRE_TOKENIZER_HPP

#include <lm/tokenizer/pieces.hpp>

namespace qgrain::lm {

/// Types: `Split` (by a regular expression or a fixed string, with any behaviour), `Digits` (each alone, or runs of
/// them), `Punctuation`, `WhitespaceSplit`, `Metaspace` (metaspace.hpp) and `ByteLevel` (spells the bytes of each piece
/// in the byte alphabet, after an optional prefix space and an optional cut by GPT-2's pattern).
[[nodiscard]] pipeline<pieces> read_pre_tokenizer(const common::json_field& component);

}  // namespace qgrain::lm

#endif
