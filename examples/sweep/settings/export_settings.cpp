#include <sweep/settings/config_access.hpp>
#include <sweep/settings/export_settings.hpp>

#include <qgrain/core/status.hpp>

#include <set>

namespace qgrain::sweep {

export_settings export_of(const json::object& config) {
  export_settings settings;
  if (given(config, "export") == nullptr) return settings;
  settings.to = texts_at(config, "export.to");
  std::set<std::string> seen;
  for (const std::string& target : settings.to) {
    if (!seen.insert(target).second) throw error(errc::invalid_argument, "export.to: " + target + " stands twice");
  }
  if (given(config, "export.engine") != nullptr) settings.engine = filled_text_at(config, "export.engine");
  if (given(config, "export.untie") != nullptr) settings.untie = flag_at(config, "export.untie");
  return settings;
}

}  // namespace qgrain::sweep
