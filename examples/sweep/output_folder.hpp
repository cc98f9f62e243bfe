// The check of a job's folder before any work is done.
#ifndef QGRAIN_SWEEP_OUTPUT_FOLDER_HPP
#define QGRAIN_SWEEP_OUTPUT_FOLDER_HPP

#include <filesystem>

namespace qgrain::sweep {

/// Throws errc::io_failure where results cannot be written to `folder` (something else has its name, or it or the
/// folder that it would be made in takes no files) and errc::invalid_argument where it holds results already. Creates
/// nothing.
void check_output_folder(const std::filesystem::path& folder);

}  // namespace qgrain::sweep

#endif
