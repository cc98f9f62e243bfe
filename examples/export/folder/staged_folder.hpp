// A folder that appears under its name when it is whole, and that a later run goes on with.
#ifndef QGRAIN_EXPORT_FOLDER_STAGED_FOLDER_HPP
#define QGRAIN_EXPORT_FOLDER_STAGED_FOLDER_HPP

#include <filesystem>
#include <set>
#include <string>

namespace qgrain::exports {

/// Files are written into `<out>.partial`, each of them beside its name and renamed (common::atomic_file), so that a
/// file that is there is whole. Destruction leaves the folder for the next run.
class staged_folder {
 public:
  /// job: a text that says all that the files depend on. Without `resume` nothing may be there; with it, files of an
  /// equal job stay, those of another one are refused.
  /// @throws error errc::invalid_argument where `out` or what an earlier run left is in the way, errc::io_failure
  staged_folder(std::filesystem::path out, const std::string& job, bool resume);

  /// Where to write a file, whose folder exists then; it stays when the rest is removed.
  [[nodiscard]] std::filesystem::path place_of(const std::filesystem::path& name);
  /// Whether an earlier run has written it.
  [[nodiscard]] bool holds(const std::filesystem::path& name) const;

  /// Removes what no `place_of` named, such as halves of files, and gives the folder its name.
  void commit();

 private:
  std::filesystem::path out_;
  std::filesystem::path partial_;
  std::set<std::filesystem::path> named_;
};

}  // namespace qgrain::exports

#endif
