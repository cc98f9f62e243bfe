// How the rows of a pass fall into chunks, and to the ranks of a run.
#ifndef QGRAIN_LM_ROW_DIVISION_HPP
#define QGRAIN_LM_ROW_DIVISION_HPP

#include <common/communicator.hpp>
#include <lm/chunk.hpp>
#include <lm/rank_grid.hpp>
#include <lm/rows.hpp>

#include <span>
#include <vector>

namespace qgrain::lm {

/// [ranks + 1] which of the rows between these bounds of bundles are whose: whole bundles, so that the most that a rank
/// has is as little as it can be.
[[nodiscard]] std::vector<index_t> divide_bundles(std::span<const index_t> bounds, index_t ranks);

/// The rows of the scored batches are divided, and those behind them: either takes its own time. Scored rows are those
/// of all ranks of the grid that have the same row share; the first of them is their owner. Others have one rank.
class row_division {
 public:
  struct choices {
    index_t scored_rows = 0;     ///< the first ones
    index_t fitting = 0;         ///< rows whose intermediate results memory allows
    index_t bundle_rows = 0;     ///< of a bundle (rows_of_bundle)
    bool whole_batches = false;  ///< are not parted
    bool whole_chunks = false;   ///< are one process's: ranks are given whole ones
    const common::communicator* ranks = nullptr;
    job_load load = {};  ///< what else is divided
  };
  row_division(const packed_rows& rows, const choices& how);

  [[nodiscard]] index_t bundle_rows() const noexcept { return bundle_rows_; }
  /// Rows of the largest chunk.
  [[nodiscard]] index_t capacity() const noexcept { return capacity_; }
  [[nodiscard]] std::span<const chunk> all() const noexcept { return all_; }
  /// This rank's.
  [[nodiscard]] std::span<const chunk> own() const noexcept { return own_; }
  [[nodiscard]] std::span<const chunk> own_scored() const noexcept { return std::span(own_).first(own_scored_); }
  /// [bundles + 1] of what is given to ranks of the scored rows.
  [[nodiscard]] std::span<const index_t> scored_bounds() const noexcept { return scored_; }
  [[nodiscard]] rank_grid grid(index_t ranks) const { return choose_grid(scored_, ranks, load_, fitting_); }
  /// [ranks + 1] which of the scored rows are owned by whom, among so many ranks.
  [[nodiscard]] std::vector<index_t> row_bounds(index_t ranks) const;
  [[nodiscard]] index_t scored_bundles() const noexcept { return static_cast<index_t>(scored_.size()) - 1; }

 private:
  std::vector<index_t> scored_;  // bounds of what is given to ranks
  std::vector<chunk> all_;
  std::vector<chunk> own_;
  std::size_t own_scored_ = 0;
  job_load load_;
  index_t fitting_;
  index_t bundle_rows_;
  index_t capacity_ = 0;
};

}  // namespace qgrain::lm

#endif
