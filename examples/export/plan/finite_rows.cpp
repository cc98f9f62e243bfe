#include <qgrain/core/status.hpp>

#include <cmath>
#include <export/plan/finite_rows.hpp>

namespace qgrain::exports {

void require_finite(std::span<const float> values, std::int64_t cols, std::int64_t first_row,
                    const std::string& where) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (std::isfinite(values[i])) continue;
    const auto place = static_cast<std::int64_t>(i);
    throw error(errc::non_finite, where + " holds NaN or infinity, first in row " +
                                      std::to_string(first_row + place / cols) + " of the file at column " +
                                      std::to_string(place % cols) + ": it cannot be quantized");
  }
}

}  // namespace qgrain::exports
