#include <common/json.hpp>
#include <engine/mix/mix.hpp>
#include <quantize/recipe.hpp>
#include <recipes/fake_recipes.hpp>
#include <recipes/unquantized.hpp>

#include <qgrain/core/status.hpp>

#include <export/choices/choices.hpp>
#include <export/folder/folder_schemes.hpp>
#include <export/gguf/gguf_scheme.hpp>
#include <functional>
#include <map>

namespace qgrain::exports {
namespace {

// Whether the mix's own reader knows a weight.
bool is_of_sweep(const std::string& name) {
  return name == recipes::unquantized || recipes::try_find_fake_recipe(name).has_value();
}

// Whether it does not, but an export has a place for it.
bool is_of_export(const std::string& name, target to) {
  if (is_of_sweep(name)) return false;
  if (to == target::gguf ? find_gguf_scheme(name).has_value() : find_folder_scheme(to, name).has_value()) return true;
  try {
    (void)convert::find_recipe(name);
    return true;
  } catch (const error&) {
    return false;
  }
}

// Takes out of a mix the weights whose names are not its own reader's.
std::map<std::string, std::string, std::less<>> take_names(boost::json::value& mix,
                                                           const std::function<bool(const std::string&)>& is_other) {
  std::map<std::string, std::string, std::less<>> taken;
  boost::json::object* document = mix.if_object();
  boost::json::value* linears = document == nullptr ? nullptr : document->if_contains("linears");
  if (linears == nullptr || !linears->is_object()) return taken;
  for (auto& [name, entry] : linears->get_object()) {
    boost::json::value* weight = entry.is_object() ? entry.get_object().if_contains("weight") : nullptr;
    if (weight == nullptr || !weight->is_string()) continue;
    std::string recipe(weight->get_string());
    if (!is_other(recipe)) continue;
    taken.emplace(name, std::move(recipe));
    *weight = recipes::unquantized;
  }
  return taken;
}

}  // namespace

std::vector<layer_choice> read_choices(const std::filesystem::path& mix, const lm::model& model, target to) {
  boost::json::value document = common::read_json_file(mix);
  const auto others = take_names(document, [&](const std::string& name) { return is_of_export(name, to); });
  const engine::recipe_mix read = engine::parse_mix(document, mix.string(), model);
  std::vector<layer_choice> choices(read.linears.size());
  for (std::size_t l = 0; l < choices.size(); ++l) {
    const engine::linear_recipes& linear = read.linears[l];
    layer_choice& choice = choices[l];
    if (linear.weight) choice.weight = linear.weight->name;
    if (const auto found = others.find(model.linears()[l].name); found != others.end()) choice.weight = found->second;
    if (linear.activation) choice.activation = linear.activation->name;
    if (linear.calibration != engine::calibration_method::max) choice.calibration = name_of(linear.calibration);
    choice.input_amax = read.input_amax[l];
    choice.has_shared_range = read.weight_range_of(l).has_value();
    choice.input_scale.assign(read.scale_of(l).begin(), read.scale_of(l).end());
  }
  return choices;
}

bool has_foreign_names(const std::filesystem::path& mix) {
  boost::json::value document = common::read_json_file(mix);
  return !take_names(document, [](const std::string& name) { return !is_of_sweep(name); }).empty();
}

std::vector<layer_choice> choices_of_scheme(const lm::model& model, const std::string& scheme,
                                            const std::string& head) {
  std::vector<layer_choice> choices(model.linears().size());
  for (std::size_t l = 0; l < choices.size(); ++l) {
    const std::string& chosen = l == static_cast<std::size_t>(model.head_linear()) ? head : scheme;
    if (chosen != recipes::unquantized && !model.is_router(static_cast<lm::index_t>(l))) choices[l].weight = chosen;
  }
  return choices;
}

}  // namespace qgrain::exports
