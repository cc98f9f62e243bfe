// DeepSeek's FP8 blocks: the form that most engines read.
#include <export/folder/container.hpp>

namespace qgrain::exports {
namespace deepseek_format {
namespace {

namespace json = boost::json;

constexpr index_t side = 128;

std::optional<std::string> scheme_of(const stored_format& f) {
  const bool holds = f.element == element_kind::fp8 && f.is_tile_of(side) &&
                     (f.input == input_kind::none || f.input == input_kind::fp8_group);
  return holds ? std::optional(std::string("FP8_BLOCK")) : std::nullopt;
}

std::vector<planned_tensor> tensors_of(const model_linear& linear, const layer_coding& coding) {
  return {
      tensor_named(linear, "weight", lm::dtype::f8_e4m3, {linear.rows, linear.cols}, tensor_role::codes),
      tensor_named(linear, "weight_scale_inv", lm::dtype::f32, scale_shape_of(linear, coding.format),
                   tensor_role::scales),
  };
}

folder_metadata metadata_of(const folder_plan& plan, const lm::model& model) {
  json::array kept;
  for (const std::string& name : unquantized_linears(plan)) kept.push_back(json::value_from(name));
  for (const lm::linear_info& other : model.other_layers()) kept.push_back(json::value_from(other.name));
  return {{{"quant_method", "fp8"},
           {"activation_scheme", "dynamic"},
           {"weight_block_size", {side, side}},
           {"modules_to_not_convert", std::move(kept)}},
          {}};
}

}  // namespace
}  // namespace deepseek_format

const folder_container& deepseek_container() {
  static constexpr folder_container container{deepseek_format::scheme_of, deepseek_format::tensors_of,
                                              deepseek_format::metadata_of};
  return container;
}

}  // namespace qgrain::exports
