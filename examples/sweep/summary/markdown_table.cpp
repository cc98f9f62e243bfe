#include <sweep/summary/markdown_table.hpp>

namespace qgrain::sweep {
namespace {

void append_row(std::string& out, const table_cells& row) {
  out += '|';
  for (const std::string& cell : row) out.append(" ").append(cell).append(" |");
  out += '\n';
}

}  // namespace

std::string plain_markdown(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\n' || c == '\r') {
      out += ' ';
      continue;
    }
    if (std::string_view("|\\`*<>[]").find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

void append_table(std::string& out, const table_cells& head, const std::vector<table_cells>& rows) {
  append_row(out, head);
  append_row(out, table_cells(head.size(), "---"));
  for (const table_cells& row : rows) append_row(out, row);
}

}  // namespace qgrain::sweep
