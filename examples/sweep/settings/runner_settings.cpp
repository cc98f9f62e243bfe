#include <sweep/settings/config_access.hpp>
#include <sweep/settings/runner_settings.hpp>

#include <qgrain/core/status.hpp>

#include <string>

namespace qgrain::sweep {

runner_settings runner_of(const json::object& config) {
  runner_settings settings;
  settings.report_only = flag_at(config, "runner.report_only");
  settings.checkpoint_seconds = number_at(config, "runner.checkpoint_seconds");
  if (!(settings.checkpoint_seconds >= 0))
    throw error(errc::invalid_argument, "runner.checkpoint_seconds: must not be negative");
  const std::string on_illegal = text_at(config, "runner.on_illegal");
  if (on_illegal != "fail" && on_illegal != "skip")
    throw error(errc::unknown_name, "runner.on_illegal: must be fail or skip, not " + on_illegal);
  settings.skip_illegal = on_illegal == "skip";
  const std::string stale = optional_text_at(config, "runner.stale").value_or("refuse");
  if (stale != "refuse" && stale != "recompute")
    throw error(errc::unknown_name, "runner.stale: must be refuse or recompute, not " + stale);
  settings.recompute_stale = stale == "recompute";
  return settings;
}

}  // namespace qgrain::sweep
