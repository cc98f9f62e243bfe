// How the ranks of a run share what is scored on the rows of a backward pass.
#ifndef QGRAIN_LM_RANK_GRID_HPP
#define QGRAIN_LM_RANK_GRID_HPP

#include <lm/buffer.hpp>

#include <span>

namespace qgrain::lm {

/// What a visitor of the backward pass makes of every Linear: a product for each job, with so many changed weights in
/// all. None: nothing that could be divided but the rows.
struct job_load {
  index_t jobs = 0;
  index_t weights = 0;
};

/// Rank r has row share r mod row_shares and job share r / row_shares. Ranks with the same rows run the same pass on
/// them, each for its own jobs; the ranks behind the grid have no part in it.
struct rank_grid {
  index_t row_shares = 1;
  index_t job_shares = 1;

  [[nodiscard]] index_t ranks() const noexcept { return row_shares * job_shares; }
  [[nodiscard]] index_t row_share(index_t rank) const noexcept { return rank % row_shares; }
  [[nodiscard]] index_t job_share(index_t rank) const noexcept { return rank / row_shares; }
};

/// The grid of at most so many ranks whose busiest takes the least time, with as many row shares as that allows.
/// `bounds`: of what rows are given to ranks in; `fitting`: rows for which a changed weight is made once.
[[nodiscard]] rank_grid choose_grid(std::span<const index_t> bounds, index_t ranks, const job_load& load,
                                    index_t fitting);

}  // namespace qgrain::lm

#endif
