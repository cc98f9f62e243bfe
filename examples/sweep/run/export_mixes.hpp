// Checkpoints of the mixes that searches chose, written by qgrain-export, which lies beside this program.
#ifndef QGRAIN_SWEEP_RUN_EXPORT_MIXES_HPP
#define QGRAIN_SWEEP_RUN_EXPORT_MIXES_HPP

#include <sweep/run/plan.hpp>

#include <span>

namespace qgrain::sweep {

/// Before any work: whether qgrain-export is there and knows the targets of every job.
/// @throws error errc::io_failure where the program is missing; errc::unknown_name naming the key and those that exist
void check_exports(std::span<const planned_job> jobs);

/// Writes the mix of a complete job to each of its targets that is not there yet, or was made of another mix or with
/// other options: `<job>/exports/<target>` (gguf: `<target>.gguf`), then exports.json, which the job's reports show.
/// @throws error errc::unsupported with what qgrain-export says where it refuses; the other targets are written first
void export_mix(const planned_job& job);

}  // namespace qgrain::sweep

#endif
