#include <sweep/formats/compression.hpp>
#include <sweep/formats/overlay.hpp>
#include <sweep/formats/quantization_job.hpp>
#include <sweep/formats/quantizer_summary.hpp>

#include <qgrain/core/status.hpp>

namespace qgrain::sweep {
namespace {

// A base that no recipe can follow is not the same as any job.
bool has_recipes(const json::object& config, const recipe_pair& recipes, const recipe_catalog& catalog, compat rules) {
  try {
    return recipes_of(config, catalog, rules) == recipes;
  } catch (const error&) {
    return false;
  }
}

}  // namespace

json::object quantization_job::description() const {
  return {{"base_format_name", base_format},
          {"quant_granularity", {{"name", granularity.name}, {"quant_cfg_overrides", granularity.overrides}}},
          {"effective_quantizer_summary", quantizer_summary(config)}};
}

quantization_job resolve_quantization(const base_formats& formats, std::string_view base_format,
                                      const granularity_choice& granularity, const recipe_catalog& catalog,
                                      const quantization_rules& rules) {
  const json::object named = formats.load(base_format);
  json::object base = named;
  if (rules.algorithm) base["algorithm"] = *rules.algorithm;
  quantization_job job{std::string(base_format), granularity, {}, {}, std::string(base_format), 1, true};
  try {
    job.config = merge_overlay(base, granularity.overrides);
    job.recipes = recipes_of(job.config, catalog, rules.rules);
  } catch (const error& e) {
    throw error(e.code(), job.base_format + " with " + granularity.name + ": " + e.what());
  }
  if (job.config != named) job.format_name = "CUSTOM_0";
  job.compression = compression_of(job.config);
  job.has_effect = granularity.overrides.empty() || !has_recipes(base, job.recipes, catalog, rules.rules);
  return job;
}

}  // namespace qgrain::sweep
