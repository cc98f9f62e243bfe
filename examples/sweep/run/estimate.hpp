// What a run will cost, before it is begun.
#ifndef QGRAIN_SWEEP_RUN_ESTIMATE_HPP
#define QGRAIN_SWEEP_RUN_ESTIMATE_HPP

#include <sweep/run/plan.hpp>

#include <cstddef>
#include <iosfwd>
#include <string>
#include <vector>

namespace qgrain::sweep {

struct run_estimate {
  std::size_t passes = 0;
  double operations = 0;  ///< of matrix products; a multiply and an add are two
  double rate = 0;        ///< operations a second in bare products, measured on this machine just now
  double seconds = 0;     ///< products at that rate, times what surrounds them; of the rank that has most to do
  double bytes = 0;       ///< of the largest pass, program included; of one rank
  int ranks = 1;
  int threads = 1;
  double block_bytes = 0;              ///< that a rank sends at the end of a block, at most
  double once_bytes = 0;               ///< and once in a sweep
  double largest_share = 0;            ///< of a pass's scored rows, of the rank that has most
  double largest_jobs = 0;             ///< and of its jobs
  std::vector<std::string> divisions;  ///< of each pass, a line
  std::vector<run_estimate> fewer;     ///< of 1, 2, 4 ... ranks, fewer than asked for
};

/// Opens models and data as a run would, refusing what it would refuse (open_passes.hpp), and counts the products
/// of jobs that are not complete yet, for so many ranks on machines like this one. Takes about a tenth of a second for
/// the rate.
[[nodiscard]] run_estimate estimate_run(sweep_plan& plan, int ranks = 1);

void print_estimate(std::ostream& out, const run_estimate& estimate);

}  // namespace qgrain::sweep

#endif
