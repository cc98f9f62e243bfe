// Tables of Markdown, and numbers as the reports show them.
#ifndef QGRAIN_SWEEP_SUMMARY_MARKDOWN_TABLE_HPP
#define QGRAIN_SWEEP_SUMMARY_MARKDOWN_TABLE_HPP

#include <algorithm>
#include <array>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

namespace qgrain::sweep {

using table_cells = std::vector<std::string>;

/// As printf, at most 127 characters.
template <class... Arguments>
[[nodiscard]] std::string formatted(const char* format, Arguments... arguments) {
  std::array<char, 128> buffer{};
  const int size = std::snprintf(buffer.data(), buffer.size(), format, arguments...);
  return {buffer.data(), std::min(static_cast<std::size_t>(std::max(size, 0)), buffer.size() - 1)};
}

/// Scores and divergences: 4 digits.
[[nodiscard]] inline std::string score_text(double value) { return formatted("%.3e", value); }

/// Text from users and files such that nothing in it ends a cell or becomes markup.
[[nodiscard]] std::string plain_markdown(std::string_view text);

/// Appends a table; the cells are Markdown already.
void append_table(std::string& out, const table_cells& head, const std::vector<table_cells>& rows);

}  // namespace qgrain::sweep

#endif
