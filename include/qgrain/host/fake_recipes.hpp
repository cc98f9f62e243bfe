// The names of run-time fake quantizers. Include it in one place: it instantiates every element stage.
#ifndef QGRAIN_HOST_FAKE_RECIPES_HPP
#define QGRAIN_HOST_FAKE_RECIPES_HPP

#include <qgrain/core/nearest_names.hpp>
#include <qgrain/host/detail/recipe_names.hpp>
#include <qgrain/host/fake_recipe.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace qgrain {

/// The recipe names that lists and error messages show. Any other group or tile size works too: "int4/group48",
/// "fp8/tile64x32".
[[nodiscard]] inline std::vector<std::string> fake_recipe_names() { return detail::recipe_names(); }

/// The recipe of a name, or nothing.
[[nodiscard]] inline std::optional<fake_recipe> try_find_fake_recipe(std::string_view name) {
  constexpr auto stage_of = []<class Q>(std::type_identity<Q>) { return element_stage_of<Q>(); };
  return detail::find_by_name(name, stage_of, [&](const element_stage& stage, const grouping& groups) {
    return fake_recipe{std::string(name), stage, groups};
  });
}

/// The recipe of a name.
/// @throws error errc::unknown_name, naming the nearest names
[[nodiscard]] inline fake_recipe find_fake_recipe(std::string_view name) {
  if (std::optional<fake_recipe> recipe = try_find_fake_recipe(name)) return *std::move(recipe);
  detail::raise(unknown_name_error("recipe", name, fake_recipe_names()));
}

}  // namespace qgrain

#endif
