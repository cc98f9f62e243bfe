// Folders of results: whose they are, who may write, what a killed run left behind.
#ifndef QGRAIN_SWEEP_RESULTS_OUTPUT_FOLDER_HPP
#define QGRAIN_SWEEP_RESULTS_OUTPUT_FOLDER_HPP

#include <common/file.hpp>

#include <boost/json.hpp>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace qgrain::sweep {

namespace json = boost::json;

enum class folder_state : std::uint8_t {
  empty,     ///< holds nothing of a job
  begun,     ///< holds the configuration of this job, but not its results
  complete,  ///< holds its results
  stale      ///< holds something of another identity, to be computed anew
};

/// What becomes of results of another identity (identity.hpp) in a job's place: runner.stale.
enum class stale_results : bool { refused, recomputed };

/// The state of a job's folder, for a job with the composed configuration `config` whose last file is `result_name`.
/// Throws errc::io_failure where results cannot be written there (something else has the folder's name, or it or the
/// folder that it would be made in takes no files) and errc::invalid_argument where it holds results of another
/// configuration, naming the keys that differ; where those are to be recomputed the state is `stale`. Creates nothing.
[[nodiscard]] folder_state check_output_folder(const std::filesystem::path& folder, const json::object& config,
                                               std::string_view result_name,
                                               stale_results others = stale_results::refused);

/// The same when a run is planned: the sentence also says how to have such results computed anew.
[[nodiscard]] folder_state planned_folder_state(const std::filesystem::path& folder, const json::object& config,
                                                std::string_view result_name, stale_results others);

/// A configuration without the keys that change no result: `runner`, `sweep`, `experiment` and
/// `export`, a false `autoquant.shared_ranges` and an `autoquant.routers` of null.
[[nodiscard]] json::object shaping_keys(const json::object& config);

/// The dotted keys whose values differ and change results. A key that one configuration lacks counts as null there.
[[nodiscard]] std::vector<std::string> differing_keys(const json::object& one, const json::object& other);

/// Whether a file's name is one under which a file is prepared (atomic_file).
[[nodiscard]] bool is_leftover(std::string_view name);

/// Removes what a killed run left in a folder: see is_leftover.
void remove_leftovers(const std::filesystem::path& folder);

/// The only run that works in a folder: holds `<folder>/.sweep/lock` as long as it lives.
class folder_lock {
 public:
  /// Makes the folder. Throws errc::invalid_argument where another process holds the lock, errc::io_failure.
  explicit folder_lock(const std::filesystem::path& folder);

 private:
  common::descriptor file_;
};

/// The subfolder with a run's own state: lock, request, log, checkpoints.
[[nodiscard]] std::filesystem::path state_folder(const std::filesystem::path& folder);

}  // namespace qgrain::sweep

#endif
