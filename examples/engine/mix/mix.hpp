// A model-wide choice of recipes: one pair for each Linear.
#ifndef QGRAIN_ENGINE_MIX_MIX_HPP
#define QGRAIN_ENGINE_MIX_MIX_HPP

#include <engine/calibrate/input_calibration.hpp>
#include <engine/score/job.hpp>
#include <lm/model.hpp>

#include <qgrain/host/fake_recipe.hpp>

#include <boost/json.hpp>

#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace qgrain::engine {

/// Empty: unquantized.
struct linear_recipes {
  std::optional<fake_recipe> weight;
  std::optional<fake_recipe> activation;
  calibration_method calibration = calibration_method::max;  ///< of what the mix does not hold itself
};

struct recipe_mix {
  std::vector<linear_recipes> linears;  ///< [Linear]
  /// [Linear] calibrated range of the input: one value, one per channel, or none where the recipe asks for none.
  std::vector<std::vector<float>> input_amax;
  /// [Linear], or empty where no Linear has one: what the input's channels are multiplied by and the weight's columns
  /// divided by. A calibrated range is one behind it.
  std::vector<std::vector<float>> input_scale = {};
  /// [Linear], or empty where every weight has a range of its own: the largest magnitude that a weight recipe with a
  /// range per tensor takes in the place of the weight's.
  std::vector<std::optional<float>> weight_amax = {};

  [[nodiscard]] std::optional<float> weight_range_of(std::size_t linear) const {
    return linear < weight_amax.size() ? weight_amax[linear] : std::nullopt;
  }
  /// [in] or empty.
  [[nodiscard]] std::span<const float> scale_of(std::size_t linear) const {
    return linear < input_scale.size() ? std::span<const float>(input_scale[linear]) : std::span<const float>();
  }
};

/// {"linears": {"<name>": {"weight": "int4/group128", "activation": "int8/per_token_dynamic", "input_amax": 3.5}, ...}}
/// Linears and recipes that are left out, and "fp16", are unquantized; input_amax is a number or one per channel;
/// "input_scale": one per channel; "weight_amax": a range per tensor that is not the weight's own, not beside a scale;
/// "calibration": the name of a method, max where it is left out. `where` names the text's origin in errors. All faults
/// are named at once with the nearest names (errc::bad_file for the form, unknown_name, invalid_shape where a recipe
/// does not suit its Linear).
[[nodiscard]] recipe_mix parse_mix(const boost::json::value& value, const std::string& where, const lm::model& model);
[[nodiscard]] recipe_mix read_mix(const std::filesystem::path& path, const lm::model& model);

/// The mix in which Linear l is quantized as job choice[l] says (none: unquantized), calibrated. calibrations: those of
/// the jobs (engine_result). Throws errc::invalid_shape where the number of choices is not that of the Linears.
[[nodiscard]] recipe_mix chosen_mix(const lm::model& model, std::span<const job> jobs,
                                    const calibration_table& calibrations,
                                    std::span<const std::optional<std::size_t>> choice);
/// What parse_mix reads; unquantized Linears are left out.
[[nodiscard]] boost::json::object mix_json(const recipe_mix& mix, const lm::model& model);

/// Linears for which the mix lacks the calibrated range that the activation recipe needs, or the input scale that the
/// calibration does.
[[nodiscard]] std::vector<std::string> missing_ranges(const recipe_mix& mix, const lm::model& model);
/// Throws errc::invalid_argument that names them, and errc::unsupported where an input scale meets a range that is a
/// batch's.
void require_ranges(const recipe_mix& mix, const lm::model& model);

}  // namespace qgrain::engine

#endif
