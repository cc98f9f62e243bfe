#include <common/json.hpp>
#include <hydra/config_source.hpp>

#include <qgrain/core/status.hpp>

#include <algorithm>
#include <set>
#include <utility>

namespace qgrain::hydra {
namespace {

constexpr std::string_view package_key = "@package";

template <typename Files>
std::vector<std::string> keys_of(const Files& files) {
  std::vector<std::string> keys;
  for (const auto& file : files) keys.push_back(file.first);
  return keys;
}

config_file read_config_file(const std::filesystem::path& path) {
  config_file file{std::nullopt, common::read_json_object(path)};
  if (const auto* package = file.body.if_contains(package_key)) {
    if (!package->is_string()) throw error(errc::bad_file, path.string() + ": \"@package\" is not a text");
    file.package = std::string(package->get_string());
    file.body.stable_erase(package_key);
  }
  return file;
}

}  // namespace

folder_source::folder_source(const std::vector<std::filesystem::path>& roots) {
  namespace fs = std::filesystem;
  for (const auto& root : roots) {
    std::error_code code;
    for (fs::recursive_directory_iterator entry(root, code), end; !code && entry != end; entry.increment(code)) {
      if (entry->path().extension() != ".json" || entry->is_directory()) continue;
      auto path = fs::path(entry->path()).replace_extension().lexically_relative(root).generic_string();
      files_.emplace(std::move(path), entry->path());  // an earlier root's file stays
    }
    if (code)
      throw error(errc::io_failure, "the configuration folder " + root.string() + " cannot be read: " + code.message());
  }
  paths_ = keys_of(files_);
}

std::optional<config_file> folder_source::load(const std::string& path) const {
  const auto file = files_.find(path);
  if (file == files_.end()) return std::nullopt;
  if (const auto known = read_.find(path); known != read_.end()) return known->second;
  return read_.emplace(path, read_config_file(file->second)).first->second;
}

memory_source::memory_source(std::map<std::string, config_file> files)
    : files_(std::move(files)), paths_(keys_of(files_)) {}

std::optional<config_file> memory_source::load(const std::string& path) const {
  const auto file = files_.find(path);
  if (file == files_.end()) return std::nullopt;
  return file->second;
}

std::vector<std::string> groups(const config_source& source) {
  std::set<std::string> found;
  for (const auto& path : source.paths()) {
    for (auto slash = path.find('/'); slash != std::string::npos; slash = path.find('/', slash + 1)) {
      found.insert(path.substr(0, slash));
    }
  }
  return {found.begin(), found.end()};
}

std::vector<std::string> choices(const config_source& source, std::string_view group) {
  const std::string prefix = group.empty() ? "" : std::string(group) + "/";
  std::vector<std::string> found;
  for (const auto& path : source.paths()) {
    if (path.starts_with(prefix) && path.find('/', prefix.size()) == std::string::npos)
      found.push_back(path.substr(prefix.size()));
  }
  return found;
}

bool is_group(const config_source& source, std::string_view group) {
  const std::string prefix = std::string(group) + "/";
  const auto& paths = source.paths();
  return group.empty() || std::any_of(paths.begin(), paths.end(),
                                      [&prefix](const std::string& path) { return path.starts_with(prefix); });
}

}  // namespace qgrain::hydra
