// Runs another program to its end.
#ifndef QGRAIN_COMMON_CHILD_PROCESS_HPP
#define QGRAIN_COMMON_CHILD_PROCESS_HPP

#include <filesystem>
#include <string>
#include <vector>

namespace qgrain::common {

struct program_outcome {
  int exit_code = 0;  ///< 128 + the signal that ended it, as a shell reports that
  std::string output;
  std::string errors;
};

/// Waits for the program at command[0], which is no name to be looked up, with nothing to read.
/// @throws error errc::io_failure where it cannot be started
[[nodiscard]] program_outcome run_program(const std::vector<std::string>& command);

/// The folder of the program that runs.
/// @throws error errc::io_failure where the system does not tell
[[nodiscard]] std::filesystem::path own_folder();

}  // namespace qgrain::common

#endif
