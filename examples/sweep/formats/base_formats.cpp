#include <common/json.hpp>
#include <sweep/formats/base_formats.hpp>

#include <qgrain/core/nearest_names.hpp>
#include <qgrain/core/status.hpp>

#include <algorithm>
#include <system_error>

namespace qgrain::sweep {

base_formats::base_formats(std::vector<std::filesystem::path> folders, quant_dtypes dtypes)
    : folders_(std::move(folders)), dtypes_(std::move(dtypes)) {
  for (const auto& folder : folders_) {
    std::error_code code;
    for (const auto& entry : std::filesystem::directory_iterator(folder, code)) {
      if (entry.path().extension() == ".json") names_.push_back(entry.path().stem().string());
    }
    if (code) throw error(errc::io_failure, "the folder of base formats " + folder.string() + ": " + code.message());
  }
  std::sort(names_.begin(), names_.end());
  names_.erase(std::unique(names_.begin(), names_.end()), names_.end());
  for (const auto& [ignored, pair] : dtypes_.pairs()) {
    std::string name = base_format_name(pair);
    if (!std::binary_search(names_.begin(), names_.end(), name)) by_rule_.emplace(std::move(name), pair);
  }
  for (const auto& [name, ignored] : by_rule_) names_.push_back(name);
  std::sort(names_.begin(), names_.end());
}

base_formats base_formats::with(std::string name, json::object body) const {
  base_formats copy = *this;
  copy.given_.insert_or_assign(std::move(name), std::move(body));
  return copy;
}

json::object base_formats::read_file(std::string_view name) const {
  const std::string file_name = std::string(name) + ".json";
  const auto folder = std::find_if(folders_.begin(), folders_.end(),
                                   [&](const auto& place) { return std::filesystem::exists(place / file_name); });
  const auto path = (folder == folders_.end() ? folders_.front() : *folder) / file_name;
  const auto given = given_.find(name);
  json::object file = given == given_.end() ? common::read_json_object(path) : given->second;
  const auto* quant_cfg = file.if_contains("quant_cfg");
  const auto* disabled = file.if_contains("disabled_by_default");
  if (quant_cfg == nullptr || !quant_cfg->is_object() || !file.contains("algorithm") || disabled == nullptr ||
      !disabled->is_bool()) {
    throw error(errc::bad_file,
                path.string() + " needs quant_cfg (a mapping), disabled_by_default (true or false) and algorithm");
  }
  return file;
}

json::object base_formats::disabled_layers() const {
  std::filesystem::path path;
  for (const auto& folder : folders_) {
    path = folder.parent_path() / "disabled_by_default.json";
    if (std::filesystem::exists(path)) break;
  }
  return common::read_json_object(path);
}

json::object base_formats::load(std::string_view name) const {
  if (!std::binary_search(names_.begin(), names_.end(), name)) {
    throw error(errc::unknown_name, "no base format is called " + std::string(name) + name_hint(name, names_));
  }
  const auto rule = by_rule_.find(name);
  const json::object format = rule == by_rule_.end() ? read_file(name)
                                                     : json::object{{"quant_cfg", dtypes_.quant_cfg(rule->second)},
                                                                    {"disabled_by_default", true},
                                                                    {"algorithm", "max"}};
  json::object quant_cfg = format.at("quant_cfg").get_object();
  if (format.at("disabled_by_default").get_bool()) {
    for (const auto& entry : disabled_layers()) {
      quant_cfg[entry.key()] = entry.value();
    }
  }
  return {{"quant_cfg", std::move(quant_cfg)}, {"algorithm", format.at("algorithm")}};
}

}  // namespace qgrain::sweep
