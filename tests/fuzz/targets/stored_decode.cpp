// Parts of any bytes, some of another type or shape or missing, decoded by any recipe of the catalogue; and given to
// it where it takes parts.
#include <fuzz/recipe_names.hpp>

namespace stored_decode_target {

using namespace qgrain;

constexpr std::size_t most_bytes = std::size_t{1} << 18;

// As planned, but for what the byte asks to change.
void change(convert::host_tensor& part, std::uint8_t how, fuzz::reader& from) {
  convert::extents shape = part.shape;
  auto type = part.type;
  if (how >= 250) type = static_cast<convert::dtype>(from.take<std::uint8_t>() % 16);
  if (how >= 240 && how < 250 && !shape.empty()) shape.back() = from.take<std::uint8_t>();
  if (how >= 230 && how < 240) shape.push_back(1 + from.take<std::uint8_t>() % 3);
  if (how >= 220 && how < 230) std::reverse(shape.begin(), shape.end());
  part = convert::make_tensor(type, shape);
}

void run(fuzz::bytes input) {
  static const fuzz::recipes recipes = fuzz::all_recipes();
  fuzz::reader from(input);
  const convert::recipe& recipe = *recipes[from.take<std::uint16_t>() % recipes.size()];
  const convert::tensor_facts facts = fuzz::any_facts(from);
  fuzz::may_refuse([&] {
    convert::tensor_parts stored = recipe.plan(facts, {});
    const auto left_out = from.take<std::uint8_t>();
    std::size_t at = 0;
    for (auto entry = stored.begin(); entry != stored.end(); ++at) {
      change(entry->second, from.take<std::uint8_t>(), from);
      if (entry->second.bytes.size() > most_bytes) return;
      fuzz::fill(entry->second, from.rest());
      entry = left_out >= 200 && left_out % 8 == at ? stored.erase(entry) : std::next(entry);
    }
    const convert::run_settings settings;
    fuzz::may_refuse([&] { (void)recipe.decode(facts, stored, settings); });
    convert::tensor_parts given;
    for (const std::string& name : recipe.describe().takes) {
      if (const auto found = stored.find(name); found != stored.end()) given.insert(*found);
    }
    if (given.empty()) return;
    (void)recipe.plan(facts, given);
    convert::host_tensor tensor = convert::make_tensor(facts.type, facts.shape);
    fuzz::fill(tensor, from.rest());
    (void)recipe.quantize(facts, tensor, given, settings);
  });
}

const fuzz::target registered("stored_decode", run);

}  // namespace stored_decode_target
