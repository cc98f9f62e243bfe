#include <sweep/results/format_choice.hpp>
#include <sweep/results/quant_recipe.hpp>

#include <qgrain/core/status.hpp>

#include <algorithm>
#include <array>
#include <vector>

namespace qgrain::sweep {
namespace {

constexpr std::string_view per_channel_range = "/per_hidden_channel";

// The choices with their formats; null: left as it is.
struct resolved_choice {
  std::string layer;
  const manifest_format* format = nullptr;
};

std::vector<resolved_choice> resolve(const json::object& manifest, const std::vector<manifest_format>& formats) {
  const std::vector<layer_choice> choices = layer_choices(manifest);
  if (choices.empty()) throw error(errc::bad_file, "the manifest has no autoquant_state.candidate_stats");
  std::vector<resolved_choice> resolved;
  for (const layer_choice& choice : choices) {
    if (is_none(choice.label)) {
      resolved.push_back({choice.layer});
      continue;
    }
    const auto found = std::find_if(formats.begin(), formats.end(),
                                    [&](const manifest_format& format) { return format.label == choice.label; });
    if (found == formats.end()) {
      throw error(errc::bad_file, "the manifest's formats do not list " + choice.label + " of " + choice.layer);
    }
    resolved.push_back({choice.layer, &*found});
  }
  return resolved;
}

std::string as_pattern(std::string_view name) {
  std::string pattern;
  for (const char c : name) {
    if (c == '*' || c == '?' || c == '[') {
      pattern.append({'[', c, ']'});
    } else {
      pattern += c;
    }
  }
  return pattern;
}

const json::value& attributes_in(const manifest_format& format, std::string_view key) {
  static const json::value nothing;
  for (const std::string_view name : {key, std::string_view("default")}) {
    if (const auto* entry = format.quant_cfg.if_contains(name)) return *entry;
  }
  return nothing;
}

json::object modelopt_attributes(const json::object& given, bool takes_range_from_batch) {
  const auto* format = given.if_contains("format");
  const bool is_named = format != nullptr && !format->is_null();
  json::object attributes;
  const auto* bits = given.if_contains("num_bits");
  attributes["num_bits"] = is_named ? *format : bits != nullptr ? *bits : json::value(8);
  if (is_named) attributes["backend"] = "qgrain";
  for (const auto& [key, value] : given) {
    if (key != "enable" && key != "format" && key != "num_bits") attributes[key] = value;
  }
  if (takes_range_from_batch) attributes["type"] = "dynamic";
  return attributes;
}

json::object off_entry(std::string name) { return {{"quantizer_name", std::move(name)}, {"enable", false}}; }

json::object quantizer_entry(const resolved_choice& choice, std::string_view quantizer) {
  std::string name = as_pattern(choice.layer) + "." + std::string(quantizer);
  if (choice.format == nullptr) return off_entry(std::move(name));
  const json::value& given = attributes_in(*choice.format, std::string("*").append(quantizer));
  if (given.is_null()) return off_entry(std::move(name));
  if (!given.is_object()) {
    throw error(errc::bad_file, "the quantizer " + std::string(quantizer) + " of " + choice.format->label +
                                    " in the manifest's formats is no mapping");
  }
  const json::object& attributes = given.get_object();
  const auto* enable = attributes.if_contains("enable");
  if (enable != nullptr && *enable == json::value(false)) return off_entry(std::move(name));
  const bool from_batch = quantizer == "input_quantizer" && choice.format->activation.ends_with("/per_tensor_dynamic");
  return {{"quantizer_name", std::move(name)}, {"enable", true}, {"cfg", modelopt_attributes(attributes, from_batch)}};
}

json::value named_algorithm(const manifest_format& format) {
  constexpr std::array<std::string_view, 3> shared{"max", "smoothquant", "awq_lite"};
  const auto* method = &format.algorithm;
  bool has_settings = false;
  if (method->is_object()) {
    has_settings = method->get_object().size() > 1;
    method = format.algorithm.get_object().if_contains("method");
  }
  if (method == nullptr || method->is_null()) {
    return has_calibrated_range(format.activation) ? json::value("max") : json::value();
  }
  const bool is_shared =
      method->is_string() && std::find(shared.begin(), shared.end(), method->get_string()) != shared.end();
  if (!is_shared) return "max";
  return has_settings ? format.algorithm : *method;
}

json::value common_algorithm(const std::vector<resolved_choice>& choices) {
  const manifest_format* first = nullptr;
  for (const resolved_choice& choice : choices) {
    if (choice.format == nullptr || choice.format == first) continue;
    if (first == nullptr) {
      first = choice.format;
    } else if (named_algorithm(*choice.format) != named_algorithm(*first)) {
      return "max";
    }
  }
  return first == nullptr ? json::value() : named_algorithm(*first);
}

}  // namespace

json::object quant_recipe(const json::object& manifest) {
  const std::vector<manifest_format> formats = formats_of(manifest);
  const std::vector<resolved_choice> choices = resolve(manifest, formats);
  json::array entries{off_entry("*")};
  for (const resolved_choice& choice : choices) {
    entries.push_back(quantizer_entry(choice, "weight_quantizer"));
    entries.push_back(quantizer_entry(choice, "input_quantizer"));
  }
  return {{"quant_cfg", std::move(entries)}, {"algorithm", common_algorithm(choices)}};
}

bool has_calibrated_range(std::string_view activation) noexcept {
  return activation.ends_with("/per_tensor_static") || activation.ends_with(per_channel_range) ||
         activation.starts_with("nvfp4");  // its second scale is the tensor's
}

}  // namespace qgrain::sweep
