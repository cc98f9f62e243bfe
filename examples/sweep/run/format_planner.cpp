#include <engine/score/job.hpp>
#include <hydra/override.hpp>
#include <sweep/run/composition.hpp>
#include <sweep/run/format_planner.hpp>
#include <sweep/settings/composed_pair.hpp>

#include <qgrain/core/nearest_names.hpp>

#include <algorithm>

namespace qgrain::sweep {
namespace {

// The overrides of a job with another choice in the place of those of `groups`.
std::vector<std::string> with_choices(std::vector<std::string> overrides, const std::vector<std::string>& groups,
                                      const std::vector<std::string>& choices) {
  std::erase_if(overrides, [&](const std::string& text) {
    return std::find(groups.begin(), groups.end(), hydra::key_text(hydra::parse_override(text))) != groups.end();
  });
  overrides.insert(overrides.end(), choices.begin(), choices.end());
  return overrides;
}

}  // namespace

recipe_catalog compiled_recipes() {
  recipe_catalog catalog;
  catalog.weights = engine::recipe_names(engine::recipe_role::weight);
  catalog.activations = engine::recipe_names(engine::recipe_role::activation);
  catalog.has = engine::is_recipe;
  return catalog;
}

quantization_settings format_planner::settings_of(const format_request& wanted,
                                                  const std::vector<std::string>& overrides) const {
  const std::vector<std::string> pairs = hydra::choices(source_, "quant_pair");
  const std::vector<std::string>& formats = shipped_.names();
  const bool is_pair = std::find(pairs.begin(), pairs.end(), wanted.name) != pairs.end();
  if (!is_pair && std::find(formats.begin(), formats.end(), wanted.name) == formats.end()) {
    std::vector<std::string> known = pairs;
    known.insert(known.end(), formats.begin(), formats.end());
    throw unknown_name_error("autoquant.formats: pair or base format", wanted.name, known);
  }
  std::vector<std::string> choices{(is_pair ? "quant_pair=" : "quant_format=") + wanted.name};
  std::vector<std::string> groups{"quant_pair", "quant_format"};
  if (wanted.granularity) {
    choices.push_back("quant_granularity=" + *wanted.granularity);
    groups.emplace_back("quant_granularity");
  }
  json::object config = compose_resolved(with_choices(overrides, groups, choices), source_, context_);
  put_modelopt_format(config);
  return quantization_of(config);
}

base_formats format_planner::formats_for(const quantization_settings& wanted) const {
  return wanted.own_format ? shipped_.with(wanted.base_format, *wanted.own_format) : shipped_;
}

void format_planner::check_base_format(const quantization_settings& wanted) const {
  static_cast<void>(formats_for(wanted).load(wanted.base_format));
}

planned_format format_planner::resolve(const quantization_settings& wanted) const {
  return {wanted.pair,
          resolve_quantization(formats_for(wanted), wanted.base_format, wanted.granularity, recipes_, wanted.rules)};
}

}  // namespace qgrain::sweep
