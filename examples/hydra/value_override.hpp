// Overrides of single values: key=value, +key=value, ++key=value, ~key.
#ifndef QGRAIN_HYDRA_VALUE_OVERRIDE_HPP
#define QGRAIN_HYDRA_VALUE_OVERRIDE_HPP

#include <hydra/node_path.hpp>
#include <hydra/override.hpp>
#include <hydra/runtime_context.hpp>

namespace qgrain::hydra {

/// Applies one override to a composed configuration. A list or dictionary merges into one that is there, by
/// `merge_into`. A change needs the key to exist; an addition needs it to be absent or null, or the value to be a list
/// or dictionary; a deletion needs it to be there, not null, and equal to the value where one is given. A list's
/// elements can be changed, not added or removed. Throws qgrain::error; the sentence begins with the override.
void apply_override(json::value& config, const config_override& parsed, const runtime_context& context);

}  // namespace qgrain::hydra

#endif
