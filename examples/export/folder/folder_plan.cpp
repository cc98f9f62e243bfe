#include <lm/model.hpp>

#include <qgrain/core/status.hpp>

#include <algorithm>
#include <export/folder/container.hpp>
#include <export/folder/folder_plan.hpp>
#include <export/folder/folder_schemes.hpp>
#include <export/plan/input_folds.hpp>
#include <map>
#include <set>

namespace qgrain::exports {
namespace {

// A choice by recipes, also where it named a scheme.
folder_scheme recipes_of(const layer_choice& choice, target to) {
  std::optional<folder_scheme> scheme = find_folder_scheme(to, choice.weight);
  if (!scheme) return {choice.weight, choice.activation};
  if (!choice.activation.empty()) scheme->activation = choice.activation;
  return *scheme;
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : " or ") + name;
  return text;
}

// The sentence for a recipe that has no place.
std::string where_it_fits(const stored_format& format) {
  const std::vector<std::string> others = targets_with(format);
  if (others.empty()) return "no target of --to has a place for it";
  return joined(others) + (others.size() == 1 ? " has" : " have");
}

// Per group, rows have to end on whole groups.
std::optional<std::string> grouping_fault(const model_linear& linear, const stored_format& f) {
  if (f.groups != granularity_kind::per_group || linear.cols % f.size.cols == 0) return std::nullopt;
  return "groups of " + std::to_string(f.size.cols) + " do not divide the " + std::to_string(linear.cols) + " columns";
}

class folder_planner {
 public:
  folder_planner(const folder_settings& settings, folder_plan& plan)
      : container_(container_of(settings.to)), settings_(settings), plan_(plan) {}

  void add(const model_linear& linear, const layer_choice& choice) {
    planned_layer layer{linear, choice, {}, {}, {}};
    std::optional<layer_coding> coding = coding_of(linear, choice);
    if (!coding && choice.is_quantized()) without_place_.insert(plan_.codings.size());
    if (coding) {
      layer.scheme = *container_.scheme_of(coding->format);
      layer.recipe = coding->rule.recipe;
      layer.tensors = container_.tensors_of(linear, *coding);
    } else if (!linear.is_tied || settings_.untie) {
      layer.tensors = {tensor_named(linear, "weight", linear.type, {linear.rows, linear.cols}, tensor_role::values)};
    }
    plan_.table.layers.push_back(std::move(layer));
    plan_.codings.push_back(std::move(coding));
  }

  void finish(input_folds folds) {
    for (const std::size_t l : folds.into_norms) {
      notes_.add(plan_.table.layers[l].linear.name,
                 "the input scale is multiplied into the norm before, which is written in float32: engines that hold "
                 "norms in the type of the model round it");
    }
    plan_.norm_factors = std::move(folds.norms);
    for (auto& [before, fold] : folds.rows) multiply_rows(before, std::move(fold));
    for (std::string& sentence : folds.refusals.sentences()) plan_.table.refusals.add(std::move(sentence));
    for (std::string& sentence : refused_.sentences()) plan_.table.refusals.add(std::move(sentence));
    for (const auto& [activation, layers] : without_range_) refuse_without_range(activation, layers);
    compare_fused_parts();
    compare_experts();
    share_ranges();
    if (settings_.to == target::deepseek_fp8) note_quantized_inputs();
    plan_.table.notes = notes_.sentences();
  }

 private:
  std::optional<layer_coding> coding_of(const model_linear& linear, const layer_choice& choice) {
    if (!choice.is_quantized()) return std::nullopt;
    const auto refuse = [&](const std::string& why) {
      refused_.add(linear.name, why);
      return std::nullopt;
    };
    const folder_scheme recipes = recipes_of(choice, settings_.to);
    const std::string to(name_of(settings_.to));
    if (recipes.weight.empty())
      return refuse("activations as " + recipes.activation + " need a quantized weight: " + to + " has no such layer");
    std::optional<weight_rule> rule = find_weight_rule(recipes.weight);
    if (!rule) return refuse("no folder target has a format for " + recipes.weight + "; gguf may");
    const std::optional<input_kind> input = find_input_kind(recipes.activation);
    if (!input) return refuse("no engine knows activations as " + recipes.activation);
    layer_coding coding{std::move(*rule), {}, 0, {}};
    coding.format = coding.rule.format;
    coding.format.input = *input;
    const bool fits = container_.scheme_of(coding.format).has_value();
    if (!fits) {
      refuse(to + " has no place for " + name_of(coding.format) + " (" + recipes.weight +
             (recipes.activation.empty() ? "" : "; " + recipes.activation) + "); " + where_it_fits(coding.format));
    }
    if (const auto fault = grouping_fault(linear, coding.format)) refuse(*fault);
    coding.column_divisors = choice.input_scale;
    if (linear.is_tied && !settings_.untie)
      refuse("the head is tied, and engines drop its tensors; leave it unquantized or --untie it");
    if (is_static(*input)) take_range(linear, choice, recipes.activation, coding);
    if (!fits) return std::nullopt;
    return coding;
  }

