#include <lm/tokenizer/precompiled.hpp>
#include <lm/tokenizer/utf8.hpp>

#include <cstdint>
#include <memory>
#include <optional>

namespace qgrain::lm {
namespace {

std::optional<std::string> from_base64(std::string_view text) {
  constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  while (text.ends_with('=')) text.remove_suffix(1);
  std::string bytes;
  std::uint32_t bits = 0;
  int held = 0;
  for (const char letter : text) {
    const std::size_t digit = alphabet.find(letter);
    if (digit == std::string_view::npos) return std::nullopt;
    bits = (bits << 6U) | static_cast<std::uint32_t>(digit);
    held += 6;
    if (held < 8) continue;
    held -= 8;
    bytes += static_cast<char>((bits >> static_cast<unsigned>(held)) & 0xFFU);
  }
  return bytes;
}

std::uint32_t unit_at(std::string_view bytes, std::size_t place) {
  std::uint32_t unit = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    unit |= static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[4 * place + i])) << (8 * i);
  }
  return unit;
}

class character_table {
 public:
  /// Nothing where the bytes are no table.
  static std::shared_ptr<const character_table> read(std::string_view bytes) {
    if (bytes.size() < 4) return nullptr;
    const std::size_t size = unit_at(bytes, 0);
    bytes.remove_prefix(4);
    if (size == 0 || size % 4 != 0 || size > bytes.size() || first_ill_formed_byte(bytes.substr(size))) return nullptr;
    auto table = std::make_shared<character_table>();
    for (std::size_t i = 0; i < size / 4; ++i) table->units_.push_back(unit_at(bytes, i));
    table->replacements_ = bytes.substr(size);
    return table;
  }

  [[nodiscard]] std::string normalized(std::string_view text) const {
    constexpr std::size_t longest_cluster = 5;
    std::string result;
    std::size_t begin = 0;
    for (const std::size_t end : grapheme_ends(text)) {
      const auto whole = end - begin <= longest_cluster ? find(text.substr(begin, end - begin)) : std::nullopt;
      if (whole) result += *whole;
      for (std::size_t at = whole ? end : begin; at < end;) {
        const std::size_t from = at;
        next_code_point(text, at);
        const std::string_view character = text.substr(from, at - from);
        result += find(character).value_or(character);
      }
      begin = end;
    }
    return result;
  }

 private:
  // A unit is a leaf's value or a node: the byte that leads to it, a flag for a leaf below it, and an offset that, by
  // exclusive or with the next byte, gives the place of the next unit.
  [[nodiscard]] std::optional<std::string_view> find(std::string_view key) const {
    const auto next = [&](std::size_t place, std::uint32_t unit) {
      return place ^ ((unit >> 10U) << ((unit & (1U << 9U)) >> 6U));
    };
    std::size_t place = next(0, units_[0]);
    for (const char c : key) {
      const auto byte = static_cast<unsigned char>(c);
      place ^= byte;
      if (byte == 0 || place >= units_.size()) return std::nullopt;
      const std::uint32_t unit = units_[place];
      if ((unit & 0x800000FFU) != byte) return std::nullopt;
      place = next(place, unit);
      if (((unit >> 8U) & 1U) != 0) return place < units_.size() ? replacement(units_[place]) : std::nullopt;
    }
    return std::nullopt;
  }

  [[nodiscard]] std::optional<std::string_view> replacement(std::uint32_t leaf) const {
    const std::size_t begin = leaf & 0x7FFFFFFFU;
    const bool begins_character = begin < replacements_.size() && (replacements_[begin] & '\xC0') != '\x80';
    if (!begins_character) return std::nullopt;
    const std::string_view rest = std::string_view(replacements_).substr(begin);
    return rest.substr(0, rest.find('\0'));
  }

  std::vector<std::uint32_t> units_;
  std::string replacements_;
};

}  // namespace

step<std::string> make_precompiled(const common::json_field& component) {
  const common::json_field field = component.at("precompiled_charsmap");
  const auto bytes = from_base64(field.string());
  const auto table = bytes ? character_table::read(*bytes) : nullptr;
  if (!table) field.fail(errc::bad_file, "is no table of characters in base64");
  return [table](const std::string& text) { return table->normalized(text); };
}

}  // namespace qgrain::lm
