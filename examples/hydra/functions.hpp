// The functions of override values: casts (int, float, str, bool), sweeps (choice, range, interval, glob) and sort,
// shuffle, tag.
#ifndef QGRAIN_HYDRA_FUNCTIONS_HPP
#define QGRAIN_HYDRA_FUNCTIONS_HPP

#include <hydra/sweep_value.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace qgrain::hydra {

struct function_arguments {
  std::vector<override_value> positional;
  std::vector<std::pair<std::string, override_value>> named;
};

/// The value of name(arguments) by the rules of Hydra 1.3: arguments that are quoted texts count as their characters,
/// casts go through lists, dictionary values and sweeps, a shuffled list has an order that depends on its length only.
/// Throws errc::unknown_name for an unknown function and errc::invalid_argument for arguments that do not fit; the
/// sentence begins with the function's name.
[[nodiscard]] override_value call_function(std::string_view name, function_arguments arguments);

}  // namespace qgrain::hydra

#endif
