#include <lm/tokenizer/utf8.hpp>

#include <qgrain/core/status.hpp>

#include <unicode/brkiter.h>
#include <unicode/uchar.h>
#include <unicode/utext.h>
#include <unicode/utf8.h>

#include <cctype>
#include <cstdint>
#include <memory>

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
      text += replacement_character;
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

std::size_t skip_space_left(std::string_view text, std::size_t position) {
  for (std::size_t before = position; position > 0 && is_white_space(previous_code_point(text, before));) {
    position = before;
  }
  return position;
}

std::size_t skip_space_right(std::string_view text, std::size_t position) {
  for (std::size_t after = position; position < text.size() && is_white_space(next_code_point(text, after));) {
    position = after;
  }
  return position;
}

bool is_word_character(char32_t code_point) {
  const auto c = static_cast<UChar32>(code_point);
  constexpr std::uint32_t categories = U_GC_M_MASK | U_GC_ND_MASK | U_GC_PC_MASK;
  return u_hasBinaryProperty(c, UCHAR_ALPHABETIC) != 0 || u_hasBinaryProperty(c, UCHAR_JOIN_CONTROL) != 0 ||
         (U_GET_GC_MASK(c) & categories) != 0;
}

bool is_number(char32_t code_point) {
  return (U_GET_GC_MASK(static_cast<UChar32>(code_point)) & (U_GC_ND_MASK | U_GC_NL_MASK | U_GC_NO_MASK)) != 0;
}

bool is_punctuation(char32_t code_point) {
  if (code_point < 0x80) return std::ispunct(static_cast<int>(code_point)) != 0;
  return u_ispunct(static_cast<UChar32>(code_point)) != 0;
}

std::vector<std::size_t> grapheme_ends(std::string_view text) {
  UErrorCode status = U_ZERO_ERROR;
  const std::unique_ptr<icu::BreakIterator> breaks(
      icu::BreakIterator::createCharacterInstance(icu::Locale::getRoot(), status));
  UText source = UTEXT_INITIALIZER;
  utext_openUTF8(&source, text.data(), static_cast<std::int64_t>(text.size()), &status);
  if (U_SUCCESS(status)) breaks->setText(&source, status);
  if (U_FAILURE(status)) {
    throw error(errc::invalid_argument, std::string("ICU cannot cut the text into characters: ") + u_errorName(status));
  }
  std::vector<std::size_t> ends;
  for (std::int32_t end = breaks->next(); end != icu::BreakIterator::DONE; end = breaks->next()) {
    ends.push_back(static_cast<std::size_t>(end));
  }
  utext_close(&source);
  return ends;
}

}  // namespace qgrain::lm
