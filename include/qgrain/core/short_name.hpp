// Names with numbers in them, made at compile time.
#ifndef QGRAIN_CORE_SHORT_NAME_HPP
#define QGRAIN_CORE_SHORT_NAME_HPP

#include <array>
#include <cstddef>
#include <string_view>

namespace qgrain::detail {

/// A string of at most 31 letters.
struct short_name {
  std::array<char, 32> letters{};
  std::size_t size = 0;

  [[nodiscard]] constexpr short_name text(std::string_view part) const noexcept {
    short_name longer = *this;
    for (const char letter : part) longer.letters[longer.size++] = letter;
    return longer;
  }
  [[nodiscard]] constexpr short_name number(int value) const noexcept {
    short_name longer = value >= 10 ? number(value / 10) : *this;
    longer.letters[longer.size++] = static_cast<char>('0' + value % 10);
    return longer;
  }
  [[nodiscard]] constexpr std::string_view view() const noexcept { return {letters.data(), size}; }
};

}  // namespace qgrain::detail

#endif
