#include <sweep/settings/composed_pair.hpp>
#include <sweep/settings/config_access.hpp>
#include <sweep/settings/quantization_settings.hpp>

namespace qgrain::sweep {

void put_format_as_pair(json::object& config, const std::string& name) {
  config["quant_pair"] =
      json::object{{"name", name}, {"weight", "by_format"}, {"activation", "by_format"}, {"format_name", name}};
}

void put_modelopt_format(json::object& config) {
  if (compat_of(config) != compat::modelopt) return;
  if (const auto format = optional_text_at(config, "quant_pair.modelopt_format_name"))
    config["quant_pair"].as_object()["format_name"] = *format;
}

void settle_pair(json::object& config) {
  put_modelopt_format(config);
  if (texts_at(config, "autoquant.formats").empty()) return;
  json::object& pair = config["quant_pair"].as_object();
  for (const char* key : {"name", "weight", "activation"}) pair[key] = "mixed";
  for (const char* key : {"format_name", "modelopt_format_name"}) pair.erase(key);
}

}  // namespace qgrain::sweep
