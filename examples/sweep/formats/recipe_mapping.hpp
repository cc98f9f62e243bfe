// From ModelOpt quantizer attributes to the compiled recipes.
#ifndef QGRAIN_SWEEP_FORMATS_RECIPE_MAPPING_HPP
#define QGRAIN_SWEEP_FORMATS_RECIPE_MAPPING_HPP

#include <boost/json.hpp>

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace qgrain::sweep {

namespace json = boost::json;

enum class quantizer_role : std::uint8_t { weight, activation };

/// Whose rules turn attributes into recipes. `modelopt`: NVFP4 is computed in blocks of 16 whatever length is written,
/// and a configuration without calibration takes every range from the batch, one called static as well.
enum class compat : std::uint8_t { qgrain, modelopt };

/// The recipes that the program was compiled with.
struct recipe_catalog {
  std::vector<std::string> weights;      ///< for error messages; groups and tiles of any size exist besides
  std::vector<std::string> activations;  ///< likewise
  std::function<bool(std::string_view name)> has;
};

/// The recipes of one job, "fp16" = not quantized, and how its inputs are calibrated (calibration_names of the engine).
struct recipe_pair {
  std::string weight;
  std::string activation;
  std::string calibration = "max";
  friend bool operator==(const recipe_pair&, const recipe_pair&) = default;
};

/// The name of the recipe that the entry `attributes` of an effective configuration describes. Weights:
/// `<dtype>/per_tensor`, `/per_out_channel` (axis 0), `/per_in_channel` (axis 1), `/group<N>`, `/tile<R>x<C>`.
/// Activations:
/// `<dtype>/per_tensor_static`, `/per_tensor_dynamic`, `/per_token_dynamic`, `/per_hidden_channel` (axis -1),
/// `/group<N>`. Both: `mxfp4_rceil`, `mxfp6_e3m2_rceil` and so on (blocks of 32 with an e8m0 scale),
/// `nvfp4_modelopt`; "fp16" where the quantizer is off.
/// `algorithm`: of the configuration; where it is null nothing is calibrated, and a per-tensor activation range that is
/// not called static is taken from each batch.
/// Throws errc::unsupported naming the attribute that no recipe can follow.
[[nodiscard]] std::string recipe_name(quantizer_role role, const json::value& attributes, const json::value& algorithm,
                                      compat rules = compat::qgrain);

inline constexpr std::array<std::string_view, 6> calibration_methods{"max",     "percentile",  "mse",
                                                                     "entropy", "smoothquant", "awq_lite"};

/// The calibration that an `algorithm` means, one of calibration_methods or {"method": name, ...}; max where it is
/// null. @throws error errc::unsupported for other methods, and for parameters other than those that are built in
/// (ModelOpt's defaults).
[[nodiscard]] std::string calibration_of(const json::value& algorithm);

/// Both recipes of an effective configuration (an entry that is missing follows `default`), each of them in `catalog`.
/// Throws errc::unsupported naming the attribute or recipe and listing what exists, or an entry that quantizes anything
/// but a Linear's weight or input (outputs, attention, KV cache, convolutions, single layers).
[[nodiscard]] recipe_pair recipes_of(const json::object& config, const recipe_catalog& catalog,
                                     compat rules = compat::qgrain);

}  // namespace qgrain::sweep

#endif
