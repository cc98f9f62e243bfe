// compressed-tensors 0.20: `quantization_config` of config.json, and the tensors of each scheme.
#include <export/folder/container.hpp>

namespace qgrain::exports {
namespace compressed_tensors_format {
namespace {

namespace json = boost::json;

constexpr std::string_view written_version = "0.20.1";

bool holds_integers(const stored_format& f) {
  if (f.input == input_kind::none) return f.is_row_wise();
  if (!f.symmetric) return false;
  if (f.bits == 4 && f.input == input_kind::int8_token) return f.is_row_wise();
  if (f.bits == 4 && f.input == input_kind::fp8_token)
    return f.groups == granularity_kind::per_group && f.size.cols == 128;
  const bool is_int8_input = f.input == input_kind::int8_token || f.input == input_kind::int8_tensor;
  return f.bits == 8 && is_int8_input && f.groups != granularity_kind::per_tile;
}

bool holds_fp8(const stored_format& f) {
  if (f.groups == granularity_kind::per_group) return false;
  if (f.groups == granularity_kind::per_tile)
    return f.is_tile_of(128) && (f.input == input_kind::none || f.input == input_kind::fp8_group);
  return f.input == input_kind::none || f.input == input_kind::fp8_token || f.input == input_kind::fp8_tensor;
}

std::optional<std::string> scheme_of(const stored_format& f) {
  const bool has_input = f.input != input_kind::none;
  bool holds = false;
  switch (f.element) {
    case element_kind::integer:
      holds = holds_integers(f);
      break;
    case element_kind::fp8:
      holds = holds_fp8(f);
      break;
    case element_kind::nvfp4:
      holds = !has_input || f.input == input_kind::nvfp4;
      break;
    case element_kind::mxfp4:
      holds = !has_input || f.input == input_kind::mxfp4;
      break;
    case element_kind::mxfp8:
      holds = !has_input || f.input == input_kind::mxfp8;
      break;
  }
  return holds ? std::optional(name_of(f)) : std::nullopt;
}

bool is_packed(const stored_format& f) { return f.input == input_kind::none || f.input == input_kind::fp8_token; }

std::string_view format_name(const stored_format& f) {
  switch (f.element) {
    case element_kind::integer:
      return is_packed(f) ? "pack-quantized" : "int-quantized";
    case element_kind::fp8:
      return f.input == input_kind::none ? "naive-quantized" : "float-quantized";
    case element_kind::nvfp4:
      return "nvfp4-pack-quantized";
    case element_kind::mxfp4:
      return "mxfp4-pack-quantized";
    case element_kind::mxfp8:
      return "mxfp8-quantized";
  }
  return "";
}

// 32-bit words of a dense row of codes.
std::int64_t words_of(std::int64_t codes, int bits) { return ceil_div(codes * bits, 32); }

std::vector<planned_tensor> integer_tensors(const model_linear& linear, const layer_coding& coding) {
  const stored_format& f = coding.format;
  const lm::dtype scale_type = coding.rule.has_own_type ? linear.type : lm::dtype::f32;
  const std::vector<std::int64_t> scales = scale_shape_of(linear, f);
  std::vector<planned_tensor> tensors;
  const auto add = [&](std::string_view suffix, lm::dtype type, std::vector<std::int64_t> shape, tensor_role role) {
    tensors.push_back(tensor_named(linear, suffix, type, std::move(shape), role));
  };
  if (is_packed(f)) {
    add("weight_packed", lm::dtype::i32, {linear.rows, words_of(linear.cols, f.bits)}, tensor_role::words);
    add("weight_scale", scale_type, scales, tensor_role::scales);
    add("weight_shape", lm::dtype::i64, {2}, tensor_role::shape);
    if (!f.symmetric) {
      add("weight_zero_point", lm::dtype::i32, {words_of(linear.rows, f.bits), scales.back()},
          tensor_role::zero_points);
    }
  } else {
    add("weight", lm::dtype::i8, {linear.rows, linear.cols}, tensor_role::codes);
    add("weight_scale", scale_type, scales, tensor_role::scales);
    if (is_static(f.input)) add("input_scale", scale_type, {1}, tensor_role::input_scale);
  }
  return tensors;
}

std::vector<planned_tensor> tensors_of(const model_linear& linear, const layer_coding& coding) {
  const stored_format& f = coding.format;
  if (f.element == element_kind::integer) return integer_tensors(linear, coding);
  const std::vector<std::int64_t> scales = scale_shape_of(linear, f);
  const std::vector<std::int64_t> whole{linear.rows, linear.cols};
  const std::vector<std::int64_t> halves{linear.rows, linear.cols / 2};
  std::vector<planned_tensor> tensors;
  const auto add = [&](std::string_view suffix, lm::dtype type, std::vector<std::int64_t> shape, tensor_role role) {
    tensors.push_back(tensor_named(linear, suffix, type, std::move(shape), role));
  };
  if (f.element == element_kind::nvfp4) {
    add("weight_packed", lm::dtype::u8, halves, tensor_role::nibbles);
    add("weight_scale", lm::dtype::f8_e4m3, scales, tensor_role::scales);
    add("weight_global_scale", lm::dtype::f32, {1}, tensor_role::tensor_divisor);
    if (is_static(f.input)) add("input_global_scale", lm::dtype::f32, {1}, tensor_role::input_divisor);
  } else if (f.element == element_kind::mxfp4) {
    add("weight_packed", lm::dtype::u8, halves, tensor_role::nibbles);
    add("weight_scale", lm::dtype::u8, scales, tensor_role::scales);
  } else if (f.element == element_kind::mxfp8) {
    add("weight", lm::dtype::f8_e4m3, whole, tensor_role::codes);
    add("weight_scale", lm::dtype::u8, scales, tensor_role::scales);
  } else {
    const lm::dtype scale_type = coding.rule.has_own_type ? linear.type : lm::dtype::f32;
    add("weight", lm::dtype::f8_e4m3, whole, tensor_role::codes);
    add("weight_scale", scale_type, scales, tensor_role::scales);
    if (is_static(f.input)) add("input_scale", scale_type, {1}, tensor_role::input_scale);
  }
  return tensors;
}

json::object arguments(int bits, std::string_view type, std::string_view strategy, json::value dynamic,
                       bool symmetric = true) {
  return {{"dynamic", std::move(dynamic)}, {"group_size", nullptr},  {"num_bits", bits},
          {"strategy", strategy},          {"symmetric", symmetric}, {"type", type}};
}

json::object weight_arguments(const stored_format& f) {
  const std::string_view type = f.element == element_kind::integer ? "int" : "float";
  if (f.element == element_kind::nvfp4) {
    json::object a = arguments(4, type, "tensor_group", false);
    a["group_size"] = 16;
    return a;
  }
  std::string_view strategy = "channel";
  if (f.groups == granularity_kind::per_tensor) strategy = "tensor";
  if (f.groups == granularity_kind::per_group) strategy = "group";
  if (f.groups == granularity_kind::per_tile) strategy = "block";
  json::object a = arguments(f.bits, type, strategy, false, f.symmetric);
  if (f.groups == granularity_kind::per_group) a["group_size"] = f.size.cols;
  if (f.groups == granularity_kind::per_tile) a["block_structure"] = {f.size.rows, f.size.cols};
  // Readers before 0.20 know neither the key nor these formats.
  if (f.element == element_kind::mxfp4 || f.element == element_kind::mxfp8) a["scale_dtype"] = "torch.uint8";
  return a;
}

json::value input_arguments(input_kind input) {
  const auto grouped = [](json::object a, int size) {
    a["group_size"] = size;
    return a;
  };
  switch (input) {
    case input_kind::none:
      return nullptr;
    case input_kind::int8_token:
      return arguments(8, "int", "token", true);
    case input_kind::int8_tensor:
      return arguments(8, "int", "tensor", false);
    case input_kind::fp8_token:
      return arguments(8, "float", "token", true);
    case input_kind::fp8_tensor:
      return arguments(8, "float", "tensor", false);
    case input_kind::fp8_group:
      return grouped(arguments(8, "float", "group", true), 128);
    case input_kind::nvfp4:
      return grouped(arguments(4, "float", "tensor_group", "local"), 16);
    case input_kind::mxfp4:
    case input_kind::mxfp8: {
      json::object a = grouped(arguments(input == input_kind::mxfp4 ? 4 : 8, "float", "group", true), 32);
      a["scale_dtype"] = "torch.uint8";
      return a;
    }
  }
  return nullptr;
}

// "Linear" where it says the truth, else all names: a class name in a mix takes layers that are another group's.
json::array targets_of(const folder_plan& plan, const folder_plan::scheme_group& group) {
  const bool is_head_plain = !plan.codings.back();
  if (is_head_plain && group.linears.size() + 1 == plan.codings.size()) return {"Linear"};
  json::array names;
  for (const std::size_t l : group.linears) names.push_back(json::value_from(plan.table.layers[l].linear.name));
  return names;
}

folder_metadata metadata_of(const folder_plan& plan, const lm::model& model) {
  json::object groups;
  std::string_view format;
  for (const folder_plan::scheme_group& group : plan.groups()) {
    const std::string_view own = format_name(group.format);
    format = format.empty() || format == own ? own : "mixed-precision";
    groups["group_" + std::to_string(groups.size())] = {{"format", own},
                                                        {"input_activations", input_arguments(group.format.input)},
                                                        {"output_activations", nullptr},
                                                        {"targets", targets_of(plan, group)},
                                                        {"weights", weight_arguments(group.format)}};
  }
  json::array ignored;
  for (const std::string& name : unquantized_linears(plan)) ignored.push_back(json::value_from(name));
  for (const lm::linear_info& other : model.other_layers()) ignored.push_back(json::value_from(other.name));
  return {{{"config_groups", std::move(groups)},
           {"format", format},
           {"global_compression_ratio", nullptr},
           {"ignore", std::move(ignored)},
           {"kv_cache_scheme", nullptr},
           {"quant_method", "compressed-tensors"},
           {"quantization_status", "compressed"},
           {"sparsity_config", json::object()},
           {"transform_config", json::object()},
           {"version", written_version}},
          {}};
}

}  // namespace
}  // namespace compressed_tensors_format

const folder_container& compressed_tensors_container() {
  static constexpr folder_container container{compressed_tensors_format::scheme_of,
                                              compressed_tensors_format::tensors_of,
                                              compressed_tensors_format::metadata_of};
  return container;
}

}  // namespace qgrain::exports
