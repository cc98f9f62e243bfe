// mix.json for the shipped model.
#include <common/json.hpp>
#include <engine/mix/mix.hpp>

#include <fuzz/fuzz.hpp>

namespace mix_target {

void run(qgrain::fuzz::bytes input) {
  using namespace qgrain;
  static const lm::model model(std::filesystem::path(QGRAIN_SOURCE_DIR) / "examples/models/tiny-qwen3");
  fuzz::may_refuse([&] {
    const boost::json::value value = common::parse_json(fuzz::text_of(input), "mix.json");
    const engine::recipe_mix mix = engine::parse_mix(value, "mix.json", model);
    (void)engine::missing_ranges(mix, model);
    fuzz::may_refuse([&] { engine::require_ranges(mix, model); });
    const auto again = engine::parse_mix(engine::mix_json(mix, model), "written", model);
    fuzz::require(engine::mix_json(again, model) == engine::mix_json(mix, model),
                  "what is written is read as the same");
  });
}

const qgrain::fuzz::target registered("mix", run);

}  // namespace mix_target
