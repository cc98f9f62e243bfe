// What a run keeps of a pass while it scores: checkpoints, and what they were made from.
#ifndef QGRAIN_SWEEP_RUN_PASS_STATE_HPP
#define QGRAIN_SWEEP_RUN_PASS_STATE_HPP

#include <sweep/run/pass_settings.hpp>

#include <boost/json.hpp>

#include <filesystem>
#include <string>

namespace qgrain::sweep {

namespace json = boost::json;

/// The checkpoint of a pass in the run's folder, one per settings; sweeps of the pass add extensions to the name.
[[nodiscard]] std::filesystem::path checkpoint_path(const std::filesystem::path& folder, const pass_settings& pass);

/// A sentence that there are checkpoints of another identity under this name; empty where there is none or it may be
/// gone on from.
[[nodiscard]] std::string checkpoint_fault(const std::filesystem::path& checkpoint, const json::object& identity);

/// Makes the name this identity's: checkpoints of another one are removed.
void claim_checkpoint(const std::filesystem::path& checkpoint, const json::object& identity);

/// Removes all checkpoints under this name.
void remove_checkpoints(const std::filesystem::path& checkpoint);

}  // namespace qgrain::sweep

#endif
