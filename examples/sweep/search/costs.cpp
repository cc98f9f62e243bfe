#include <recipes/fake_recipes.hpp>
#include <recipes/unquantized.hpp>
#include <sweep/search/costs.hpp>

#include <qgrain/core/nearest_names.hpp>
#include <qgrain/core/status.hpp>

#include <array>

namespace qgrain::sweep {
namespace {

constexpr std::array<std::string_view, 2> model_names{"nominal", "stored"};

}  // namespace

std::string_view name_of(cost_model how) noexcept { return model_names[static_cast<std::size_t>(how)]; }

cost_model cost_model_from(std::string_view name) {
  for (const cost_model how : {cost_model::nominal, cost_model::stored}) {
    if (name_of(how) == name) return how;
  }
  throw unknown_name_error("cost model", name, model_names);
}

std::vector<double> layer_costs(const layer_list& layers, cost_model how, double compression,
                                std::string_view weight_recipe) {
  std::vector<double> costs;
  if (how == cost_model::nominal) {
    for (const double size : layers.sizes) costs.push_back(size * compression);
    return costs;
  }
  if (weight_recipe == recipes::unquantized) return layers.sizes;
  const fake_recipe recipe = recipes::find_fake_recipe(weight_recipe);
  if (layers.shapes.size() != layers.names.size()) {
    throw error(errc::invalid_shape, "stored costs need the shape of each of " + std::to_string(layers.names.size()) +
                                         " layers, found " + std::to_string(layers.shapes.size()));
  }
  for (const shape2d shape : layers.shapes) costs.push_back(static_cast<double>(recipe.stored_bytes(shape)) / 2);
  return costs;
}

}  // namespace qgrain::sweep
