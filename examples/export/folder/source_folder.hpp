// The model folder that an export starts from: its files beside the weights, and whether it stays as it is.
#ifndef QGRAIN_EXPORT_FOLDER_SOURCE_FOLDER_HPP
#define QGRAIN_EXPORT_FOLDER_SOURCE_FOLDER_HPP

#include <lm/model.hpp>

#include <boost/json/array.hpp>

#include <filesystem>
#include <vector>

namespace qgrain::exports {

class source_folder {
 public:
  /// Remembers sizes and times of the weights and of config.json.
  explicit source_folder(const lm::model& model);

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
  /// Name, size and time of change of each file that is remembered.
  [[nodiscard]] boost::json::array state() const;
  /// Throws errc::bad_file that names the first file whose size or time is another now.
  void require_unchanged() const;

  /// Throws errc::invalid_argument for an output that lies in this folder: it would be copied into itself.
  void require_outside(const std::filesystem::path& out) const;

  /// By their names within the folder, sorted: all but weights (of whichever library), their indices, config.json,
  /// hf_quant_config.json and hidden folders.
  [[nodiscard]] std::vector<std::filesystem::path> other_files() const;
  /// Byte for byte; symbolic links are followed.
  void copy(const std::filesystem::path& name, const std::filesystem::path& to) const;

 private:
  struct remembered {
    std::filesystem::path path;
    std::uintmax_t size;
    std::filesystem::file_time_type time;
  };
  std::filesystem::path path_;
  std::vector<remembered> files_;
};

}  // namespace qgrain::exports

#endif
