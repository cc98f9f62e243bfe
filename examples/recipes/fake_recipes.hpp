// Run-time fake quantizers by name, compiled once: including the library's host/fake_recipes.hpp instantiates every
// element stage for every instruction set.
#ifndef QGRAIN_RECIPES_FAKE_RECIPES_HPP
#define QGRAIN_RECIPES_FAKE_RECIPES_HPP

#include <qgrain/host/fake_recipe.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace qgrain::recipes {

/// As qgrain::fake_recipe_names().
[[nodiscard]] std::vector<std::string> fake_recipe_names();

/// As qgrain::try_find_fake_recipe(name).
[[nodiscard]] std::optional<fake_recipe> try_find_fake_recipe(std::string_view name);

/// As qgrain::find_fake_recipe(name).
/// @throws error errc::unknown_name, naming the nearest names
[[nodiscard]] fake_recipe find_fake_recipe(std::string_view name);

}  // namespace qgrain::recipes

#endif
