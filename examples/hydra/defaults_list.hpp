// Which files a configuration consists of, in the order they are merged.
#ifndef QGRAIN_HYDRA_DEFAULTS_LIST_HPP
#define QGRAIN_HYDRA_DEFAULTS_LIST_HPP

#include <hydra/config_source.hpp>
#include <hydra/override.hpp>
#include <hydra/runtime_context.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace qgrain::hydra {

/// What a choice that must still be given (???) means: an error, or nothing yet, because a sweep gives it per job.
enum class open_choices : std::uint8_t { refused, skipped };

struct chosen_file {
  std::string path;
  std::string package;  ///< dotted, "" for the root
};

struct defaults_list {
  std::vector<chosen_file> files;
  std::map<std::string, std::string> choices;  ///< "group" or "group@package" -> choice; "" for none
};

/// Expands the defaults list of `config_name` with the group overrides among `overrides` (those of values are not
/// looked at), by the rules of Hydra 1.3: nested lists, `_self_` (last where it is not written), `override`,
/// `optional`, packages, absolute groups, lists of choices, choices by interpolation of others, +group and ~group.
/// Throws qgrain::error: unknown file, group or choice (with the nearest names), a choice that must be given, two
/// choices for one group and package, an override or deletion that meets nothing.
[[nodiscard]] defaults_list expand_defaults(const config_source& source, const std::string& config_name,
                                            const std::vector<config_override>& overrides, open_choices open,
                                            const runtime_context& context);

}  // namespace qgrain::hydra

#endif
