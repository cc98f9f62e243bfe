// The byte alphabet of GPT-2: a printable character for each of the 256 bytes, so that any byte string is a word.
#ifndef QGRAIN_LM_TOKENIZER_BYTE_LEVEL_HPP
#define QGRAIN_LM_TOKENIZER_BYTE_LEVEL_HPP

#include <string>
#include <string_view>

namespace qgrain::lm {

/// Bytes that are printable in Latin-1 (0x21-0x7E, 0xA1-0xAC, 0xAE-0xFF) stand for themselves; the other 68, in rising
/// order, for U+0100 and following. Source: Radford et al. 2019, section 2.2, and the vocabularies published with it.
[[nodiscard]] std::string to_byte_alphabet(std::string_view bytes);

/// The bytes that a token stands for. A token with a character outside the alphabet, e.g. an added token with a space,
/// stands for its own UTF-8. `token` is well-formed UTF-8.
[[nodiscard]] std::string from_byte_alphabet(std::string_view token);

}  // namespace qgrain::lm

#endif
