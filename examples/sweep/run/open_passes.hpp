// Opens models and data of a plan, and settles what is there already: everything that needs them to be refused.
#ifndef QGRAIN_SWEEP_RUN_OPEN_PASSES_HPP
#define QGRAIN_SWEEP_RUN_OPEN_PASSES_HPP

#include <common/communicator.hpp>
#include <sweep/run/plan.hpp>
#include <sweep/run/scoring_pass.hpp>

#include <boost/json.hpp>

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

namespace qgrain::sweep {

/// A pass and its jobs, by their places in the plan.
struct pass_of_jobs {
  std::unique_ptr<opened_pass> opened;
  std::vector<std::size_t> jobs;
  boost::json::object identity = {};  ///< the parts of identity.hpp that its jobs share
};

/// Opens models and data, in the order of the passes' first jobs; of a list of recipes its one pass. Jobs that do not
/// suit the model's shapes become illegal ones of the plan; these are an error, unless they are to be skipped and
/// others remain. So are targets of the search that cannot be met: they depend on costs alone.
[[nodiscard]] std::vector<pass_of_jobs> open_passes(sweep_plan& plan);

/// Hashes what was opened, on all ranks.
void identify_passes(std::vector<pass_of_jobs>& passes, common::communicator* ranks);

/// Finished jobs and checkpoints of another identity are an error that names what differs, or with
/// runner.stale=recompute a warning and work to be done.
void settle_stale(sweep_plan& plan, std::span<const pass_of_jobs> passes);

/// All of this, in one process.
[[nodiscard]] std::vector<pass_of_jobs> open_settled_passes(sweep_plan& plan);

}  // namespace qgrain::sweep

#endif
