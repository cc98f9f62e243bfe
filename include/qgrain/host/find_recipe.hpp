// The names of run-time recipes. Include it in one place: it instantiates every element stage, with its codes.
#ifndef QGRAIN_HOST_FIND_RECIPE_HPP
#define QGRAIN_HOST_FIND_RECIPE_HPP

#include <qgrain/core/nearest_names.hpp>
#include <qgrain/host/coding_stage.hpp>
#include <qgrain/host/detail/recipe_names.hpp>
#include <qgrain/host/recipe.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace qgrain {

/// The recipe of a name, or nothing: "int4/group128", "fp8/tile64x32", "mxfp4_ocp"; the names of fake_recipes.hpp.
[[nodiscard]] inline std::optional<recipe> try_find_recipe(std::string_view name) {
  constexpr auto stage_of = []<class Q>(std::type_identity<Q>) { return coding_stage_of<Q>(); };
  return detail::find_by_name(name, stage_of, [&](const coding_stage& stage, const grouping& groups) {
    return recipe{std::string(name), stage, groups};
  });
}

/// The recipe of a name.
/// @throws error errc::unknown_name, naming the nearest names
[[nodiscard]] inline recipe find_recipe(std::string_view name) {
  if (std::optional<recipe> found = try_find_recipe(name)) return *std::move(found);
  detail::raise(unknown_name_error("recipe", name, detail::recipe_names()));
}

}  // namespace qgrain

#endif
