// "Did you mean": the known names that a wrong one may have meant.
#ifndef QGRAIN_SWEEP_CONFIG_NEAREST_NAMES_HPP
#define QGRAIN_SWEEP_CONFIG_NEAREST_NAMES_HPP

#include <string>
#include <string_view>
#include <vector>

namespace qgrain::sweep::config {

/// The names among `known` that need the fewest edits (insert, delete, replace, swap of neighbours; at most a third of
/// the longer name, and one at least), nearest first, equally near ones by name; at most three.
[[nodiscard]] std::vector<std::string> nearest_names(std::string_view name, const std::vector<std::string>& known);

/// The end of a sentence about an unknown name: "; did you mean a, b?", or "; there are a, b, c" where none is near,
/// or nothing where none is known.
[[nodiscard]] std::string suggestion(std::string_view name, const std::vector<std::string>& known);

}  // namespace qgrain::sweep::config

#endif
