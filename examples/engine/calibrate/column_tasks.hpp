// Columns of an input or a weight as units of work.
#ifndef QGRAIN_ENGINE_CALIBRATE_COLUMN_TASKS_HPP
#define QGRAIN_ENGINE_CALIBRATE_COLUMN_TASKS_HPP

#include <lm/buffer.hpp>

#include <qgrain/core/matrix_view.hpp>

namespace qgrain::engine {

/// Columns that a unit of work takes.
inline constexpr index_t columns_per_task = 64;

/// Columns [begin, end) of a matrix.
[[nodiscard]] inline matrix_view<const float> columns_of(lm::const_matrix m, index_t begin, index_t end) {
  return {m.data() + begin, {m.rows(), end - begin}, m.outerStride()};
}

}  // namespace qgrain::engine

#endif
