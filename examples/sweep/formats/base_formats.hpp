// Base formats: the quantization presets by name, as ModelOpt configuration objects.
#ifndef QGRAIN_SWEEP_FORMATS_BASE_FORMATS_HPP
#define QGRAIN_SWEEP_FORMATS_BASE_FORMATS_HPP

#include <sweep/formats/quant_dtypes.hpp>

#include <boost/json.hpp>

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace qgrain::sweep {

namespace json = boost::json;

/// The formats of folders (conf/quant_format), one file NAME.json each, and those that follow from pairs of dtypes by
/// rule; a file goes before, that of the first folder before the others. The list of layers disabled by default lies
/// beside a folder; the first one counts.
class base_formats {
 public:
  /// Throws errc::io_failure where a folder is not readable.
  explicit base_formats(std::vector<std::filesystem::path> folders, quant_dtypes dtypes = {});
  explicit base_formats(std::filesystem::path folder, quant_dtypes dtypes = {})
      : base_formats(std::vector{std::move(folder)}, std::move(dtypes)) {}

  /// Alphabetically.
  [[nodiscard]] const std::vector<std::string>& names() const noexcept { return names_; }

  /// {"quant_cfg": {pattern: attributes, ..., "default": ...}, "algorithm": ...} in ModelOpt's dictionary form, the
  /// list of layers disabled by default written out. Throws errc::unknown_name with the nearest names, errc::bad_file.
  [[nodiscard]] json::object load(std::string_view name) const;

  /// The same formats with `body` (quant_cfg, disabled_by_default, algorithm) in the place of what `name` is in a file.
  [[nodiscard]] base_formats with(std::string name, json::object body) const;

 private:
  [[nodiscard]] json::object read_file(std::string_view name) const;
  [[nodiscard]] json::object disabled_layers() const;

  std::vector<std::filesystem::path> folders_;
  quant_dtypes dtypes_;
  std::map<std::string, dtype_pair, std::less<>> by_rule_;  // names without a file
  std::map<std::string, json::object, std::less<>> given_;
  std::vector<std::string> names_;
};

}  // namespace qgrain::sweep

#endif
