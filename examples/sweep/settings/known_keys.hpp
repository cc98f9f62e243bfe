// Misspelt keys in files of one's own: a file may add keys to a configuration, and nobody would look at these.
#ifndef QGRAIN_SWEEP_SETTINGS_KNOWN_KEYS_HPP
#define QGRAIN_SWEEP_SETTINGS_KNOWN_KEYS_HPP

#include <boost/json.hpp>

namespace qgrain::sweep {

/// Refuses keys that no setting has, naming the nearest that one does: any of quant_granularity, quant_format,
/// calibration, autoquant, runner and export; at the root and in model, dataset, quant_pair and output_layout those
/// that look like a known one, as people keep values of their own there for interpolations.
/// @throws error errc::unknown_name; errc::invalid_argument where one of these groups is no mapping.
void require_known_keys(const boost::json::object& config);

}  // namespace qgrain::sweep

#endif
