// A pair's base format with its overlay, resolved to what is computed.
#ifndef QGRAIN_SWEEP_FORMATS_QUANTIZATION_JOB_HPP
#define QGRAIN_SWEEP_FORMATS_QUANTIZATION_JOB_HPP

#include <sweep/formats/base_formats.hpp>
#include <sweep/formats/granularity_choice.hpp>
#include <sweep/formats/recipe_mapping.hpp>

#include <boost/json.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace qgrain::sweep {

namespace json = boost::json;

struct quantization_job {
  std::string base_format;
  granularity_choice granularity;
  json::object config;  ///< effective: the overlay laid over the base
  recipe_pair recipes;
  std::string format_name;  ///< as ModelOpt names it: the preset, or CUSTOM_0 where the overlay changed it
  double compression = 1;   ///< share of 16 bits that it is booked with
  bool has_effect = true;   ///< false: the overlay leaves the recipes of the base as they are

  /// The manifest's `quantization`: base_format_name, quant_granularity, effective_quantizer_summary.
  [[nodiscard]] json::object description() const;
};

/// What a run changes of the way from base format and overlay to recipes.
struct quantization_rules {
  compat rules = compat::qgrain;
  std::optional<json::value> algorithm;  ///< takes the place of the base format's own; null: nothing is calibrated
};

/// Throws what the base format, the overlay and the recipe mapping throw, the pair of names in front.
[[nodiscard]] quantization_job resolve_quantization(const base_formats& formats, std::string_view base_format,
                                                    const granularity_choice& granularity,
                                                    const recipe_catalog& catalog,
                                                    const quantization_rules& rules = {});

}  // namespace qgrain::sweep

#endif
