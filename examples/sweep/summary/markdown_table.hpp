// Tables of Markdown, and numbers as the reports show them.
#ifndef QGRAIN_SWEEP_SUMMARY_MARKDOWN_TABLE_HPP
#define QGRAIN_SWEEP_SUMMARY_MARKDOWN_TABLE_HPP

#include <common/number_text.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace qgrain::sweep {

using table_cells = std::vector<std::string>;

using common::formatted;

/// Scores and divergences: 4 digits.
[[nodiscard]] inline std::string score_text(double value) { return formatted("%.3e", value); }

/// Text from users and files such that nothing in it ends a cell or becomes markup.
[[nodiscard]] std::string plain_markdown(std::string_view text);

/// Appends a table; the cells are Markdown already.
void append_table(std::string& out, const table_cells& head, const std::vector<table_cells>& rows);

}  // namespace qgrain::sweep

#endif
