// SentencePiece's normalization table: byte sequences and what they become.
#ifndef QGRAIN_LM_TOKENIZER_PRECOMPILED_HPP
#define QGRAIN_LM_TOKENIZER_PRECOMPILED_HPP

#include <lm/tokenizer/pipeline.hpp>

namespace qgrain::lm {

/// `precompiled_charsmap` is base64 of: the trie's size in bytes (32 bits, little endian), the trie as a double array
/// (Yata's darts-clone: units of 32 bits), the replacements, each ended by a byte of 0.
///
/// A grapheme cluster of fewer than 6 bytes is looked up as a whole, any other character by character; what is looked
/// up becomes the replacement of its *shortest* beginning that the table has, as the tokenizers library has it
/// (SentencePiece itself takes the longest). Throws `bad_file` for text that is no such table.
[[nodiscard]] step<std::string> make_precompiled(const common::json_field& component);

}  // namespace qgrain::lm

#endif
