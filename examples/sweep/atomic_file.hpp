// Files that are either complete or not there.
#ifndef QGRAIN_SWEEP_ATOMIC_FILE_HPP
#define QGRAIN_SWEEP_ATOMIC_FILE_HPP

#include <filesystem>
#include <string_view>

namespace qgrain::sweep {

/// Replaces the file at `path` by `content` in one step: a temporary file in the same folder is written, flushed to the
/// disk and renamed. After a failure or a crash the old file (or none) is there. The folder must exist. Throws
/// errc::io_failure naming the path and the system's reason.
void write_file_atomically(const std::filesystem::path& path, std::string_view content);

}  // namespace qgrain::sweep

#endif
