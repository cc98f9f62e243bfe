// Which elements of a batch share a range, and how often its rows count.
#ifndef QGRAIN_CALIBRATION_RANGE_AXIS_HPP
#define QGRAIN_CALIBRATION_RANGE_AXIS_HPP

#include <qgrain/core/matrix_view.hpp>
#include <qgrain/core/status.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace qgrain::calibration {

/// Which elements of a matrix share a range.
enum class range_axis { tensor, rows, columns };

namespace detail {

[[nodiscard]] inline std::size_t range_count(shape2d shape, range_axis axis) noexcept {
  const index_t count = axis == range_axis::tensor ? 1 : axis == range_axis::rows ? shape.rows : shape.cols;
  return static_cast<std::size_t>(count);
}
[[nodiscard]] constexpr std::size_t range_index(index_t row, index_t col, range_axis axis) noexcept {
  return axis == range_axis::tensor ? 0 : static_cast<std::size_t>(axis == range_axis::rows ? row : col);
}
inline void require_ranges(std::size_t wanted, std::size_t found) {
  if (wanted != found) {
    qgrain::detail::raise(errc::invalid_shape, "a batch has " + std::to_string(found) +
                                                   " ranges, those before it had " + std::to_string(wanted));
  }
}

[[nodiscard]] inline std::int32_t multiplicity(std::span<const std::int32_t> times, index_t row) {
  return times.empty() ? 1 : times[static_cast<std::size_t>(row)];
}
inline void require_multiplicities(index_t rows, std::span<const std::int32_t> times) {
  if (!times.empty() && static_cast<index_t>(times.size()) != rows) {
    qgrain::detail::raise(errc::invalid_shape, "a batch of " + std::to_string(rows) + " rows has " +
                                                   std::to_string(times.size()) + " multiplicities");
  }
}

}  // namespace detail

}  // namespace qgrain::calibration

#endif
