#include <common/json.hpp>
#include <recipes/unquantized.hpp>
#include <sweep/formats/modelopt_attributes.hpp>
#include <sweep/formats/recipe_mapping.hpp>

#include <qgrain/core/nearest_names.hpp>
#include <qgrain/core/status.hpp>

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

namespace qgrain::sweep {
namespace {

using common::find_member;

[[noreturn]] void unsupported(const std::string& attribute, const std::string& why) {
  throw error(errc::unsupported, attribute + ": " + why);
}

std::string shown(const json::value& value) { return json::serialize(value); }

bool has(const json::object& attributes, std::string_view key, std::string_view text) {
  const auto* value = find_member(attributes, key);
  return value != nullptr && value->is_string() && std::string_view(value->get_string()) == text;
}

// Attributes that have one supported value only.
void check_fixed_attributes(const json::object& attributes) {
  constexpr std::pair<std::string_view, bool> fixed[] = {
      {"narrow_range", false}, {"unsigned", false}, {"fake_quant", true}, {"rotate", false}};
  for (const auto& [key, wanted] : fixed) {
    const auto* value = find_member(attributes, key);
    if (value != nullptr && *value != json::value(wanted)) {
      unsupported(std::string(key), std::string("no compiled recipe has it ") + (wanted ? "false" : "true"));
    }
  }
  if (find_member(attributes, "bias") != nullptr) unsupported("bias", "no compiled recipe has one");
  if (has(attributes, "calibrator", "histogram")) unsupported("calibrator", "only max is built in, not histogram");
}

// Block lengths of a matrix or a batch of rows. Dimension -1 is the last; for weights 1 and 0 are the same as -1 and
// -2.
struct block_lengths {
  std::optional<json::value> last;
  std::optional<json::value> rows;
};

block_lengths lengths_of(const json::object& blocks, quantizer_role role) {
  block_lengths result;
  const bool is_weight = role == quantizer_role::weight;
  for (const auto& entry : blocks) {
    const std::string_view key = entry.key();
    if (key == "type" || key == "scale_bits") continue;
    if (key == "-1" || (is_weight && key == "1")) {
      result.last = entry.value();
    } else if (is_weight && (key == "-2" || key == "0")) {
      result.rows = entry.value();
    } else {
      unsupported("block_sizes", "no compiled recipe has blocks along " + std::string(key));
    }
  }
  return result;
}

// What remains of granularity attributes once blocks over whole dimensions are read as an axis.
struct granularity {
  json::value axis;                    // null, or one dimension that keeps its own scales
  std::optional<std::int64_t> length;  // blocks along the last dimension
  std::optional<std::int64_t> height;  // and across rows
  bool per_token = false;
};

std::int64_t positive(const json::value& length) {
  if (!length.is_int64() || length.get_int64() < 1) unsupported("block_sizes", shown(length) + " is no block length");
  return length.get_int64();
}

granularity granularity_of_blocks(const json::object& blocks, quantizer_role role) {
  const auto lengths = lengths_of(blocks, role);
  const bool last_whole = lengths.last && lengths.last->is_null();
  const bool rows_whole = lengths.rows && lengths.rows->is_null();
  granularity result;
  if (!lengths.last && !lengths.rows) unsupported("block_sizes", "it names no dimension");
  if ((last_whole && lengths.rows && !rows_whole) || (rows_whole && lengths.last && !last_whole)) {
    unsupported("block_sizes", "null beside a block length has no compiled recipe");
  }
  if (last_whole || rows_whole) {
    // one scale for all of the named dimensions: the others keep their own, and the words in block_sizes are void
    if (role == quantizer_role::activation) {
      result.per_token = true;
    } else if (last_whole != rows_whole) {
      result.axis = last_whole ? 0 : 1;
    }
    return result;
  }
  if (!lengths.last) unsupported("block_sizes", "blocks across rows only have no compiled recipe");
  result.length = positive(*lengths.last);
  if (lengths.rows) result.height = positive(*lengths.rows);
  return result;
}

granularity granularity_of(const json::object& attributes, quantizer_role role) {
  if (const auto* blocks = find_member(attributes, "block_sizes"))
    return granularity_of_blocks(blocks->as_object(), role);
  granularity result;
  if (const auto* axis = find_member(attributes, "axis")) {
    const bool single = axis->is_array() && axis->get_array().size() == 1;
    result.axis = single ? axis->get_array()[0] : *axis;
  }
  return result;
}

// Elements whose blocks are scaled on the fly: MX with an e8m0 scale, NVFP4 with an e4m3 one.
std::string dynamic_block_name(const json::object& attributes, std::int64_t length, compat rules) {
  const auto& bits = attributes.contains("num_bits") ? attributes.at("num_bits") : json::value(8);
  const auto* scale = find_member(attributes.at("block_sizes").as_object(), "scale_bits");
  if (scale == nullptr) unsupported("block_sizes.scale_bits", "dynamic blocks need it");
  if (*scale == json::value{4, 3}) {
    if (bits != json::value{2, 1})
      unsupported("num_bits", shown(bits) + " with e4m3 block scales is not compiled, [2,1] is");
    // ModelOpt computes the preset with 32 in blocks of 16, too (docs/differences.md)
    if (length != 16 && length != 32 && rules != compat::modelopt) {
      unsupported("block_sizes", "NVFP4 has blocks of 16, not of " + std::to_string(length));
    }
    return "nvfp4_modelopt";
  }
  if (*scale != json::value{8, 0}) unsupported("block_sizes.scale_bits", shown(*scale) + " is neither [8,0] nor [4,3]");
  if (length != 32) unsupported("block_sizes", "MX formats have blocks of 32, not of " + std::to_string(length));
  const std::pair<json::value, const char*> formats[] = {{{2, 1}, "mxfp4_rceil"},      {{3, 2}, "mxfp6_e3m2_rceil"},
                                                         {{2, 3}, "mxfp6_e2m3_rceil"}, {{4, 3}, "mxfp8_e4m3_rceil"},
                                                         {{5, 2}, "mxfp8_e5m2_rceil"}, {8, "mxint8_rceil"}};
  for (const auto& [wanted, name] : formats) {
    if (bits == wanted) return name;
  }
  unsupported("num_bits", shown(bits) + " is no MX format");
}

std::string dtype_name(const json::object& attributes) {
  if (const auto* format = find_member(attributes, "format")) {
    if (*format == "nf4" || *format == "fp8_e5m2") return std::string(format->get_string());
    unsupported("format", shown(*format) + " is neither \"nf4\" nor \"fp8_e5m2\"");
  }
  const auto* bits = find_member(attributes, "num_bits");
  if (bits == nullptr) return "int8";
  if (bits->is_int64()) return "int" + std::to_string(bits->get_int64());
  if (*bits == json::value{4, 3}) return "fp8";
  unsupported("num_bits", shown(*bits) + " exists in dynamic blocks only");
}

std::string weight_granularity(const granularity& of) {
  if (of.length) {
    const auto columns = std::to_string(*of.length);
    return of.height ? "tile" + std::to_string(*of.height) + "x" + columns : "group" + columns;
  }
  if (of.axis.is_null()) return "per_tensor";
  if (of.axis == 0 || of.axis == -2) return "per_out_channel";
  if (of.axis == 1 || of.axis == -1) return "per_in_channel";
  unsupported("axis",
              shown(of.axis) + " has no compiled recipe; 0 (per output channel) and 1 (per input channel) have");
}

std::string activation_granularity(const granularity& of, const json::object& attributes, const json::value& algorithm,
                                   compat rules) {
  const bool dynamic = has(attributes, "type", "dynamic");
  if (of.per_token) {
    if (!dynamic) unsupported("type", "a range per token must be dynamic: the number of tokens changes");
    return "per_token_dynamic";
  }
  if (of.length) {
    if (!dynamic) unsupported("type", "blocks of activations must be dynamic: the number of tokens changes");
    return "group" + std::to_string(*of.length);
  }
  const bool calibrated = !algorithm.is_null() || (rules != compat::modelopt && has(attributes, "type", "static"));
  if (of.axis.is_null()) return dynamic || !calibrated ? "per_tensor_dynamic" : "per_tensor_static";
  if (of.axis != -1) unsupported("axis", shown(of.axis) + " has no compiled recipe; -1 (per hidden channel) has");
  if (dynamic) unsupported("type", "a range per hidden channel must be static");
  return "per_hidden_channel";
}

// The value of each parameter of a method that is built in.
struct built_in_parameter {
  std::string_view method;
  std::string_view key;
  double value;
};
constexpr built_in_parameter built_in_parameters[] = {
    {"percentile", "percentile", 99.99}, {"mse", "step_size", 0.1},   {"mse", "start_multiplier", 0.25},
    {"mse", "stop_multiplier", 4.0},     {"smoothquant", "alpha", 1}, {"awq_lite", "alpha_step", 0.1}};

void check_parameters(std::string_view method, const json::object& algorithm) {
  for (const auto& entry : algorithm) {
    const std::string_view key = entry.key();
    const json::value& value = entry.value();
    if (key == "method" || value.is_null()) continue;
    const auto is_it = [&](const built_in_parameter& p) {
      return p.method == method && p.key == key && value.is_number() && value.to_number<double>() == p.value;
    };
    if (std::none_of(std::begin(built_in_parameters), std::end(built_in_parameters), is_it)) {
      unsupported("algorithm." + std::string(key), shown(value) + " is not built in for " + std::string(method));
    }
  }
}

const json::value& entry_of(const json::object& quant_cfg, std::string_view key) {
  static const json::value nothing;
  if (const auto* entry = find_member(quant_cfg, key)) return *entry;
  const auto* fallback = find_member(quant_cfg, "default");
  return fallback != nullptr ? *fallback : nothing;
}

// Whether an entry of quant_cfg quantizes nothing: attributes that are off, or such entries by pattern below a class.
bool is_off(const json::value& entry) {
  if (entry.is_null()) return true;
  if (!entry.is_object()) return false;
  const json::object& object = entry.get_object();
  if (const auto* enable = find_member(object, "enable")) return *enable == json::value(false);
  return !object.empty() &&
         std::all_of(object.begin(), object.end(), [](const auto& inner) { return is_off(inner.value()); });
}

void check_other_quantizers(const json::object& quant_cfg) {
  for (const auto& entry : quant_cfg) {
    const std::string_view key = entry.key();
    if (key == "*weight_quantizer" || key == "*input_quantizer" || key == "default" || is_off(entry.value())) continue;
    unsupported(
        std::string(key),
        "only *weight_quantizer and *input_quantizer of all Linears are built in; outputs, attention, KV cache, "
        "convolutions and patterns of single layers are not");
  }
}

std::string checked_name(quantizer_role role, std::string_view key, const json::object& config,
                         const recipe_catalog& catalog, compat rules) {
  const std::string listed =
      "; compiled are " + join_names(role == quantizer_role::weight ? catalog.weights : catalog.activations);
  std::string name;
  try {
    name = recipe_name(role, entry_of(config.at("quant_cfg").as_object(), key), config.at("algorithm"), rules);
  } catch (const error& e) {
    throw error(e.code(), std::string(key) + "." + e.what() + listed);
  }
  if (name == recipes::unquantized || catalog.has(name)) return name;
  throw error(errc::unsupported, std::string(key) + " needs the recipe " + name + ", which is not compiled" + listed);
}

}  // namespace

std::string recipe_name(quantizer_role role, const json::value& attributes, const json::value& algorithm,
                        compat rules) {
  if (attributes.is_array()) unsupported("num_bits", "quantizers in sequence (a list) have no compiled recipe");
  if (!attributes.is_null() && !attributes.is_object()) unsupported("attributes", "the entry is no mapping");
  const json::object object = attributes.is_null() ? json::object() : attributes.get_object();
  if (const auto* enable = find_member(object, "enable"); enable != nullptr && *enable == json::value(false))
    return std::string(recipes::unquantized);
  if (const auto objection = modelopt_objection(object); !objection.empty()) unsupported("attributes", objection);
  check_fixed_attributes(object);
  static_cast<void>(calibration_of(algorithm));
  const auto grain = granularity_of(object, role);
  const auto* blocks = find_member(object, "block_sizes");
  const bool dynamic_blocks = grain.length && has(blocks->get_object(), "type", "dynamic");
  if (dynamic_blocks && find_member(object, "format") != nullptr)
    unsupported("format", "dynamic blocks go by num_bits");
  if (dynamic_blocks) return dynamic_block_name(object, *grain.length, rules);
  if (grain.length && find_member(blocks->get_object(), "scale_bits") != nullptr) {
    unsupported("block_sizes.scale_bits", "static blocks have unquantized scales");
  }
  const auto dtype = dtype_name(object);
  return dtype + "/" +
         (role == quantizer_role::weight ? weight_granularity(grain)
                                         : activation_granularity(grain, object, algorithm, rules));
}

std::string calibration_of(const json::value& algorithm) {
  const auto* method = algorithm.is_object() ? algorithm.get_object().if_contains("method") : &algorithm;
  const bool is_text = method != nullptr && method->is_string();
  const std::string name = is_text ? std::string(method->get_string()) : "max";
  const bool is_known =
      method != nullptr && (is_text || method->is_null()) &&
      std::find(calibration_methods.begin(), calibration_methods.end(), name) != calibration_methods.end();
  if (!is_known)
    unsupported("algorithm", shown(algorithm) + " is not built in; null, " + join_names(calibration_methods) + " are");
  if (algorithm.is_object()) check_parameters(name, algorithm.get_object());
  return name;
}

recipe_pair recipes_of(const json::object& config, const recipe_catalog& catalog, compat rules) {
  const json::value* attributes = config.if_contains("quant_cfg");
  if (attributes == nullptr || !attributes->is_object()) throw error(errc::bad_file, "quant_cfg must be a mapping");
  if (!config.contains("algorithm")) throw error(errc::bad_file, "algorithm is missing; null stands for none");
  check_other_quantizers(attributes->get_object());
  recipe_pair pair{checked_name(quantizer_role::weight, "*weight_quantizer", config, catalog, rules),
                   checked_name(quantizer_role::activation, "*input_quantizer", config, catalog, rules),
                   calibration_of(config.at("algorithm"))};
  if (rules == compat::modelopt && pair.calibration == "mse" && pair.weight != recipes::unquantized) {
    unsupported("algorithm",
                "ModelOpt's mse searches ranges of weights as well, which is not built in; "
                "compat=qgrain searches those of inputs alone");
  }
  return pair;
}

}  // namespace qgrain::sweep
