#include <sweep/formats/quantizer_summary.hpp>

#include <string_view>

namespace qgrain::sweep {
namespace {

std::string_view python_type(const json::value* value) {
  if (value == nullptr || value->is_null()) return "NoneType";
  if (value->is_array()) return "list";
  if (value->is_string()) return "str";
  if (value->is_bool()) return "bool";
  if (value->is_double()) return "float";
  return value->is_object() ? "dict" : "int";
}

json::object summary_of(const json::value* entry) {
  if (entry == nullptr || !entry->is_object()) return {{"value_type", python_type(entry)}};
  json::object result;
  for (const std::string_view key : {"type", "axis", "block_sizes"}) {
    if (const auto* value = entry->get_object().if_contains(key)) result[key] = *value;
  }
  return result;
}

}  // namespace

json::object quantizer_summary(const json::object& config) {
  const auto* quant_cfg = config.if_contains("quant_cfg");
  json::object result;
  for (const std::string_view key : {"*weight_quantizer", "*input_quantizer"}) {
    const bool is_mapping = quant_cfg != nullptr && quant_cfg->is_object();
    result[key] = summary_of(is_mapping ? quant_cfg->get_object().if_contains(key) : nullptr);
  }
  return result;
}

}  // namespace qgrain::sweep
