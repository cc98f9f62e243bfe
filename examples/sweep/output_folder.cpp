#include "output_folder.hpp"

#include <unistd.h>

#include <qgrain/core/status.hpp>
#include <string>
#include <system_error>

#include "naming.hpp"

namespace qgrain::sweep {
namespace {

// The folder itself, or the nearest one above it that exists.
std::filesystem::path existing_part(std::filesystem::path folder) {
  std::error_code ignored;
  while (!std::filesystem::exists(folder, ignored) && folder.has_relative_path()) folder = folder.parent_path();
  return folder.empty() ? std::filesystem::path(".") : folder;
}

}  // namespace

void check_output_folder(const std::filesystem::path& folder) {
  const auto existing = existing_part(folder);
  std::error_code code;
  if (!std::filesystem::is_directory(existing, code)) {
    throw error(errc::io_failure,
                "results cannot go to " + folder.string() + ": " + existing.string() + " is no folder");
  }
  if (::access(existing.c_str(), W_OK | X_OK) != 0) {
    throw error(errc::io_failure,
                "results cannot go to " + folder.string() + ": " + existing.string() + " is not writable");
  }
  if (existing != folder) return;
  for (const auto& entry : std::filesystem::directory_iterator(folder, code)) {
    if (entry.path().filename().string().ends_with(manifest_name(""))) {
      throw error(errc::invalid_argument, folder.string() + " already holds results (" +
                                              entry.path().filename().string() +
                                              "); choose another folder, or runner.report_only=true for its reports");
    }
  }
  if (code) throw error(errc::io_failure, folder.string() + " cannot be read: " + code.message());
}

}  // namespace qgrain::sweep
