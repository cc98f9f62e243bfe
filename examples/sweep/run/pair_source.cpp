#include <sweep/run/pair_source.hpp>

#include <qgrain/core/status.hpp>

#include <algorithm>

namespace qgrain::sweep {
namespace {

constexpr const char* table = "quant_dtype";
constexpr std::string_view group = "quant_pair/";

quant_dtypes dtypes_in(const hydra::config_source& files) {
  const auto file = files.load(table);
  if (!file) throw error(errc::bad_file, std::string("the configuration has no ") + table + ".json");
  return {file->body, std::string(table) + ".json"};
}

}  // namespace

pair_source::pair_source(const std::vector<std::filesystem::path>& roots)
    : files_(roots), dtypes_(dtypes_in(files_)), paths_(files_.paths()) {
  for (const auto& [name, ignored] : dtypes_.pairs()) paths_.push_back(std::string(group) + name);
  std::sort(paths_.begin(), paths_.end());
  paths_.erase(std::unique(paths_.begin(), paths_.end()), paths_.end());
}

std::optional<hydra::config_file> pair_source::load(const std::string& path) const {
  if (auto file = files_.load(path)) return file;
  if (!path.starts_with(group)) return std::nullopt;
  const auto pair = dtypes_.pairs().find(path.substr(group.size()));
  if (pair == dtypes_.pairs().end()) return std::nullopt;
  return hydra::config_file{std::nullopt, pair_choice(pair->first, pair->second)};
}

}  // namespace qgrain::sweep
