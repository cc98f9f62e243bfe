#include <engine/measure/verification.hpp>
#include <engine/mix/mix.hpp>
#include <lm/rows.hpp>
#include <lm/tokenizer.hpp>
#include <lm/tokenizer/text_lines.hpp>
#include <recipes/fake_recipes.hpp>

#include <export/choices/input_ranges.hpp>
#include <export/folder/folder_plan.hpp>

namespace qgrain::exports {

void find_input_ranges(const lm::model& model, std::span<layer_choice> choices, target to,
                       const std::filesystem::path& text, thread_pool& pool) {
  engine::recipe_mix mix;
  mix.linears.resize(choices.size());
  mix.input_amax.resize(choices.size());
  mix.input_scale.resize(choices.size());
  bool is_needed = false;
  for (std::size_t l = 0; l < choices.size(); ++l) {
    if (!lacks_range(choices[l], to)) continue;
    is_needed = true;
    mix.linears[l].activation = recipes::try_find_fake_recipe(activation_of(choices[l], to));
    mix.linears[l].weight = recipes::try_find_fake_recipe(choices[l].weight);
    if (!choices[l].calibration.empty()) mix.linears[l].calibration = engine::find_calibration(choices[l].calibration);
    mix.input_scale[l] = choices[l].input_scale;
  }
  if (!is_needed) return;
  const lm::tokenizer tokenizer = lm::tokenizer::of_model(model.tensors().name());
  const lm::packed_rows rows = lm::pack(lm::encode_lines(tokenizer, text), {}, model.config().vocabulary);
  mix = engine::calibrated_mix(model, rows, std::move(mix), pool);
  for (std::size_t l = 0; l < choices.size(); ++l) {
    if (!mix.input_amax[l].empty()) choices[l].input_amax = mix.input_amax[l];
  }
}

}  // namespace qgrain::exports
