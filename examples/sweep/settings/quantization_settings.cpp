#include <sweep/settings/config_access.hpp>
#include <sweep/settings/quantization_settings.hpp>

#include <qgrain/core/nearest_names.hpp>
#include <qgrain/core/status.hpp>

#include <algorithm>
#include <string_view>
#include <utility>

namespace qgrain::sweep {
namespace {

// Nothing: the algorithm of the base format.
std::optional<json::value> algorithm_of(const json::object& config) {
  const std::string name = text_at(config, "calibration.algorithm");
  if (std::find(calibration_methods.begin(), calibration_methods.end(), name) != calibration_methods.end())
    return json::value(name);
  if (name == "none") return json::value();
  if (name == "by_format") return std::nullopt;
  throw error(errc::unknown_name, "calibration.algorithm: must be by_format, none or one of " +
                                      join_names(calibration_methods) + ", not " + name);
}

}  // namespace

compat compat_of(const json::object& config) {
  const std::string name = text_at(config, "compat");
  if (name == "qgrain") return compat::qgrain;
  if (name == "modelopt") return compat::modelopt;
  throw error(errc::unknown_name, "compat: must be qgrain or modelopt, not " + name);
}

granularity_choice granularity_of(const json::object& config) {
  granularity_choice result;
  if (auto name = optional_text_at(config, "quant_granularity.name")) result.name = std::move(*name);
  const auto* overrides = find_value(config, "quant_granularity.quant_cfg_overrides");
  if (overrides == nullptr || overrides->is_null()) return result;
  if (!overrides->is_object()) {
    throw error(errc::invalid_argument, "quant_granularity.quant_cfg_overrides must be a mapping, but is " +
                                            std::string(json::serialize(*overrides)));
  }
  result.overrides = overrides->get_object();
  return result;
}

quantization_settings quantization_of(const json::object& config) {
  quantization_settings settings;
  settings.rules = {compat_of(config), algorithm_of(config)};
  settings.base_format = text_at(config, "quant_pair.format_name");
  settings.pair = text_at(config, "quant_pair.name");
  settings.granularity = granularity_of(config);
  const json::value* format = given(config, "quant_format");
  if (format != nullptr && format->is_object()) settings.own_format = format->get_object();
  return settings;
}

}  // namespace qgrain::sweep
