// What a composed configuration says about checkpoints of the chosen mix: the group export.
#ifndef QGRAIN_SWEEP_SETTINGS_EXPORT_SETTINGS_HPP
#define QGRAIN_SWEEP_SETTINGS_EXPORT_SETTINGS_HPP

#include <boost/json.hpp>

#include <optional>
#include <string>
#include <vector>

namespace qgrain::sweep {

/// The options of qgrain-export by the same names.
struct export_settings {
  std::vector<std::string> to;  ///< targets; empty: no export
  std::optional<std::string> engine;
  bool untie = false;
};

/// Whether a target exists is qgrain-export's to say.
/// @throws error errc::invalid_argument naming the key at fault, or a target that stands twice.
[[nodiscard]] export_settings export_of(const boost::json::object& config);

}  // namespace qgrain::sweep

#endif
