#include <common/number_text.hpp>
#include <sweep/formats/compression.hpp>
#include <sweep/formats/modelopt_attributes.hpp>

#include <qgrain/core/status.hpp>

#include <algorithm>

namespace qgrain::sweep {
namespace {

bool is_nvfp4(const json::object& attributes) {
  const auto* bits = attributes.if_contains("num_bits");
  const auto* blocks = attributes.if_contains("block_sizes");
  if (bits == nullptr || blocks == nullptr || !blocks->is_object()) return false;
  const auto* scale_bits = blocks->get_object().if_contains("scale_bits");
  return *bits == json::value{2, 1} && scale_bits != nullptr && *scale_bits == json::value{4, 3};
}

double compression_of_attributes(const json::object& attributes) {
  const auto* enable = attributes.if_contains("enable");
  if (enable != nullptr && *enable == json::value(false)) return 1;
  const auto* bits = attributes.if_contains("num_bits");
  if (is_nvfp4(attributes)) return 4.5 / 16;
  if (bits == nullptr) return 8.0 / 16;  // the default of num_bits
  if (bits->is_array()) {
    const auto& pair = bits->get_array();
    return (pair.at(0).to_number<double>() + pair.at(1).to_number<double>() + 1) / 16;
  }
  return bits->to_number<double>() / 16;
}

double compression_of_entry(std::string_view pattern, const json::value& entry) {
  if (pattern == "*output_quantizer" || entry.is_null()) return 1;
  double least = 1;
  if (entry.is_array()) {
    for (const auto& element : entry.get_array()) least = std::min(least, compression_of_entry(pattern, element));
    return least;
  }
  if (!entry.is_object()) throw error(errc::invalid_argument, "quant_cfg[" + std::string(pattern) + "] is no mapping");
  const auto& attributes = entry.get_object();
  // the entry of a class holds patterns of its own
  const bool nested = !attributes.empty() && std::all_of(attributes.begin(), attributes.end(), [](const auto& item) {
    return item.value().is_object() && item.key() != "block_sizes" && item.key() != "bias";
  });
  if (!nested) {
    if (const auto objection = modelopt_objection(attributes); !objection.empty()) {
      throw error(errc::invalid_argument, "quant_cfg[" + std::string(pattern) + "]: " + objection);
    }
    return compression_of_attributes(attributes);
  }
  for (const auto& item : attributes) least = std::min(least, compression_of_entry(item.key(), item.value()));
  return least;
}

}  // namespace

double compression_of(const json::object& config) {
  double least = 1;
  for (const auto& entry : config.at("quant_cfg").as_object()) {
    least = std::min(least, compression_of_entry(entry.key(), entry.value()));
  }
  return least;
}

std::string format_label(std::string_view name, double compression) {
  return std::string(name) + "(effective-bits: " + common::number_text(16 * compression) + ")";
}

}  // namespace qgrain::sweep
