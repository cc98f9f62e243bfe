// Comma-separated values as RFC 4180 has them, lines ended by a newline alone.
#ifndef QGRAIN_SWEEP_SUMMARY_CSV_HPP
#define QGRAIN_SWEEP_SUMMARY_CSV_HPP

#include <span>
#include <string>
#include <string_view>

namespace qgrain::sweep {

/// `text`, in quotation marks where it holds a comma, a quotation mark or a line break.
[[nodiscard]] std::string csv_field(std::string_view text);

/// Appends one line.
void append_csv_line(std::string& out, std::span<const std::string> fields);

}  // namespace qgrain::sweep

#endif
