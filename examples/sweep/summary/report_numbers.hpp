// The numbers of a report as text.
#ifndef QGRAIN_SWEEP_SUMMARY_REPORT_NUMBERS_HPP
#define QGRAIN_SWEEP_SUMMARY_REPORT_NUMBERS_HPP

#include <sweep/summary/markdown_table.hpp>

#include <optional>
#include <string>

namespace qgrain::sweep {

inline constexpr const char* unknown_number = "-";

[[nodiscard]] inline std::string bits_number(double bits) { return formatted("%.3f", bits); }
[[nodiscard]] inline std::string loss_number(double loss) { return formatted("%.4f", loss); }
[[nodiscard]] inline std::string percent_number(double share) { return formatted("%.2f %%", 100 * share); }

[[nodiscard]] inline std::string shown(const std::optional<double>& value, std::string (*text)(double)) {
  return value ? text(*value) : unknown_number;
}

}  // namespace qgrain::sweep

#endif
