// Columns of an input or a weight as units of work.
#ifndef QGRAIN_ENGINE_CALIBRATE_COLUMN_TASKS_HPP
#define QGRAIN_ENGINE_CALIBRATE_COLUMN_TASKS_HPP

#include <common/communicator.hpp>
#include <lm/buffer.hpp>

#include <qgrain/core/matrix_view.hpp>
#include <qgrain/host/parallel.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

namespace qgrain::engine {

/// Columns that a unit of work takes.
inline constexpr index_t columns_per_task = 64;

/// Which columns of an input that all ranks see are whose: whole units. Without ranks all are this process's.
class column_shares {
 public:
  column_shares(index_t columns, common::communicator* ranks) : ranks_(ranks), bounds_{0} {
    const index_t shares = common::is_divided(ranks) ? ranks->size() : 1;
    const index_t units = ceil_div(columns, columns_per_task);
    for (index_t r = 1; r <= shares; ++r) bounds_.push_back(std::min(units * r / shares * columns_per_task, columns));
  }
  /// body(begin, end) on the pool for each unit of this rank's columns.
  template <class Body>
  void for_each_own(thread_pool& pool, const Body& body) const {
    const auto rank = static_cast<std::size_t>(common::is_divided(ranks_) ? ranks_->rank() : 0);
    const index_t first = bounds_[rank];
    for_each_chunk(pool, bounds_[rank + 1] - first, columns_per_task,
                   [&](index_t begin, index_t end) { body(first + begin, first + end); });
  }
  /// Makes what each rank has found for its columns known to all.
  void share(std::span<float> of_columns) const {
    if (common::is_divided(ranks_)) common::share_elements(*ranks_, of_columns, bounds_);
  }

 private:
  common::communicator* ranks_;
  std::vector<index_t> bounds_;
};

/// Columns [begin, end) of a matrix.
[[nodiscard]] inline matrix_view<const float> columns_of(lm::const_matrix m, index_t begin, index_t end) {
  return {m.data() + begin, {m.rows(), end - begin}, m.outerStride()};
}

}  // namespace qgrain::engine

#endif
