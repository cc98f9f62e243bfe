// Inputs of Linears a whole batch at a time, however the pass cuts its rows.
#ifndef QGRAIN_ENGINE_CALIBRATE_BATCH_COLLECTOR_HPP
#define QGRAIN_ENGINE_CALIBRATE_BATCH_COLLECTOR_HPP

#include <lm/buffer.hpp>
#include <lm/rows.hpp>
#include <lm/visitor.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <vector>

namespace qgrain::engine {

/// Hands the rows of an input on a whole batch at a time. Rows of a batch that a pass cuts are copied and held back
/// until the batch is complete.
class batch_collector {
 public:
  explicit batch_collector(const lm::packed_rows& rows);

  /// x [rows of the batch, in]
  using batch_sink = std::function<void(index_t batch, index_t first_row, lm::const_matrix x)>;
  /// `first_batch`: that of the input's first row.
  void observe(const lm::linear_input& input, std::int32_t first_batch, const batch_sink& sink);

 private:
  std::vector<index_t> begins_;         // [batches + 1] first row of each batch
  std::map<index_t, lm::buffer> held_;  // rows of a batch that is not complete, by the first Linear of the input
};

}  // namespace qgrain::engine

#endif
