// What the ranks of a divided backward pass tell each other at the end of a block.
#ifndef QGRAIN_ENGINE_SCORE_RANK_SUMS_HPP
#define QGRAIN_ENGINE_SCORE_RANK_SUMS_HPP

#include <common/communicator.hpp>
#include <engine/score/checkpoint.hpp>
#include <engine/score/sums.hpp>

#include <optional>
#include <span>

namespace qgrain::engine {

/// The ranks of a pass, and which rows of the gradient are whose; no ranks: the pass is one process's.
struct rank_rows {
  common::communicator* ranks = nullptr;
  std::vector<index_t> bounds = {};  ///< [ranks + 1]
  bool adds_outputs = true;          ///< else another rank with the same rows adds what all jobs share
};

struct rank_news {
  bool stop = false;  ///< somebody asks this rank to stop; then whether any rank was asked
  bool save = false;  ///< whether the state is to be saved, as the first rank says
  double flops = 0;   ///< since the last time; then those of all ranks
};

/// Adds what all ranks have written down, in the order in which one process would have added it, and gives the news of
/// all. Called on all ranks, whose sums are equal afterwards.
[[nodiscard]] rank_news add_written(common::communicator& ranks, score_sums& sums, const rank_news& mine);

/// Makes the state that the first rank has found, if any, known to all: that at the last boundary, from which a divided
/// pass goes on.
void spread_state(common::communicator& ranks, std::optional<pass_checkpoint>& state);
/// The same of output scores: their sums and place as they are.
void spread_portions(common::communicator& ranks, std::optional<pass_checkpoint>& state);

}  // namespace qgrain::engine

#endif
