// [base, overlay]: laid over each other, then mapped to recipes.
#include <common/json.hpp>
#include <sweep/formats/overlay.hpp>
#include <sweep/formats/recipe_mapping.hpp>

#include <fuzz/fuzz.hpp>

namespace overlay_target {

void run(qgrain::fuzz::bytes input) {
  using namespace qgrain;
  fuzz::may_refuse([&] {
    const boost::json::value root = common::parse_json(fuzz::text_of(input), "input");
    const auto* pair = root.if_array();
    if (pair == nullptr || pair->size() != 2 || !(*pair)[0].is_object() || !(*pair)[1].is_object()) return;
    const auto merged = sweep::merge_overlay((*pair)[0].get_object(), (*pair)[1].get_object());
    const sweep::recipe_catalog catalog{{}, {}, [](std::string_view) { return true; }};
    for (const auto rules : {sweep::compat::qgrain, sweep::compat::modelopt})
      fuzz::may_refuse([&] { (void)sweep::recipes_of(merged, catalog, rules); });
  });
}

const qgrain::fuzz::target registered("overlay", run);

}  // namespace overlay_target
