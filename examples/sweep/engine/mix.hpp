// A model-wide choice of recipes: one pair for each Linear.
#ifndef QGRAIN_SWEEP_ENGINE_MIX_HPP
#define QGRAIN_SWEEP_ENGINE_MIX_HPP

#include <lm/model.hpp>

#include <qgrain/host/fake_recipe.hpp>

#include <boost/json.hpp>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace qgrain::sweep {

/// Empty: unquantized.
struct linear_recipes {
  std::optional<fake_recipe> weight;
  std::optional<fake_recipe> activation;
};

struct recipe_mix {
  std::vector<linear_recipes> linears;  ///< [Linear]
  /// [Linear] calibrated range of the input: one value, one per channel, or none where the recipe asks for none.
  std::vector<std::vector<float>> input_amax;
};

/// {"linears": {"<name>": {"weight": "int4/group128", "activation": "int8/per_token_dynamic", "input_amax": 3.5}, ...}}
/// Linears and recipes that are left out, and "fp16", are unquantized; input_amax is a number or one per channel.
/// `where` names the text's origin in errors. All faults are named at once with the nearest names (errc::bad_file for
/// the form, unknown_name, invalid_shape where a recipe does not suit its Linear).
[[nodiscard]] recipe_mix parse_mix(const boost::json::value& value, const std::string& where, const lm::model& model);
[[nodiscard]] recipe_mix read_mix(const std::filesystem::path& path, const lm::model& model);

/// Linears whose activation recipe needs a calibrated range that the mix does not have.
[[nodiscard]] std::vector<std::string> missing_ranges(const recipe_mix& mix, const lm::model& model);
/// Throws errc::invalid_argument that names them.
void require_ranges(const recipe_mix& mix, const lm::model& model);

}  // namespace qgrain::sweep

#endif
