// Numbers as text: the digits that read back exactly, or as many as a reader wants.
#ifndef QGRAIN_COMMON_NUMBER_TEXT_HPP
#define QGRAIN_COMMON_NUMBER_TEXT_HPP

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdio>
#include <string>

namespace qgrain::common {

/// The shortest digits that read back as `value`, laid out as Python's repr does: "8.0", "0.0001", "1e-05", "1e+16".
[[nodiscard]] std::string number_text(double value);

/// `value` as printf writes it with that many digits: `precision` counts those behind the point, or for
/// chars_format::general the significant ones.
[[nodiscard]] std::string number_text(double value, std::chars_format format, int precision);

/// As printf, at most 127 characters.
template <class... Arguments>
[[nodiscard]] std::string formatted(const char* format, Arguments... arguments) {
  std::array<char, 128> buffer{};
  const int size = std::snprintf(buffer.data(), buffer.size(), format, arguments...);
  return {buffer.data(), std::min(static_cast<std::size_t>(std::max(size, 0)), buffer.size() - 1)};
}

}  // namespace qgrain::common

#endif
