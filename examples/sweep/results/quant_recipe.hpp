// The chosen mix for other programs: as a ModelOpt configuration, and as qgrain-lm reads it.
#ifndef QGRAIN_SWEEP_RESULTS_QUANT_RECIPE_HPP
#define QGRAIN_SWEEP_RESULTS_QUANT_RECIPE_HPP

#include <boost/json.hpp>

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace qgrain::sweep {

namespace json = boost::json;

inline constexpr const char* quant_recipe_name = "quant_recipe.json";

/// {"quant_cfg": [entries in order], "algorithm": ...} as ModelOpt has it from 0.44 on (checked against 0.47): an entry
/// that turns all quantizers off, then exactly one for the weight and one for the input of each layer in
/// `candidate_stats`: {"quantizer_name", "enable": false} or {"quantizer_name", "enable": true, "cfg": attributes}.
/// Characters of a layer's name that a shell pattern would read stand in brackets.
/// - Attributes are those of the layer's format (`*weight_quantizer`, `*input_quantizer`, where missing `default`),
/// with
///   num_bits written out. An input range per tensor that the recipe takes from each batch is "type": "dynamic".
/// - Dimensions of block_sizes are keys in quotation marks, as JSON has no others and as ModelOpt's own model_dump_json
///   writes them. ModelOpt wants integers: turn keys of digits into integers when reading.
/// - An element format that num_bits cannot name (nf4, fp8_e5m2) is num_bits: "<format>", backend: "qgrain": ModelOpt
///   reads it and refuses to run it until a backend of that name is registered.
/// - algorithm: the one that all chosen formats have. Where they differ, "max": ModelOpt runs an algorithm over the
/// whole
///   model, and only this one leaves the layers of the other formats as they were scored (its own
///   get_auto_quantize_config does the same). "max" stands, too, for calibrations of inputs that ModelOpt has no
///   algorithm for: percentile, mse (its own searches ranges of weights) and entropy.
/// Throws errc::bad_file where `formats` or `candidate_stats` is missing or damaged, or a chosen format is not listed.
[[nodiscard]] json::object quant_recipe(const json::object& manifest);

/// Whether an activation recipe takes its range from calibration ("int8/per_tensor_static"), by its name.
[[nodiscard]] bool has_calibrated_range(std::string_view activation) noexcept;

}  // namespace qgrain::sweep

#endif
