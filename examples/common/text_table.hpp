// Rows of text in columns.
#ifndef QGRAIN_COMMON_TEXT_TABLE_HPP
#define QGRAIN_COMMON_TEXT_TABLE_HPP

#include <iosfwd>
#include <string>
#include <vector>

namespace qgrain::common {

/// Each column as wide as its widest cell, two spaces between them, none at the end of a line. All rows have as many
/// cells as the first.
void print_table(std::ostream& out, const std::vector<std::vector<std::string>>& rows);

}  // namespace qgrain::common

#endif
