// Base formats: the quantization presets by name, as ModelOpt configuration objects.
#ifndef QGRAIN_SWEEP_BASE_FORMATS_HPP
#define QGRAIN_SWEEP_BASE_FORMATS_HPP

#include <boost/json.hpp>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace qgrain::sweep {

namespace json = boost::json;

/// The formats of a folder (conf/quant_format), one file NAME.json each; a user adds a format by adding a file.
class base_formats {
 public:
  /// Throws errc::io_failure where `folder` is no readable folder.
  explicit base_formats(std::filesystem::path folder);

  /// Alphabetically.
  [[nodiscard]] const std::vector<std::string>& names() const noexcept { return names_; }

  /// {"quant_cfg": {pattern: attributes, ..., "default": ...}, "algorithm": ...} in ModelOpt's dictionary form, the
  /// list of layers disabled by default written out. Throws errc::unknown_name with the nearest names, errc::bad_file.
  [[nodiscard]] json::object load(std::string_view name) const;

 private:
  std::filesystem::path folder_;
  std::vector<std::string> names_;
};

}  // namespace qgrain::sweep

#endif
