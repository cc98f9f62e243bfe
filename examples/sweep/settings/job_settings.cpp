#include <sweep/settings/config_access.hpp>
#include <sweep/settings/job_settings.hpp>
#include <sweep/settings/known_keys.hpp>
#include <sweep/settings/naming.hpp>
#include <sweep/settings/quantization_settings.hpp>

#include <string_view>

namespace qgrain::sweep {

json::object scheme_settings::description(std::span<const std::string> quant_formats) const {
  return {{"name", name},
          {"auto_quantize_bits", effective_bits},
          {"auto_quantize_method", method},
          {"auto_quantize_score_size", score_size},
          {"coverage_mode", coverage_mode},
          {"coverage_fraction", coverage_fraction},
          {"quant_formats", json::array(quant_formats.begin(), quant_formats.end())}};
}

scheme_settings scheme_of(const json::object& config) {
  constexpr std::string_view mode = "quant_pair.coverage_mode", fraction = "quant_pair.coverage_fraction";
  scheme_settings scheme;
  scheme.name = scheme_name(filled_text_at(config, "quant_pair.name"),
                            optional_text_at(config, "quant_pair.scheme_name").value_or(""));
  scheme.effective_bits = number_at(config, "autoquant.effective_bits");
  scheme.method = text_at(config, "autoquant.method");
  scheme.score_size = integer_at(config, "autoquant.score_size");
  if (given(config, mode) != nullptr) scheme.coverage_mode = text_at(config, mode);
  if (given(config, fraction) != nullptr) scheme.coverage_fraction = number_at(config, fraction);
  return scheme;
}

job_settings job_settings_of(const json::object& config) {
  require_known_keys(config);
  job_settings settings;
  settings.rules = compat_of(config);
  settings.autoquant = autoquant_of(config, settings.rules == compat::modelopt);
  settings.exports = export_of(config);
  settings.scheme = scheme_of(config);
  settings.granularity = granularity_of(config);
  settings.scoring = scoring_of(config);
  settings.dataset = dataset_of(config);
  settings.pair = filled_text_at(config, "quant_pair.name");
  return settings;
}

}  // namespace qgrain::sweep
