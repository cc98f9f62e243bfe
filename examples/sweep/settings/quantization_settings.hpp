// How a job's pair is quantized: base format, granularity, rules.
#ifndef QGRAIN_SWEEP_SETTINGS_QUANTIZATION_SETTINGS_HPP
#define QGRAIN_SWEEP_SETTINGS_QUANTIZATION_SETTINGS_HPP

#include <sweep/formats/granularity_choice.hpp>
#include <sweep/formats/quantization_job.hpp>
#include <sweep/formats/recipe_mapping.hpp>

#include <boost/json.hpp>

#include <optional>
#include <string>

namespace qgrain::sweep {

namespace json = boost::json;

struct quantization_settings {
  std::string pair;
  std::string base_format;
  std::optional<json::object> own_format;  ///< takes the place of the shipped file of that name
  granularity_choice granularity;
  quantization_rules rules;
};

/// Reads compat, calibration, quant_pair, quant_format and quant_granularity of a composed configuration.
/// @throws error errc::invalid_argument or errc::unknown_name naming the key at fault.
[[nodiscard]] quantization_settings quantization_of(const json::object& config);

/// compat. Errors as above, as of the next one.
[[nodiscard]] compat compat_of(const json::object& config);

/// quant_granularity; without one (or with null parts) the default, which overrides nothing.
[[nodiscard]] granularity_choice granularity_of(const json::object& config);

}  // namespace qgrain::sweep

#endif
