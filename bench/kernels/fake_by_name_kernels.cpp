// Fake quantization by recipes that are chosen when the program runs, as the driver uses them.
#include <kernels/kernel.hpp>
#include <recipes/fake_recipes.hpp>

#include <qgrain/host/fake_recipe.hpp>

#include <memory>
#include <string>
#include <vector>

namespace qgrain::bench {
namespace {

[[nodiscard]] kernel by_name(const std::string& name) {
  const fake_recipe recipe = recipes::find_fake_recipe(name);
  kernel k;
  k.work = "fake_quantize_by_name";
  k.recipe = name;
  k.element = "f32";
  k.scale = recipe.elements.scale;
  k.layout = "values";
  k.note = recipe.range_count(1) > 0 ? "ranges of the tensor or its columns are given" : "";
  k.takes_threads = false;
  k.bytes = [](shape2d s) { return traffic{s.elements() * 4, s.elements() * 4}; };
  k.prepare = [recipe](tensors& memory, const on_host&) -> std::function<void()> {
    const auto ranges = std::make_shared<std::vector<float>>(absmax_ranges(recipe, memory.input()));
    return [recipe, ranges, x = memory.input(), y = memory.output()] { fake_quantize(recipe, x, y, *ranges); };
  };
  return k;
}

}  // namespace

void add_fake_by_name(kernel_list& kernels) {
  std::vector<std::string> names = {"int8/per_tensor", "int8/per_token_dynamic", "int8/per_hidden_channel",
                                    "int8/group32",    "int4/group128",          "int4/group48",
                                    "fp8/per_tensor",  "fp8/per_token_dynamic",  "fp8/per_in_channel",
                                    "fp8/group32",     "fp8/tile128x128"};
  for (const std::string& name : recipes::fake_recipe_names()) {
    if (name.find('/') == std::string::npos) names.push_back(name);
  }
  for (const std::string& name : names) kernels.push_back(by_name(name));
}

}  // namespace qgrain::bench
