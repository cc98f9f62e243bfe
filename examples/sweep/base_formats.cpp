#include "base_formats.hpp"

#include <algorithm>
#include <qgrain/core/nearest_names.hpp>
#include <qgrain/core/status.hpp>
#include <system_error>

#include "json_file.hpp"

namespace qgrain::sweep {

base_formats::base_formats(std::filesystem::path folder) : folder_(std::move(folder)) {
  std::error_code code;
  for (const auto& entry : std::filesystem::directory_iterator(folder_, code)) {
    if (entry.path().extension() == ".json") names_.push_back(entry.path().stem().string());
  }
  if (code) throw error(errc::io_failure, "the folder of base formats " + folder_.string() + ": " + code.message());
  std::sort(names_.begin(), names_.end());
}

json::object base_formats::load(std::string_view name) const {
  if (!std::binary_search(names_.begin(), names_.end(), name)) {
    throw error(errc::unknown_name, "no base format is called " + std::string(name) + name_hint(name, names_));
  }
  const auto path = folder_ / (std::string(name) + ".json");
  json::object file = read_json_object(path);
  auto* quant_cfg = file.if_contains("quant_cfg");
  const auto* disabled = file.if_contains("disabled_by_default");
  const auto* algorithm = file.if_contains("algorithm");
  if (quant_cfg == nullptr || !quant_cfg->is_object() || algorithm == nullptr || disabled == nullptr ||
      !disabled->is_bool()) {
    throw error(errc::bad_file,
                path.string() + " needs quant_cfg (a mapping), disabled_by_default (true or false) and algorithm");
  }
  if (disabled->get_bool()) {
    for (const auto& entry : read_json_object(folder_ / "common" / "disabled_by_default.json")) {
      quant_cfg->get_object()[entry.key()] = entry.value();
    }
  }
  return {{"quant_cfg", *quant_cfg}, {"algorithm", *algorithm}};
}

}  // namespace qgrain::sweep
