// Histograms and means of inputs whose rows the ranks of a run have seen in parts.
#ifndef QGRAIN_ENGINE_CALIBRATE_DIVIDED_STATISTICS_HPP
#define QGRAIN_ENGINE_CALIBRATE_DIVIDED_STATISTICS_HPP

#include <common/communicator.hpp>
#include <engine/calibrate/input_statistics.hpp>
#include <lm/buffer.hpp>
#include <lm/rows.hpp>
#include <lm/visitor.hpp>

#include <qgrain/host/parallel.hpp>

#include <cstdint>
#include <map>
#include <span>
#include <vector>

namespace qgrain::engine {

/// Holds a block's inputs of this rank's rows until the largest magnitudes of all ranks' batches are known, which say
/// where a histogram's bins are. The ranks' counts are then added, and the sums of the means go from rank to rank in
/// the order of the rows: both are those of one process. Arguments must outlive it. Memory: the rank's rows of the
/// inputs of one block.
class divided_statistics {
 public:
  struct settings {
    bool takes_bins = false;
    index_t mean_batches = 0;  ///< how many of the first batches means are of
  };
  divided_statistics(common::communicator& ranks, const lm::packed_rows& rows,
                     std::span<const std::int32_t> multiplicities, thread_pool& pool, const settings& what);

  /// Some of this rank's rows, in their order.
  void hold(const lm::linear_input& input);
  /// An input of the block; `tops` [batches]: largest magnitudes of this rank's rows, then of all ranks'.
  struct block_input {
    index_t first_linear = 0;
    input_statistics* statistics = nullptr;
    std::vector<float> tops;
  };
  /// On all ranks, for all inputs of a block at once.
  void settle(std::span<block_input> inputs);

 private:
  struct held_rows {
    index_t begin = 0;
    index_t end = 0;
    lm::buffer values;  // [end - begin, in]
  };
  // Rows in a row that one rank has.
  struct segment {
    index_t begin = 0;
    index_t end = 0;
    std::int32_t rank = 0;
  };

  void widen(std::span<block_input> inputs);
  void count(block_input& input);
  void add_counts(std::span<block_input> inputs);
  void add_means(std::span<block_input> inputs);
  void add_magnitudes(const block_input& input, const segment& rows, std::span<double> done,
                      std::span<double> open) const;
  void find_segments(index_t linear);
  [[nodiscard]] std::span<const held_rows> rows_of(index_t linear) const;

  common::communicator& ranks_;
  std::span<const std::int32_t> multiplicities_;
  thread_pool& pool_;
  settings what_;
  std::vector<index_t> batch_ends_;                 // [batches]
  std::vector<double> positions_;                   // [batches]
  index_t mean_rows_ = 0;                           // of the batches that means are of
  std::map<index_t, std::vector<held_rows>> held_;  // by the first Linear of an input
  std::vector<segment> segments_;                   // ascending, up to mean_rows_
};

}  // namespace qgrain::engine

#endif
