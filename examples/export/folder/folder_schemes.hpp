// The names of `--scheme` for folder targets: a weight recipe and an activation recipe each.
#ifndef QGRAIN_EXPORT_FOLDER_FOLDER_SCHEMES_HPP
#define QGRAIN_EXPORT_FOLDER_FOLDER_SCHEMES_HPP

#include <export/plan/plan.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace qgrain::exports {

struct folder_scheme {
  std::string weight;
  std::string activation;  ///< empty: none
};

/// The recipes of "W4A16", "W4A16_ASYM/group64", "FP8_DYNAMIC", ... for a target: the tool's own scale rules. Names
/// that leave the groups open take them behind a slash. Nothing for an unknown name.
[[nodiscard]] std::optional<folder_scheme> find_folder_scheme(target to, std::string_view name);

/// The names, those with open groups once with the usual ones and once as "W4A16/<granularity>".
[[nodiscard]] std::vector<std::string> folder_scheme_names(target to);

}  // namespace qgrain::exports

#endif
