// The logits of padding rows, whole, for a divergence with the rounding of the tool that scores are compared with.
#ifndef QGRAIN_ENGINE_MEASURE_PADDING_LOGITS_HPP
#define QGRAIN_ENGINE_MEASURE_PADDING_LOGITS_HPP

#include <lm/buffer.hpp>
#include <lm/rows.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace qgrain::engine {

/// The whole logits of a copy's padding rows, before and after the change; rows that must be equal are kept once.
class padding_logits {
 public:
  /// base, changed [rows, hidden]: the states that logits are made of, of which rows [first, end) count.
  /// `has_batch_ranges`: rows of different batches may get different logits from equal states.
  padding_logits(const lm::packed_rows& rows, lm::const_matrix base, lm::const_matrix changed, bool has_batch_ranges,
                 index_t vocabulary, index_t first, index_t end);

  /// n logits of a row from `first_output` on; ignored where the row is not kept.
  void keep(index_t row, index_t first_output, const float* before, const float* after, index_t n);
  /// By slot; the logits become log-probabilities.
  [[nodiscard]] std::vector<double> divergences();
  /// -1: not a padding row.
  [[nodiscard]] std::int32_t slot_of(std::size_t row) const { return slot_of_[row]; }

 private:
  void log_softmax(float* z) const;

  index_t vocabulary_;
  std::vector<std::int32_t> slot_of_;  // [rows]
  std::vector<index_t> first_of_;      // [slots] the row that is kept
  lm::buffer values_;                  // [slots][2][vocabulary]
};

}  // namespace qgrain::engine

#endif
