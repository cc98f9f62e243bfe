// Where configuration files come from: `<group>/<choice>.json` below one or more root folders, or memory.
#ifndef QGRAIN_HYDRA_CONFIG_SOURCE_HPP
#define QGRAIN_HYDRA_CONFIG_SOURCE_HPP

#include <boost/json.hpp>

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace qgrain::hydra {

namespace json = boost::json;

/// One configuration file. In the file, `package` is the top-level key "@package", the defaults list the key
/// "defaults".
struct config_file {
  std::optional<std::string> package;  ///< where the body goes; absent: the group's path
  json::object body;                   ///< without "@package"
};

/// A tree of configuration files. Paths have slashes and no extension: "config", "dataset/sampling/random".
class config_source {
 public:
  virtual ~config_source() = default;

  /// All paths, in alphabetical order, each once.
  [[nodiscard]] virtual const std::vector<std::string>& paths() const = 0;

  /// Empty where there is no such file. Throws errc::bad_file or errc::io_failure naming the file.
  [[nodiscard]] virtual std::optional<config_file> load(const std::string& path) const = 0;

 protected:
  config_source() = default;
  config_source(const config_source&) = default;
  config_source& operator=(const config_source&) = default;
};

/// Files below root folders; where several roots hold a path, the first one's file counts. The folders are listed once,
/// by the constructor; a file is read once, when it is first asked for: all jobs of a sweep see the same. For one
/// thread.
class folder_source : public config_source {
 public:
  /// Throws errc::io_failure where a root is no folder that can be read.
  explicit folder_source(const std::vector<std::filesystem::path>& roots);

  [[nodiscard]] const std::vector<std::string>& paths() const override { return paths_; }
  [[nodiscard]] std::optional<config_file> load(const std::string& path) const override;

 private:
  std::map<std::string, std::filesystem::path> files_;
  std::vector<std::string> paths_;
  mutable std::map<std::string, config_file> read_;
};

class memory_source : public config_source {
 public:
  explicit memory_source(std::map<std::string, config_file> files);

  [[nodiscard]] const std::vector<std::string>& paths() const override { return paths_; }
  [[nodiscard]] std::optional<config_file> load(const std::string& path) const override;

 private:
  std::map<std::string, config_file> files_;
  std::vector<std::string> paths_;
};

/// The groups (folders) of a source at any depth, in alphabetical order: "dataset", "dataset/sampling".
[[nodiscard]] std::vector<std::string> groups(const config_source& source);

/// The choices (files) directly in a group, in alphabetical order; empty for an unknown group. The group "" holds the
/// files of the root.
[[nodiscard]] std::vector<std::string> choices(const config_source& source, std::string_view group);

/// Whether there is such a folder; "" always is one.
[[nodiscard]] bool is_group(const config_source& source, std::string_view group);

}  // namespace qgrain::hydra

#endif
