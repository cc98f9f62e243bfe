#include <recipes/unquantized.hpp>
#include <sweep/formats/quant_dtypes.hpp>

#include <qgrain/core/status.hpp>

#include <algorithm>

namespace qgrain::sweep {
namespace {

json::object table_of(const json::object& file, std::string_view key, std::string_view name) {
  const auto* table = file.if_contains(key);
  const bool fits = table != nullptr && table->is_object() &&
                    std::all_of(table->get_object().begin(), table->get_object().end(),
                                [](const auto& entry) { return entry.value().is_object(); });
  if (!fits) throw error(errc::bad_file, std::string(name) + " needs " + std::string(key) + ", a mapping of mappings");
  return table->get_object();
}

std::string upper(std::string text) {
  for (char& c : text) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return text;
}

}  // namespace

quant_dtypes::quant_dtypes(const json::object& file, std::string_view name)
    : weights_(table_of(file, "weight", name)), activations_(table_of(file, "activation", name)) {
  for (const auto& w : weights_) {
    for (const auto& a : activations_) {
      if (w.key() == recipes::unquantized && a.key() == recipes::unquantized) continue;
      dtype_pair pair{std::string(w.key()), std::string(a.key())};
      pairs_.emplace("w" + pair.weight + "_a" + pair.activation, std::move(pair));
    }
  }
}

json::object quant_dtypes::quant_cfg(const dtype_pair& pair) const {
  return {{"*weight_quantizer", weights_.at(pair.weight)}, {"*input_quantizer", activations_.at(pair.activation)}};
}

std::string base_format_name(const dtype_pair& pair) {
  if (pair.activation == recipes::unquantized) return upper(pair.weight) + "_WEIGHT_ONLY_CFG";
  if (pair.weight == recipes::unquantized) return upper(pair.activation) + "_ACT_ONLY_CFG";
  return upper(pair.weight) + "_WEIGHT_" + upper(pair.activation) + "_ACT_CFG";
}

json::object pair_choice(std::string_view name, const dtype_pair& pair) {
  return {{"name", name},
          {"weight", pair.weight},
          {"activation", pair.activation},
          {"format_name", base_format_name(pair)},
          {"experimental", true}};
}

}  // namespace qgrain::sweep