  // Scales of rows take a factor each, and the scored values stay what they are.
  void multiply_rows(std::size_t before, row_fold fold) {
    std::optional<layer_coding>& coding = plan_.codings[before];
    if (coding && coding->rule.source == code_source::scored && coding->format.is_row_wise()) {
      coding->row_factors = std::move(fold.factors);
      return;
    }
    refused_.add(plan_.table.layers[fold.reader].linear.name,
                 "its input scale belongs into the scales of the Linear before, which has none of float32 for its rows "
                 "or groups, as int4/group128 of the sweep has, and there is no place for one that is not folded");
  }

  void take_range(const model_linear& linear, const layer_choice& choice, const std::string& activation,
                  layer_coding& coding) {
    if (choice.input_amax.empty()) {
      without_range_[activation].push_back(linear.name);
      return;
    }
    coding.input_amax = *std::max_element(choice.input_amax.begin(), choice.input_amax.end());
  }

  void refuse_without_range(const std::string& activation, const std::vector<std::string>& layers) {
    constexpr std::size_t most_named = 16;
    std::string names;
    for (std::size_t i = 0; i < std::min(layers.size(), most_named); ++i) names += (i > 0 ? ", " : "") + layers[i];
    if (layers.size() > most_named) names += " and " + std::to_string(layers.size() - most_named) + " more";
    plan_.table.refusals.add("activations as " + activation + " need the range of the input of " + names +
                             ": give it as \"input_amax\" in the mix, or --text FILE to find it");
  }

  // Numbers of the Linears by the layer that engines make of them.
  [[nodiscard]] std::map<std::string, std::vector<std::size_t>> fused_layers() const {
    std::map<std::string, std::vector<std::size_t>> layers;
    for (std::size_t l = 0; l < plan_.table.layers.size(); ++l) layers[plan_.table.layers[l].linear.fused].push_back(l);
    return layers;
  }

  [[nodiscard]] std::string text_of(std::size_t l) const {
    return plan_.codings[l] ? name_of(plan_.codings[l]->format) : "not quantized";
  }

  // Engines make one layer of q, k and v and one of gate and up.
  void compare_fused_parts() {
    std::map<std::string, std::vector<std::string>> differing;  // sentences by the two schemes
    for (const auto& [whole, parts] : fused_layers()) {
      for (const std::size_t l : parts) {
        if (without_place_.contains(parts.front()) || without_place_.contains(l)) continue;  // refused already
        const auto& first = plan_.codings[parts.front()];
        const auto& own = plan_.codings[l];
        if (first.has_value() == own.has_value() && (!own || own->format == first->format)) continue;
        differing[text_of(parts.front()) + ", " + text_of(l)].push_back(
            plan_.table.layers[parts.front()].linear.name + " is " + text_of(parts.front()) + ", " +
            plan_.table.layers[l].linear.name + " is " + text_of(l) + ": engines make one layer of them (" + whole +
            "), which has one scheme");
        break;
      }
    }
    for (const auto& [schemes, sentences] : differing) {
      const std::size_t others = sentences.size() - 1;
      plan_.table.refusals.add(sentences.front() +
                               (others == 0 ? "" : ", as in " + std::to_string(others) + " more that differ so"));
    }
  }

  // And one of all experts of a layer.
  void compare_experts() {
    std::map<std::string, std::size_t> first_of;
    std::set<std::string> refused;
    for (std::size_t l = 0; l < plan_.table.layers.size(); ++l) {
      const model_linear& linear = plan_.table.layers[l].linear;
      if (linear.experts.empty() || without_place_.contains(l)) continue;
      const std::size_t first = first_of.try_emplace(linear.experts, l).first->second;
      if (text_of(first) == text_of(l) || !refused.insert(linear.experts).second) continue;
      refused_experts_.add(linear.experts, plan_.table.layers[first].linear.name.substr(linear.experts.size() + 1) +
                                               " is " + text_of(first) + ", " +
                                               linear.name.substr(linear.experts.size() + 1) + " is " + text_of(l) +
                                               ": engines make one layer of a layer's experts, which has one scheme");
    }
    for (std::string& sentence : refused_experts_.sentences()) plan_.table.refusals.add(std::move(sentence));
  }

