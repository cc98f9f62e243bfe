#include <lm/rank_grid.hpp>
#include <lm/row_division.hpp>

#include <algorithm>
#include <limits>

namespace qgrain::lm {
namespace {

// Time in products of a row and a weight.
constexpr index_t pass_products = 3;      // forward; recomputed; gradients of inputs
constexpr index_t products_to_make = 40;  // of a changed weight (docs/benchmarks.md)

index_t largest_part(std::span<const index_t> bounds) {
  index_t most = 0;
  for (std::size_t p = 0; p + 1 < bounds.size(); ++p) most = std::max(most, bounds[p + 1] - bounds[p]);
  return most;
}

}  // namespace

rank_grid choose_grid(std::span<const index_t> bounds, index_t ranks, const job_load& load, index_t fitting) {
  rank_grid best;
  index_t least = std::numeric_limits<index_t>::max();
  for (index_t row_shares = std::min(ranks, static_cast<index_t>(bounds.size()) - 1); row_shares > 0; --row_shares) {
    const index_t job_shares = std::clamp<index_t>(load.jobs, 1, ranks / row_shares);
    const index_t rows = largest_part(divide_bundles(bounds, row_shares));
    const index_t jobs = ceil_div(load.jobs, job_shares);
    const index_t made = ceil_div(load.weights, job_shares) * ceil_div(rows, fitting);
    const index_t time = rows * (pass_products + jobs) + made * products_to_make;
    if (time >= least) continue;
    least = time;
    best = {row_shares, job_shares};
  }
  return best;
}

}  // namespace qgrain::lm
