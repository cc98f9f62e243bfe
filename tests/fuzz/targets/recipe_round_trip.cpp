// A tensor of any bits through any recipe of the catalogue: refused, or codes lie in the range of their bits, parts are
// those of the plan, and what was made can be decoded.
#include <fuzz/recipe_names.hpp>

namespace recipe_round_trip_target {

using namespace qgrain;

void require_codes_in_range(const convert::tensor_parts& parts, int bits) {
  const convert::host_tensor* codes = convert::find_part(parts, "codes");
  if (codes == nullptr || bits < 1 || bits > 8) return;
  for (const std::byte raw : codes->bytes) {
    const int code = codes->type == convert::dtype::i8 ? static_cast<int>(static_cast<std::int8_t>(raw))
                                                       : static_cast<int>(std::to_integer<std::uint8_t>(raw));
    if (codes->type == convert::dtype::i8) {
      fuzz::require(code >= -(1 << (bits - 1)) && code < 1 << (bits - 1), "signed codes lie in range");
    } else if (codes->type == convert::dtype::u8) {
      fuzz::require(code < 1 << bits, "unsigned codes lie in range");
    }
  }
}

void run(fuzz::bytes input) {
  static const fuzz::recipes recipes = fuzz::all_recipes();
  fuzz::reader from(input);
  const convert::recipe& recipe = *recipes[from.take<std::uint16_t>() % recipes.size()];
  const convert::tensor_facts facts = fuzz::any_facts(from);
  fuzz::may_refuse([&] {
    const convert::tensor_parts plan = recipe.plan(facts, {});
    convert::host_tensor tensor = convert::make_tensor(facts.type, facts.shape);
    fuzz::fill(tensor, from.rest());
    const convert::run_settings settings{.where = {}, .count_clipped = true};
    const convert::quantized_tensor made = recipe.quantize(facts, tensor, {}, settings);
    for (const auto& [name, part] : plan) {
      const convert::host_tensor* own = convert::find_part(made.parts, name);
      fuzz::require(own != nullptr && own->type == part.type && own->shape == part.shape,
                    "parts are those of the plan");
    }
    require_codes_in_range(made.parts, recipe.describe().code_bits);
    (void)recipe.decode(facts, made.parts, settings);
  });
}

const fuzz::target registered("recipe_round_trip", run);

}  // namespace recipe_round_trip_target
