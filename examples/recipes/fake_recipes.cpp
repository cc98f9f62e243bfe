#include <recipes/fake_recipes.hpp>

#include <qgrain/host/fake_recipes.hpp>

namespace qgrain::recipes {

std::vector<std::string> fake_recipe_names() { return qgrain::fake_recipe_names(); }

std::optional<fake_recipe> try_find_fake_recipe(std::string_view name) { return qgrain::try_find_fake_recipe(name); }

fake_recipe find_fake_recipe(std::string_view name) { return qgrain::find_fake_recipe(name); }

}  // namespace qgrain::recipes
