// Values that are to be quantized are numbers.
#ifndef QGRAIN_EXPORT_PLAN_FINITE_ROWS_HPP
#define QGRAIN_EXPORT_PLAN_FINITE_ROWS_HPP

#include <cstdint>
#include <span>
#include <string>

namespace qgrain::exports {

/// Throws errc::non_finite for NaN or infinity among rows that begin at `first_row`; `where` names file and tensor.
void require_finite(std::span<const float> values, std::int64_t cols, std::int64_t first_row, const std::string& where);

}  // namespace qgrain::exports

#endif
