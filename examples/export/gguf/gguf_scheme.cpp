#include <quantize/other_recipes.hpp>

#include <array>
#include <export/gguf/gguf_scheme.hpp>

namespace qgrain::exports {
namespace {

constexpr std::string_view nvfp4_name = "NVFP4";
/// The rule of its two levels of scales where none is chosen: ModelOpt's.
constexpr std::string_view nvfp4_recipe = "modelopt_nvfp4_packed";

struct recipe_row {
  std::string_view recipe;
  std::string_view type;
  std::string_view coded_by;  // empty: by the type's own encoder
};
// Recipes whose codes and scales go into blocks as they are.
constexpr std::array<recipe_row, 11> kept{{
    {"nvfp4_modelopt", nvfp4_name, nvfp4_recipe},
    {"modelopt_nvfp4", nvfp4_name, nvfp4_recipe},
    {"modelopt_nvfp4_packed", nvfp4_name, nvfp4_recipe},
    {"ct_nvfp4", nvfp4_name, "ct_nvfp4"},
    {"mxfp4_rceil", "MXFP4", "modelopt_mxfp4"},
    {"modelopt_mxfp4", "MXFP4", "modelopt_mxfp4"},
    {"modelopt_mxfp4_packed", "MXFP4", "modelopt_mxfp4_packed"},
    {"torchao_mxfp4/floor", "MXFP4", "torchao_mxfp4/floor"},
    {"torchao_mxfp4/ceil", "MXFP4", "torchao_mxfp4/ceil"},
    {"torchao_mxfp4/even", "MXFP4", "torchao_mxfp4/even"},
    {"torchao_mxfp4/rceil", "MXFP4", "torchao_mxfp4/rceil"},
}};
// Integers of the sweep, whose groups ggml makes smaller: same width, scales of its own.
constexpr std::array<recipe_row, 3> integers{{{"int4", "Q4_0", ""}, {"int5", "Q5_0", ""}, {"int8", "Q8_0", ""}}};

bool is_writable(const lm::ggml_type& type) { return type.encode != nullptr || type.name == nvfp4_name; }

// Per output channel, or groups along a row that are made of whole blocks of 32.
bool has_groups_of_32(std::string_view granularity) {
  constexpr std::string_view prefix = "group";
  if (granularity == "per_out_channel" || granularity == "per_tensor") return true;
  if (!granularity.starts_with(prefix)) return false;
  int size = 0;
  for (const char digit : granularity.substr(prefix.size())) {
    if (digit < '0' || digit > '9' || size > 100'000) return false;
    size = 10 * size + (digit - '0');
  }
  return size > 0 && size % 32 == 0;
}

}  // namespace

std::optional<gguf_scheme> find_gguf_scheme(std::string_view recipe) {
  for (const recipe_row& row : kept) {
    if (row.recipe == recipe) return gguf_scheme{lm::find_ggml_type(row.type), std::string(row.coded_by), true};
  }
  for (const lm::ggml_type& type : lm::ggml_types()) {
    if (!is_writable(type) || (type.name != recipe && convert::ggml_recipe_name(type) != recipe)) continue;
    return gguf_scheme{&type, type.name == nvfp4_name ? std::string(nvfp4_recipe) : std::string(), true};
  }
  const std::size_t slash = recipe.find('/');
  for (const recipe_row& row : integers) {
    if (slash == std::string_view::npos || recipe.substr(0, slash) != row.recipe) continue;
    if (has_groups_of_32(recipe.substr(slash + 1))) return gguf_scheme{lm::find_ggml_type(row.type), "", false};
  }
  return std::nullopt;
}

std::vector<std::string_view> gguf_scheme_names() {
  std::vector<std::string_view> names;
  for (const lm::ggml_type& type : lm::ggml_types()) {
    if (is_writable(type)) names.push_back(type.name);
  }
  return names;
}

}  // namespace qgrain::exports
