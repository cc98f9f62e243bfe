// Which format the search chose for each layer, read from a manifest.
#ifndef QGRAIN_SWEEP_RESULTS_FORMAT_CHOICE_HPP
#define QGRAIN_SWEEP_RESULTS_FORMAT_CHOICE_HPP

#include <boost/json.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace qgrain::sweep {

namespace json = boost::json;

/// An entry of a manifest's `formats`.
struct manifest_format {
  std::string label;  ///< as the chosen formats name it
  std::string pair;   ///< may be empty, as may granularity and calibration
  std::string granularity;
  std::string weight;  ///< recipe; "fp16": not quantized
  std::string activation;
  std::string calibration;
  json::object quant_cfg;  ///< effective, in ModelOpt's dictionary form
  json::value algorithm;   ///< ModelOpt's calibration algorithm, null for none
};

/// The choice for one layer.
struct layer_choice {
  std::string layer;
  std::string label;           ///< of its format, or of NONE
  std::optional<double> bits;  ///< per weight as the search books them; where it books no sizes, those of the label
};

/// Whether a label stands for the unquantized layer.
[[nodiscard]] bool is_none(std::string_view label) noexcept;

/// The `formats` of a manifest, in its order; empty where it has none. Throws errc::bad_file where one lacks its label
/// or a part is of another kind, or where two have the same label.
[[nodiscard]] std::vector<manifest_format> formats_of(const json::object& manifest);

/// The layers of all groups in the order of `autoquant_state.candidate_stats`; empty where the manifest has none.
/// Throws errc::bad_file naming the group whose entry is damaged or whose chosen format is none of its candidates.
[[nodiscard]] std::vector<layer_choice> layer_choices(const json::object& manifest);

}  // namespace qgrain::sweep

#endif
