// The catalogue's recipes under every granularity that they take, by name.
#ifndef QGRAIN_TESTS_FUZZ_RECIPE_NAMES_HPP
#define QGRAIN_TESTS_FUZZ_RECIPE_NAMES_HPP

#include <quantize/recipe.hpp>

#include <fuzz/fuzz.hpp>
#include <memory>

namespace qgrain::fuzz {

using recipes = std::vector<std::unique_ptr<convert::recipe>>;

[[nodiscard]] inline recipes all_recipes() {
  recipes found;
  const auto add = [&](const std::string& name) { may_refuse([&] { found.push_back(convert::find_recipe(name)); }); };
  constexpr std::string_view placeholder = "<granularity>";
  for (const convert::recipe_description& row : convert::list_recipes()) {
    const std::size_t at = row.name.find(placeholder);
    if (at == std::string::npos) {
      add(row.name);
      continue;
    }
    for (const std::string_view groups : {"per_tensor", "per_out_channel", "per_in_channel", "per_token", "group32",
                                          "group64", "axis1", "axis0/block32", "tile16x16"}) {
      std::string name = row.name;
      add(name.replace(at, placeholder.size(), groups));
    }
  }
  require(found.size() > 100, "the catalogue has recipes under every granularity");
  return found;
}

/// A tensor's facts, of any small shape and one of three types.
[[nodiscard]] inline convert::tensor_facts any_facts(reader& from) {
  constexpr convert::dtype types[] = {convert::dtype::f32, convert::dtype::bf16, convert::dtype::f16};
  convert::tensor_facts facts{"input", types[from.take<std::uint8_t>() % 3], {}};
  const auto rank = from.take<std::uint8_t>();
  std::int64_t elements = 1;
  for (int d = 0; d < rank % 4; ++d) {
    const auto extent = static_cast<std::int64_t>(from.take<std::uint8_t>());
    // Multiples of a block more often than not.
    facts.shape.push_back(rank < 128 && d == rank % 4 - 1 ? extent % 5 * 32 : extent % 40);
    elements *= facts.shape.back();
  }
  if (elements > 1 << 14) facts.shape.assign(1, 64);
  return facts;
}

/// Fills a tensor with what comes, over and over where that is less.
inline void fill(convert::host_tensor& tensor, bytes content) {
  if (content.empty()) return;
  for (std::size_t i = 0; i < tensor.bytes.size(); ++i)
    tensor.bytes[i] = static_cast<std::byte>(content[i % content.size()]);
}

}  // namespace qgrain::fuzz

#endif
