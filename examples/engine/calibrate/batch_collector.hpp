// Inputs of Linears a whole batch at a time, however the pass cuts its rows.
#ifndef QGRAIN_ENGINE_CALIBRATE_BATCH_COLLECTOR_HPP
#define QGRAIN_ENGINE_CALIBRATE_BATCH_COLLECTOR_HPP

#include <lm/buffer.hpp>
#include <lm/rows.hpp>
#include <lm/visitor.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <vector>

namespace qgrain::engine {

using lm::index_t;

/// Hands the rows of an input on a whole batch at a time. Rows of a batch that a pass cuts are copied and held back
/// until the batch is complete; those of an expert until rows of a later batch come, or `flush`.
class batch_collector {
 public:
  explicit batch_collector(const lm::packed_rows& rows);

  /// `whole`: all rows of a batch that the input has.
  using batch_sink = std::function<void(index_t batch, const lm::linear_input& whole)>;
  /// batches: of the input's rows.
  void observe(const lm::linear_input& input, std::span<const std::int32_t> batches, const batch_sink& sink);
  /// Hands on what is held back for experts: all their rows were there.
  void flush(const batch_sink& sink);

 private:
  struct expert_rows {
    lm::linear_input input;
    std::int32_t batch = 0;
    std::vector<std::int32_t> rows;
    std::vector<float> values;  // [rows, in]
  };
  void observe_expert(const lm::linear_input& input, std::span<const std::int32_t> batches, const batch_sink& sink);
  static void hand_on(expert_rows& held, const batch_sink& sink);

  std::vector<index_t> begins_;         // [batches + 1] first row of each batch
  std::map<index_t, lm::buffer> held_;  // rows of a batch that is not complete, by the first Linear of the input
  std::map<index_t, expert_rows> of_experts_;
};

}  // namespace qgrain::engine

#endif
