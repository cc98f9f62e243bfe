// Decoders: how the tokens of ids become text.
#ifndef QGRAIN_LM_TOKENIZER_DECODER_HPP
#define QGRAIN_LM_TOKENIZER_DECODER_HPP

#include <lm/tokenizer/pipeline.hpp>

#include <optional>

namespace qgrain::lm {

/// Tokens as the file spells them, then what the steps make of them; the text is all of them in a row.
using token_texts = std::vector<std::string>;

/// Types: `ByteLevel` (the byte alphabet read back, ill-formed parts repaired), `ByteFallback` (runs of tokens <0x00>
/// to <0xFF> as the bytes that they name; one U+FFFD for each where they are not well-formed UTF-8), `Replace`, `Fuse`
/// (all tokens as one), `Strip` (up to `start` and `stop` characters `content` off each token's ends) and `Metaspace`.
/// Nothing separates tokens by spaces.
[[nodiscard]] pipeline<token_texts> read_decoder(const std::optional<common::json_field>& component);

/// The token of a byte.
[[nodiscard]] std::string byte_token(unsigned char byte);

}  // namespace qgrain::lm

#endif