  void share_ranges() {
    for (const auto& [whole, parts] : fused_layers()) {
      if (parts.size() < 2 || !plan_.codings[parts.front()]) continue;
      const layer_coding first = *plan_.codings[parts.front()];
      if (is_static(first.format.input)) share_inputs(parts);
      if (!first.format.has_tensor_range()) continue;
      const std::string& name = plan_.table.layers[parts.front()].linear.name;
      if (first.format.element != element_kind::nvfp4 && first.rule.source != code_source::scored) {
        notes_.add(name,
                   "a scale for each of q, k, v and of gate, up, as the tool writes them: engines take the largest and "
                   "quantize the others a second time; the sweep's recipes share the range");
        continue;
      }
      for (const std::size_t l : parts) {
        if (plan_.codings[l]) plan_.codings[l]->shares_range_with = parts;
      }
      const auto is_scored_so = [&](std::size_t l) { return plan_.table.layers[l].choice.has_shared_range; };
      if (std::all_of(parts.begin(), parts.end(), is_scored_so)) continue;
      notes_.add(name,
                 "engines keep one scale of the tensor for q, k, v and one for gate, up: it is made of the largest "
                 "range, so that parts with a smaller one have other values than they would have alone");
    }
  }

  void share_inputs(const std::vector<std::size_t>& parts) {
    float largest = 0;
    bool differ = false;
    for (const std::size_t l : parts) {
      if (!plan_.codings[l]) continue;
      differ = differ || (largest != 0 && plan_.codings[l]->input_amax != largest);
      largest = std::max(largest, plan_.codings[l]->input_amax);
    }
    for (const std::size_t l : parts) {
      if (plan_.codings[l]) plan_.codings[l]->input_amax = largest;
    }
    if (differ) {
      notes_.add(plan_.table.layers[parts.front()].linear.name,
                 "the parts of one layer have ranges of their own for the same input: the largest is written for all");
    }
  }

  // Its metadata has one scheme for all layers, whose inputs are quantized in any case.
  void note_quantized_inputs() {
    for (std::size_t l = 0; l < plan_.codings.size(); ++l) {
      if (plan_.codings[l] && plan_.codings[l]->format.input == input_kind::none) {
        notes_.add(plan_.table.layers[l].linear.name,
                   "activations were to stay as they are, but engines quantize them to fp8 in groups of 128");
      }
    }
  }

  const folder_container& container_;
  const folder_settings& settings_;
  folder_plan& plan_;
  layer_remarks refused_;
  layer_remarks refused_experts_;
  layer_remarks notes_;
  std::map<std::string, std::vector<std::string>> without_range_;
  std::set<std::size_t> without_place_;
};

}  // namespace

std::string activation_of(const layer_choice& choice, target to) { return recipes_of(choice, to).activation; }

bool lacks_range(const layer_choice& choice, target to) {
  if (!choice.is_quantized() || !choice.input_amax.empty()) return false;
  const std::optional<input_kind> input = find_input_kind(activation_of(choice, to));
  return input && is_static(*input);
}

std::vector<folder_plan::scheme_group> folder_plan::groups() const {
  std::vector<scheme_group> found;
  for (std::size_t l = 0; l < codings.size(); ++l) {
    if (!codings[l]) continue;
    const auto same =
        std::find_if(found.begin(), found.end(), [&](const scheme_group& g) { return g.format == codings[l]->format; });
    if (same == found.end()) {
      found.push_back({codings[l]->format, {l}});
    } else {
      same->linears.push_back(l);
    }
  }
  return found;
}

folder_plan plan_folder(const lm::model& model, std::span<const layer_choice> choices,
                        const folder_settings& settings) {
  folder_plan plan;
  plan.settings = settings;
  plan.table.to = settings.to;
  if (model.tensors().files().empty()) {
    throw error(errc::unsupported,
                model.tensors().name() + ": " + std::string(name_of(settings.to)) + " is written from a model folder");
  }
  const std::vector<model_linear> linears = linears_of(model);
  if (choices.size() != linears.size()) {
    throw error(errc::invalid_argument,
                std::to_string(choices.size()) + " choices for " + std::to_string(linears.size()) + " Linears");
  }
  folder_planner planner(plan.settings, plan);
  for (std::size_t i = 0; i < linears.size(); ++i) planner.add(linears[i], choices[i]);
  planner.finish(fold_input_scales(model, choices));
  if (plan.groups().empty() && plan.table.refusals.empty())
    plan.table.refusals.add("nothing is quantized: copy the folder instead");
  return plan;
}

}  // namespace qgrain::exports
