// ModelOpt's unified Hugging Face checkpoint: `hf_quant_config.json`, the same in config.json, and the tensors.
#include <algorithm>
#include <array>
#include <export/folder/container.hpp>
#include <set>

namespace qgrain::exports {
namespace modelopt_format {
namespace {

namespace json = boost::json;

json::object producer() { return {{"name", "modelopt"}, {"version", "0.47.0"}}; }

struct algorithm {
  std::string_view name;        // of quantized_layers
  std::string_view whole_name;  // where it is the only one
  element_kind element;
  granularity_kind groups;
  input_kind input;
  int group_size;  // as metadata says it; 0: it does not
  bool has_config_group;
};
constexpr std::array<algorithm, 6> algorithms{{
    {"FP8", "FP8", element_kind::fp8, granularity_kind::per_tensor, input_kind::fp8_tensor, 0, true},
    {"FP8_PER_CHANNEL_PER_TOKEN", "FP8_PER_CHANNEL_PER_TOKEN", element_kind::fp8, granularity_kind::per_out_channel,
     input_kind::fp8_token, 0, false},
    {"FP8_PB_WO", "fp8_pb_wo", element_kind::fp8, granularity_kind::per_tile, input_kind::none, 0, false},
    {"NVFP4", "NVFP4", element_kind::nvfp4, granularity_kind::per_group, input_kind::nvfp4, 16, true},
    {"W4A16_NVFP4", "W4A16_NVFP4", element_kind::nvfp4, granularity_kind::per_group, input_kind::none, 16, true},
    {"MXFP8", "MXFP8", element_kind::mxfp8, granularity_kind::per_group, input_kind::mxfp8, 32, false},
}};

const algorithm* find_algorithm(const stored_format& f) {
  for (const algorithm& a : algorithms) {
    if (a.element != f.element || a.groups != f.groups) continue;
    if (f.groups == granularity_kind::per_tile && !f.is_tile_of(128)) continue;
    // Engines quantize the inputs of blocks in any case.
    if (a.input == f.input || (f.groups == granularity_kind::per_tile && f.input == input_kind::fp8_group)) return &a;
  }
  return nullptr;
}

std::optional<std::string> scheme_of(const stored_format& f) {
  const algorithm* found = find_algorithm(f);
  return found == nullptr ? std::nullopt : std::optional(std::string(found->name));
}

std::vector<std::int64_t> shape_of_scales(const model_linear& linear, const stored_format& f) {
  const shape2d scales = f.scales({linear.rows, linear.cols});
  if (f.groups == granularity_kind::per_tensor) return {};
  if (f.groups == granularity_kind::per_out_channel) return {scales.rows};
  if (f.groups != granularity_kind::per_tile) return {scales.rows, scales.cols};
  if (scales.elements() == 1) return {};
  return {scales.rows, 1, scales.cols, 1};
}

std::vector<planned_tensor> tensors_of(const model_linear& linear, const layer_coding& coding) {
  const stored_format& f = coding.format;
  std::vector<planned_tensor> tensors;
  const auto add = [&](std::string_view suffix, lm::dtype type, std::vector<std::int64_t> shape, tensor_role role) {
    tensors.push_back(tensor_named(linear, suffix, type, std::move(shape), role));
  };
  if (f.element == element_kind::nvfp4) {
    add("weight", lm::dtype::u8, {linear.rows, linear.cols / 2}, tensor_role::nibbles);
    add("weight_scale", lm::dtype::f8_e4m3, shape_of_scales(linear, f), tensor_role::scales);
    add("weight_scale_2", lm::dtype::f32, {}, tensor_role::tensor_scale);
  } else {
    const lm::dtype scale_type = f.element == element_kind::mxfp8 ? lm::dtype::u8 : lm::dtype::f32;
    add("weight", lm::dtype::f8_e4m3, {linear.rows, linear.cols}, tensor_role::codes);
    add("weight_scale", scale_type, shape_of_scales(linear, f), tensor_role::scales);
  }
  if (is_static(f.input)) add("input_scale", lm::dtype::f32, {}, tensor_role::input_scale);
  return tensors;
}

json::object config_group(const algorithm& a, json::array targets) {
  json::object elements{{"dynamic", false}, {"num_bits", a.element == element_kind::nvfp4 ? 4 : 8}, {"type", "float"}};
  if (a.group_size > 0) elements["group_size"] = a.group_size;
  json::object group;
  if (a.input != input_kind::none) group["input_activations"] = elements;
  group["weights"] = std::move(elements);
  group["targets"] = std::move(targets);
  return group;
}

json::array sorted_names(std::vector<std::string> names) {
  std::sort(names.begin(), names.end());
  json::array sorted;
  for (const std::string& name : names) sorted.push_back(json::value_from(name));
  return sorted;
}

// What engines are to leave alone. Vision towers have no names that the language model begins with too, so that a
// pattern stands for all of one.
json::array excluded_modules(const folder_plan& plan, const lm::model& model) {
  std::vector<std::string> names = unquantized_linears(plan);
  names.push_back(std::string(model.config().family.tensor_prefix) + "embed_tokens");
  std::set<std::string> others;
  for (const lm::linear_info& other : model.other_layers()) {
    const std::size_t first = other.name.find('.');
    const std::size_t second = first == std::string::npos ? first : other.name.find('.', first + 1);
    others.insert(other.name.substr(0, second) + "*");
  }
  names.insert(names.end(), others.begin(), others.end());
  return sorted_names(std::move(names));
}

folder_metadata uniform(const algorithm& a, const folder_plan& plan, const lm::model& model) {
  const json::array excluded = excluded_modules(plan, model);
  folder_metadata made;
  if (a.has_config_group) made.quantization_config["config_groups"] = {{"group_0", config_group(a, {"Linear"})}};
  made.quantization_config["ignore"] = excluded;
  made.quantization_config["quant_algo"] = a.whole_name;
  json::object quantization{{"quant_algo", a.whole_name}, {"kv_cache_quant_algo", nullptr}};
  if (a.group_size > 0) quantization["group_size"] = a.group_size;
  quantization["exclude_modules"] = excluded;
  made.hf_quant_config = {{"producer", producer()}, {"quantization", std::move(quantization)}};
  return made;
}

folder_metadata mixed(const folder_plan& plan, const std::vector<folder_plan::scheme_group>& groups) {
  json::object layers;
  for (std::size_t l = 0; l < plan.codings.size(); ++l) {
    if (!plan.codings[l]) continue;
    const algorithm& a = *find_algorithm(plan.codings[l]->format);
    json::object entry{{"quant_algo", a.name}};
    if (a.group_size > 0) entry["group_size"] = a.group_size;
    layers[plan.table.layers[l].linear.name] = std::move(entry);
  }
  json::object config_groups;
  for (const folder_plan::scheme_group& group : groups) {
    std::vector<std::string> names;
    for (const std::size_t l : group.linears) names.push_back(plan.table.layers[l].linear.name);
    config_groups["group_" + std::to_string(config_groups.size())] =
        config_group(*find_algorithm(group.format), sorted_names(std::move(names)));
  }
  folder_metadata made;
  made.quantization_config = {{"config_groups", std::move(config_groups)},
                              {"quantized_layers", layers},
                              {"ignore", json::array()},
                              {"quant_algo", "MIXED_PRECISION"}};
  made.hf_quant_config = {
      {"producer", producer()},
      {"quantization",
       {{"quant_algo", "MIXED_PRECISION"}, {"kv_cache_quant_algo", nullptr}, {"quantized_layers", std::move(layers)}}}};
  return made;
}

folder_metadata metadata_of(const folder_plan& plan, const lm::model& model) {
  const std::vector<folder_plan::scheme_group> groups = plan.groups();
  folder_metadata made =
      groups.size() == 1 ? uniform(*find_algorithm(groups.front().format), plan, model) : mixed(plan, groups);
  made.quantization_config["producer"] = producer();
  made.quantization_config["quant_method"] = "modelopt";
  return made;
}

}  // namespace
}  // namespace modelopt_format

const folder_container& modelopt_container() {
  static constexpr folder_container container{modelopt_format::scheme_of, modelopt_format::tensors_of,
                                              modelopt_format::metadata_of};
  return container;
}

}  // namespace qgrain::exports
