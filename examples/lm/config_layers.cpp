// What differs from layer to layer: windows, and which rotation there is.
#include <lm/config_parts.hpp>

#include <algorithm>
#include <array>

namespace qgrain::lm {
namespace {

constexpr std::string_view full = "full_attention";
constexpr std::string_view windowed = "sliding_attention";

void require_one_per_layer(const common::json_field& list, std::size_t entries, index_t layers) {
  if (static_cast<index_t>(entries) == layers) return;
  list.fail(errc::bad_file, "has " + std::to_string(entries) + " entries for " + std::to_string(layers) + " layers");
}

std::vector<bool> rotated_layers(const common::json_field& config, const model_config& out) {
  const rope_rule& rule = out.family.rope;
  std::vector<bool> rotated(static_cast<std::size_t>(out.layers), true);
  if (rule.rotated_layers.empty()) return rotated;
  if (const auto list = config.find(rule.rotated_layers)) {
    const std::vector<common::json_field> entries = list->elements();
    require_one_per_layer(*list, entries.size(), out.layers);
    for (std::size_t l = 0; l < entries.size(); ++l) {
      const auto value = entries[l].whole();
      if (value != 0 && value != 1) entries[l].must_be("0 or 1");
      rotated[l] = value == 1;
    }
    return rotated;
  }
  const index_t interval = count_at(config, rule.unrotated_interval, rule.unrotated_interval_missing);
  for (index_t l = 0; l < out.layers; ++l) rotated[static_cast<std::size_t>(l)] = (l + 1) % interval != 0;
  return rotated;
}

// Keys that a query sees in the layers with a window; 0 where no layer has one.
index_t window_of(const common::json_field& config, const model_config& out) {
  const window_rule& rule = out.family.windows;
  const bool has_flag = config.flag("use_sliding_window");
  if (rule.where == window_rule::layers::none) {
    if (has_flag)
      refuse_setting(config, "use_sliding_window is not supported: " + std::string(out.family.name) + " has no window");
    return 0;
  }
  if (rule.needs_flag && !has_flag) return 0;
  if (!says(config, "sliding_window")) return rule.missing;
  return count_at(config, "sliding_window", 0);
}

// Which layers have a window by the family's rule.
std::vector<bool> windowed_by_rule(const common::json_field& config, const model_config& out,
                                   const std::vector<bool>& rotated) {
  using enum window_rule::layers;
  const window_rule& rule = out.family.windows;
  std::vector<bool> has_window(static_cast<std::size_t>(out.layers), rule.where == all);
  index_t first = 0;
  if (rule.where == from_max_window_layers) {
    const auto field = config.find("max_window_layers");
    first = field ? field->count() : rule.max_window_layers;
  }
  const index_t interval = rule.where != all_but_every ? 1
                           : rule.interval_key.empty() ? rule.interval
                                                       : count_at(config, rule.interval_key, rule.interval);
  for (index_t l = 0; l < out.layers; ++l) {
    const auto at = static_cast<std::size_t>(l);
    if (rule.where == from_max_window_layers) has_window[at] = l >= first;
    if (rule.where == unrotated) has_window[at] = !rotated[at];
    if (rule.where == all_but_every) has_window[at] = (l + 1) % interval != 0;
  }
  return has_window;
}

// `layer_types`, where it is there; it has the last word in families that follow it and must agree in others.
void apply_layer_types(const common::json_field& config, const model_config& out, index_t window,
                       std::vector<bool>& has_window) {
  const auto list = config.find("layer_types");
  if (!list) return;
  const window_rule& rule = out.family.windows;
  const std::vector<common::json_field> types = list->elements();
  require_one_per_layer(*list, types.size(), out.layers);
  for (std::size_t l = 0; l < types.size(); ++l) {
    const std::string_view type = types[l].string();
    if (type != full && type != windowed)
      refuse_setting(*list, not_supported("layer type", type, std::array{full, windowed}));
    const bool is_windowed = type == windowed;
    if (!rule.by_layer_types && is_windowed != (has_window[l] && window > 0)) {
      types[l].fail(errc::unsupported, "is \"" + std::string(type) + "\", which " + std::string(out.family.name) +
                                           " does not follow: its layers are all alike");
    }
    if (is_windowed && window == 0 && !rule.needs_flag)
      types[l].fail(errc::bad_file, "is \"" + std::string(type) + "\", but there is no sliding_window");
    has_window[l] = is_windowed;
  }
}

// Layers in which experts stand in the place of the MLP.
std::vector<bool> sparse_layers(const common::json_field& config, const model_config& out) {
  std::vector<bool> sparse(static_cast<std::size_t>(out.layers), out.experts > 0);
  if (!out.family.experts.some_dense) return sparse;
  const index_t step = count_at(config, "decoder_sparse_step", 1);
  for (index_t l = 0; l < out.layers; ++l) {
    if ((l + 1) % step != 0) sparse[static_cast<std::size_t>(l)] = false;
  }
  if (const auto list = config.find("mlp_only_layers")) {
    for (const common::json_field& entry : list->elements()) {
      const index_t layer = entry.count();
      if (layer >= out.layers) entry.must_be("the number of a layer, below " + std::to_string(out.layers));
      sparse[static_cast<std::size_t>(layer)] = false;
    }
  }
  return sparse;
}

}  // namespace

void read_experts(const common::json_field& config, model_config& out) {
  const expert_rule& rule = out.family.experts;
  if (rule.count_key.empty()) return;
  out.experts = count_at(config, rule.count_key, rule.count);
  out.experts_per_token = count_at(config, "num_experts_per_tok", rule.per_token);
  out.expert_width = count_at(config, rule.width_key, rule.width);
  out.normalized_experts = rule.normalized_key.empty() || config.flag(rule.normalized_key);
  if (out.experts_per_token > out.experts) {
    throw error(errc::bad_file, config.place() + ": num_experts_per_tok is " + std::to_string(out.experts_per_token) +
                                    " of " + std::to_string(out.experts) + " experts");
  }
}

void read_layer_rules(const common::json_field& config, model_config& out) {
  const std::vector<bool> rotated = rotated_layers(config, out);
  const index_t window = window_of(config, out);
  const std::vector<bool> sparse = sparse_layers(config, out);
  std::vector<bool> has_window = windowed_by_rule(config, out, rotated);
  apply_layer_types(config, out, window, has_window);
  for (std::size_t l = 0; l < rotated.size(); ++l) {
    // The rotation of layers with a window holds there whether or not the window is smaller than the text.
    const index_t own = has_window[l] && out.rotations.size() > 1 ? 1 : 0;
    out.layer_rules.push_back({has_window[l] ? window : 0, rotated[l] ? own : layer_rule::unrotated, sparse[l]});
  }
}

}  // namespace qgrain::lm
