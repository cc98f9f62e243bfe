#include <lm/quantized/quantization_config.hpp>

#include <qgrain/core/nearest_names.hpp>
#include <qgrain/core/status.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <regex>

namespace qgrain::lm {
namespace {

constexpr std::array<std::string_view, 3> methods{"compressed-tensors", "modelopt", "fp8"};
constexpr std::array<std::string_view, 9> formats{"pack-quantized",  "int-quantized",        "float-quantized",
                                                  "naive-quantized", "nvfp4-pack-quantized", "mxfp4-pack-quantized",
                                                  "mxfp8-quantized", "mixed-precision",      "dense"};
constexpr std::string_view pattern_mark = "re:";
constexpr std::int64_t largest_tile = std::int64_t{1} << 31U;
/// Longer names are no module's; the standard library's regular expressions go as deep as a text is long.
constexpr std::size_t longest_module = 1000;

std::optional<quantization_method> find_method(const common::json_field& field) {
  const auto name = field.find("quant_method");
  // ModelOpt's first folders have its algorithm alone.
  if (!name) return field.find("quant_algo") ? std::optional(quantization_method::modelopt) : std::nullopt;
  const auto found = std::find(methods.begin(), methods.end(), name->string());
  if (found == methods.end()) return std::nullopt;
  return static_cast<quantization_method>(found - methods.begin());
}

void require_known_format(const common::json_field& owner) {
  const auto format = owner.find("format");
  if (!format || std::find(formats.begin(), formats.end(), format->string()) != formats.end()) return;
  throw error(errc::unsupported, format->place() + " \"" + std::string(format->string()) + "\" is not read; read are " +
                                     join_names(formats));
}

// Whether an object says anything.
bool says_something(const common::json_field& owner, std::string_view key) {
  const auto field = owner.find(key);
  return field && field->value().is_object() && !field->value().get_object().empty();
}

void require_plain_weights(const common::json_field& field) {
  require_known_format(field);
  if (const auto groups = field.find("config_groups")) {
    for (const auto& [name, group] : groups->members()) require_known_format(group);
  }
  if (says_something(field, "transform_config")) {
    throw error(errc::unsupported,
                field.place() + ".transform_config: weights under transforms are not read; values would be others");
  }
  if (const auto sparsity = field.find("sparsity_config"); sparsity && says_something(field, "sparsity_config")) {
    const auto format = sparsity->find("format");
    if (format && format->string() != "dense") {
      throw error(errc::unsupported,
                  format->place() + " \"" + std::string(format->string()) + "\": compressed sparsity is not read");
    }
  }
}

// "0.20.1": 0.14 and later.
bool is_dense_version(std::string_view version) {
  int major = 0, minor = 0;
  const char* end = version.data() + version.size();
  const auto first = std::from_chars(version.data(), end, major);
  if (first.ec != std::errc{} || first.ptr == end) return true;
  if (std::from_chars(first.ptr + 1, end, minor).ec != std::errc{}) return true;
  return major > 0 || minor >= 14;
}

std::array<std::int64_t, 2> tile_of(const common::json_field& owner, std::string_view key) {
  const auto field = owner.find(key);
  if (!field) return {128, 128};
  const std::vector<common::json_field> extents = field->elements();
  if (extents.size() != 2) field->must_be("two numbers");
  std::array<std::int64_t, 2> tile{};
  for (std::size_t i = 0; i < tile.size(); ++i) {
    tile[i] = extents[i].positive_integer();
    if (tile[i] > largest_tile) extents[i].must_be("at most " + std::to_string(largest_tile));
  }
  return tile;
}

quantization_config config_of(const common::json_field& field) {
  require_known_quantization(field);
  quantization_config config;
  config.method = *find_method(field);
  config.where = field.place();
  config.tile = tile_of(field, "weight_block_size");
  if (config.method != quantization_method::compressed_tensors) return config;
  if (const auto version = field.find("version")) config.is_dense = is_dense_version(version->string());
  for (const auto& [name, group] : field.at("config_groups").members()) {
    const auto weights = group.find("weights");
    if (!weights) continue;  // activations alone
    quantization_group out{
        std::string(name), {}, 0, weights->at("type").string() == "int", tile_of(*weights, "block_structure")};
    out.bits = static_cast<int>(std::min<std::int64_t>(weights->at("num_bits").positive_integer(), 64));
    for (const common::json_field& target : group.at("targets").elements()) out.targets.emplace_back(target.string());
    config.groups.push_back(std::move(out));
  }
  return config;
}

bool matches(std::string_view target, std::string_view module, const std::string& where) {
  try {
    const std::regex pattern(std::string(target.substr(pattern_mark.size())), std::regex::ECMAScript);
    return std::regex_search(module.begin(), module.end(), pattern, std::regex_constants::match_continuous);
  } catch (const std::regex_error&) {
    throw error(errc::unsupported,
                where + ": target \"" + std::string(target) + "\" is no regular expression that is read");
  }
}

// The class that a module of that name has in transformers.
std::string_view class_of(std::string_view module) { return module.ends_with("embed_tokens") ? "Embedding" : "Linear"; }

}  // namespace

const quantization_group* quantization_config::group_of(std::string_view module) const {
  const auto first = [&](const auto& fits) -> const quantization_group* {
    for (const quantization_group& group : groups) {
      if (std::any_of(group.targets.begin(), group.targets.end(), fits)) return &group;
    }
    return nullptr;
  };
  if (const auto* exact = first([&](const std::string& target) { return target == module; })) return exact;
  const auto is_pattern = [&](const std::string& target) {
    return target.starts_with(pattern_mark) && module.size() <= longest_module && matches(target, module, where);
  };
  if (const auto* by_pattern = first(is_pattern)) return by_pattern;
  return first([&](const std::string& target) { return target == class_of(module); });
}

void require_known_quantization(const common::json_field& field) {
  const auto method = find_method(field);
  if (!method) {
    const auto name = field.find("quant_method");
    throw error(errc::unsupported, field.place() + ": quantized checkpoints of " +
                                       (name ? "\"" + std::string(name->string()) + "\"" : "no named tool") +
                                       " are not read, those of " + join_names(methods) +
                                       " are; where the weights are not quantized, remove the key");
  }
  if (*method == quantization_method::compressed_tensors) require_plain_weights(field);
}

std::optional<quantization_config> read_quantization_config(const std::filesystem::path& folder) {
  constexpr std::string_view key = "quantization_config";
  if (const std::filesystem::path path = folder / "config.json"; std::filesystem::exists(path)) {
    const common::json_document document = common::read_json_document(path);
    const common::json_field top(document);
    if (const auto field = top.find(key)) return config_of(*field);
    if (const auto text = top.find("text_config")) {
      if (const auto field = text->find(key)) return config_of(*field);
    }
  }
  const std::filesystem::path path = folder / "hf_quant_config.json";
  if (!std::filesystem::exists(path)) return std::nullopt;
  const common::json_document document = common::read_json_document(path);
  return config_of(common::json_field(document).at("quantization"));
}

}  // namespace qgrain::lm
