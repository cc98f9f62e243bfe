#include <lm/tokenizer/byte_level.hpp>
#include <lm/tokenizer/utf8.hpp>

#include <array>
#include <cstddef>

namespace qgrain::lm {
namespace {

constexpr char32_t first_substitute = 0x100;
constexpr std::size_t alphabet_end = 0x100 + 68;  // one past the largest code point in use

struct byte_alphabet {
  std::array<char32_t, 256> character_of{};
  std::array<int, alphabet_end> byte_of{};  // -1: not a character of the alphabet
};

constexpr byte_alphabet make_alphabet() {
  byte_alphabet alphabet;
  alphabet.byte_of.fill(-1);
  char32_t substitute = first_substitute;
  for (char32_t byte = 0; byte < 256; ++byte) {
    const bool printable =
        (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || (byte >= 0xAE && byte <= 0xFF);
    const char32_t character = printable ? byte : substitute++;
    alphabet.character_of[byte] = character;
    alphabet.byte_of[character] = static_cast<int>(byte);
  }
  return alphabet;
}

constexpr byte_alphabet alphabet = make_alphabet();

}  // namespace

std::string to_byte_alphabet(std::string_view bytes) {
  std::string word;
  word.reserve(2 * bytes.size());
  for (const char byte : bytes) {
    const char32_t character = alphabet.character_of[static_cast<unsigned char>(byte)];
    if (character < 0x80) {
      word += static_cast<char>(character);
    } else {  // all others are two bytes in UTF-8
      word += static_cast<char>(0xC0 | (character >> 6));
      word += static_cast<char>(0x80 | (character & 0x3F));
    }
  }
  return word;
}

std::string from_byte_alphabet(std::string_view token) {
  std::string bytes;
  for (std::size_t position = 0; position < token.size();) {
    const char32_t character = next_code_point(token, position);
    const int byte = character < alphabet_end ? alphabet.byte_of[character] : -1;
    if (byte < 0) return std::string(token);
    bytes.push_back(static_cast<char>(byte));
  }
  return bytes;
}

}  // namespace qgrain::lm
