#include <lm/tokenizer/utf8.hpp>

#include <unicode/uchar.h>
#include <unicode/utf8.h>

#include <cstdint>

namespace qgrain::lm {
namespace {

/// Calls `visit(begin, end, well_formed)` for each code point and each maximal ill-formed part until it returns false.
template <class Visitor>
void for_each_sequence(std::string_view bytes, Visitor&& visit) {
  const auto* data = reinterpret_cast<const std::uint8_t*>(bytes.data());
  for (std::size_t begin = 0; begin < bytes.size();) {
    std::size_t end = begin;
    UChar32 code_point = 0;
    U8_NEXT(data, end, bytes.size(), code_point);
    if (!visit(begin, end, code_point >= 0)) return;
    begin = end;
  }
}

}  // namespace

std::optional<std::size_t> first_ill_formed_byte(std::string_view bytes) {
  std::optional<std::size_t> offset;
  for_each_sequence(bytes, [&](std::size_t begin, std::size_t, bool well_formed) {
    if (!well_formed) offset = begin;
    return well_formed;
  });
  return offset;
}

std::string repaired(std::string bytes) {
  if (!first_ill_formed_byte(bytes)) return bytes;
  std::string text;
  for_each_sequence(bytes, [&](std::size_t begin, std::size_t end, bool well_formed) {
    if (well_formed) {
      text.append(bytes, begin, end - begin);
    } else {
      text += "\xEF\xBF\xBD";  // U+FFFD
    }
    return true;
  });
  return text;
}

char32_t next_code_point(std::string_view text, std::size_t& position) {
  UChar32 code_point = 0;
  U8_NEXT_UNSAFE(reinterpret_cast<const std::uint8_t*>(text.data()), position, code_point);
  return static_cast<char32_t>(code_point);
}

char32_t previous_code_point(std::string_view text, std::size_t& position) {
  do {
    --position;
  } while ((static_cast<unsigned char>(text[position]) & 0xC0) == 0x80);  // a continuation byte
  std::size_t end = position;
  return next_code_point(text, end);
}

bool is_white_space(char32_t code_point) { return u_isUWhiteSpace(static_cast<UChar32>(code_point)) != 0; }

bool is_word_character(char32_t code_point) {
  const auto c = static_cast<UChar32>(code_point);
  constexpr std::uint32_t categories = U_GC_M_MASK | U_GC_ND_MASK | U_GC_PC_MASK;
  return u_hasBinaryProperty(c, UCHAR_ALPHABETIC) != 0 || u_hasBinaryProperty(c, UCHAR_JOIN_CONTROL) != 0 ||
         (U_GET_GC_MASK(c) & categories) != 0;
}

}  // namespace qgrain::lm
