#include <sweep/formats/modelopt_attributes.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

namespace qgrain::sweep {
namespace {

constexpr std::array<std::string_view, 7> flags{"enable",     "fake_quant", "unsigned",        "narrow_range",
                                                "learn_amax", "rotate",     "pass_through_bwd"};
using exponent_mantissa = std::pair<std::int64_t, std::int64_t>;
constexpr std::array<exponent_mantissa, 6> float_formats{{{4, 3}, {5, 2}, {2, 1}, {1, 2}, {3, 2}, {2, 3}}};

// Numbers as the model coerces them: integral floats, bools and digits in text count as integers.
std::optional<std::int64_t> as_integer(const json::value& value) {
  if (value.is_int64()) return value.get_int64();
  if (value.is_bool()) return value.get_bool() ? 1 : 0;
  if (value.is_double()) {
    const double number = value.get_double();
    const bool whole = std::abs(number) < 1e15 && std::nearbyint(number) == number;
    return whole ? std::optional(static_cast<std::int64_t>(number)) : std::nullopt;
  }
  if (!value.is_string()) return std::nullopt;
  const std::string_view text = value.get_string();
  const std::string_view digits = text.substr(text.starts_with('-') ? 1 : 0);
  if (digits.empty() || digits.size() > 9 || digits.find_first_not_of("0123456789") != std::string_view::npos) {
    return std::nullopt;
  }
  return std::stoll(std::string(text));
}

bool is_integer_key(std::string_view key) { return as_integer(json::string(key)).has_value(); }

bool only_enables(const json::value& value) {
  if (value.is_array()) return std::any_of(value.get_array().begin(), value.get_array().end(), only_enables);
  if (!value.is_object()) return false;
  const auto& object = value.get_object();
  if (object.size() == 1 && object.contains("enable") && object.at("enable") == json::value(true)) return true;
  return std::any_of(object.begin(), object.end(), [](const auto& entry) { return only_enables(entry.value()); });
}

std::string objection_to_block_sizes(const json::object& blocks) {
  std::size_t lengths = 0;
  for (const auto& entry : blocks) {
    const std::string_view key = entry.key();
    if (key == "type" || key == "scale_bits" || key == "scale_block_sizes") continue;
    if (!is_integer_key(key)) return "block_sizes has the key '" + std::string(key) + "', which names no dimension";
    if (!entry.value().is_null() && !entry.value().is_int64()) return "a block length is neither an integer nor null";
    ++lengths;
  }
  const auto* type = blocks.if_contains("type");
  if (type != nullptr && *type == "dynamic" && lengths != 1) return "dynamic blocks need exactly one dimension";
  return {};
}

std::string objection_to_num_bits(const json::value& num_bits, const json::value* blocks) {
  if (!num_bits.is_array()) {
    const auto bits = as_integer(num_bits);
    return bits && *bits >= 1 ? "" : "num_bits is neither a positive integer nor a pair";
  }
  const auto& pair = num_bits.get_array();
  if (pair.size() != 2 || !as_integer(pair[0]) || !as_integer(pair[1])) return "num_bits is no pair of integers";
  const exponent_mantissa wanted{*as_integer(pair[0]), *as_integer(pair[1])};
  if (std::find(float_formats.begin(), float_formats.end(), wanted) == float_formats.end()) {
    return "num_bits names no floating-point format";
  }
  if (wanted == exponent_mantissa{4, 3}) return {};
  const bool is_mapping = blocks != nullptr && blocks->is_object();
  const auto* type = is_mapping ? blocks->get_object().if_contains("type") : nullptr;
  return type != nullptr && *type == "dynamic" ? "" : "floating-point formats other than (4, 3) need dynamic blocks";
}

std::string objection_to_axis(const json::value& axis) {
  if (axis.is_null() || as_integer(axis)) return {};
  if (!axis.is_array()) return "axis is neither an integer, a list of integers nor null";
  const auto& list = axis.get_array();
  const bool integers = std::all_of(list.begin(), list.end(), [](const auto& v) { return as_integer(v).has_value(); });
  return integers ? "" : "axis lists something that is no integer";
}

std::string objection_to_bias(const json::value& bias) {
  if (bias.is_null()) return {};
  if (!bias.is_object()) return "bias is no mapping";
  std::size_t dimensions = 0;
  for (const auto& entry : bias.get_object()) {
    const std::string_view key = entry.key();
    if (key == "type") {
      if (entry.value() != "static" && entry.value() != "dynamic") return "bias.type is neither static nor dynamic";
    } else if (key == "method") {
      if (entry.value() != "mean" && entry.value() != "max_min") return "bias.method is neither mean nor max_min";
    } else if (!is_integer_key(key)) {
      return "bias has the key '" + std::string(key) + "', which names no dimension";
    } else {
      ++dimensions;
    }
  }
  return dimensions > 0 ? "" : "bias names no dimension";
}

std::string objection_to_attribute(std::string_view name, const json::value& value, const json::object& attributes) {
  if (std::find(flags.begin(), flags.end(), name) != flags.end()) {
    if (!value.is_bool()) return std::string(name) + " is neither true nor false";
    return name == "learn_amax" && value.get_bool() ? "learn_amax must stay false" : "";
  }
  if (name == "num_bits") return objection_to_num_bits(value, attributes.if_contains("block_sizes"));
  if (name == "axis") return objection_to_axis(value);
  if (name == "block_sizes") {
    if (value.is_null()) return {};
    return value.is_object() ? objection_to_block_sizes(value.get_object())
                             : "block_sizes is neither a mapping nor null";
  }
  if (name == "type") return value == "static" || value == "dynamic" ? "" : "type is neither static nor dynamic";
  if (name == "format") return value.is_string() ? "" : "format is no text";
  if (name == "bias") return objection_to_bias(value);
  if (name == "calibrator")
    return value.is_string() && value != "max" && value != "histogram" ? "unknown calibrator" : "";
  if (name == "trt_high_precision_dtype") {
    return value == "Float" || value == "Half" || value == "BFloat16" ? "" : "unknown trt_high_precision_dtype";
  }
  return "there is no attribute " + std::string(name);
}

}  // namespace

std::string modelopt_objection(const json::object& attributes) {
  if (only_enables(attributes)) return "{enable: true} alone says nothing about the quantizer";
  for (const auto& entry : attributes) {
    if (auto objection = objection_to_attribute(entry.key(), entry.value(), attributes); !objection.empty()) {
      return objection;
    }
  }
  const auto* axis = attributes.if_contains("axis");
  const auto* blocks = attributes.if_contains("block_sizes");
  if (blocks == nullptr || blocks->is_null() || axis == nullptr || axis->is_null()) return {};
  return "axis must be null where block_sizes is set";
}

}  // namespace qgrain::sweep
