// The table that both reports show, read from a manifest.
#ifndef QGRAIN_SWEEP_RESULTS_SENSITIVITY_ROWS_HPP
#define QGRAIN_SWEEP_RESULTS_SENSITIVITY_ROWS_HPP

#include <boost/json.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace qgrain::sweep {

namespace json = boost::json;

/// One group with its formats; NONE is among them only where it is the only one.
struct sensitivity_row {
  std::string layer;             ///< key without ".quant_recipe"
  std::vector<double> num_bits;  ///< of those formats whose label names them; may be shorter than the others
  std::vector<double> scores;
  std::vector<double> costs;
};

/// x of "...(effective-bits: x)..."; nothing where there is none or it is no number.
[[nodiscard]] std::optional<double> bits_of_label(std::string_view label);

/// The rows of a manifest's `layer_sensitivity`, in its order; groups without any format are left out. Throws
/// errc::bad_file naming the group whose formats, scores or costs are missing or of another kind.
[[nodiscard]] std::vector<sensitivity_row> sensitivity_rows(const json::object& layer_sensitivity);

}  // namespace qgrain::sweep

#endif
