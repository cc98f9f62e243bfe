#include <quantize/granularity.hpp>
#include <quantize/recipe.hpp>
#include <recipes/fake_recipes.hpp>

#include <qgrain/core/status.hpp>

#include <array>
#include <export/folder/weight_rule.hpp>

namespace qgrain::exports {
namespace {

// Recipes of the catalogue under any granularity.
struct family_row {
  std::string_view name;
  element_kind element;
  int bits;
  bool symmetric;
  bool has_own_type;
};
constexpr std::array<family_row, 17> family_rows{{
    {"ct_int2", element_kind::integer, 2, true, true},
    {"ct_int2_asymmetric", element_kind::integer, 2, false, true},
    {"ct_int3", element_kind::integer, 3, true, true},
    {"ct_int3_asymmetric", element_kind::integer, 3, false, true},
    {"ct_int4", element_kind::integer, 4, true, true},
    {"ct_int4_asymmetric", element_kind::integer, 4, false, true},
    {"ct_int5", element_kind::integer, 5, true, true},
    {"ct_int5_asymmetric", element_kind::integer, 5, false, true},
    {"ct_int6", element_kind::integer, 6, true, true},
    {"ct_int6_asymmetric", element_kind::integer, 6, false, true},
    {"ct_int7", element_kind::integer, 7, true, true},
    {"ct_int7_asymmetric", element_kind::integer, 7, false, true},
    {"ct_int8", element_kind::integer, 8, true, true},
    {"ct_int8_asymmetric", element_kind::integer, 8, false, true},
    {"ct_fp8", element_kind::fp8, 8, true, true},
    {"deepseek_fp8", element_kind::fp8, 8, true, false},
    {"torchao_fp8_e4m3", element_kind::fp8, 8, true, false},
}};

// Recipes with groups of their own, the sweep's among them.
struct block_row {
  std::string_view name;
  element_kind element;
};
constexpr std::array<block_row, 24> block_rows{{
    {"ct_nvfp4", element_kind::nvfp4},
    {"modelopt_nvfp4_packed", element_kind::nvfp4},
    {"nvfp4_modelopt", element_kind::nvfp4},
    {"torchao_nvfp4", element_kind::nvfp4},
    {"nvfp4_torchao", element_kind::nvfp4},
    {"torchao_mxfp4/floor", element_kind::mxfp4},
    {"torchao_mxfp4/ceil", element_kind::mxfp4},
    {"torchao_mxfp4/even", element_kind::mxfp4},
    {"torchao_mxfp4/rceil", element_kind::mxfp4},
    {"modelopt_mxfp4", element_kind::mxfp4},
    {"modelopt_mxfp4_packed", element_kind::mxfp4},
    {"mxfp4_ocp", element_kind::mxfp4},
    {"mxfp4_even", element_kind::mxfp4},
    {"mxfp4_rceil", element_kind::mxfp4},
    {"ct_mxfp8", element_kind::mxfp8},
    {"modelopt_mxfp8_packed", element_kind::mxfp8},
    {"modelopt_mxfp8_e4m3", element_kind::mxfp8},
    {"mxfp8_e4m3_ocp", element_kind::mxfp8},
    {"mxfp8_e4m3_rceil", element_kind::mxfp8},
    {"mxfp8_e4m3_modelopt", element_kind::mxfp8},
    {"torchao_mxfp8_e4m3/floor", element_kind::mxfp8},
    {"torchao_mxfp8_e4m3/ceil", element_kind::mxfp8},
    {"torchao_mxfp8_e4m3/even", element_kind::mxfp8},
    {"torchao_mxfp8_e4m3/rceil", element_kind::mxfp8},
}};

stored_format block_format(element_kind element) {
  const bool is_nv = element == element_kind::nvfp4;
  return {element, element == element_kind::mxfp8 ? 8 : 4, granularity_kind::per_group, {1, is_nv ? 16 : 32}, true};
}

std::optional<weight_rule> block_rule(std::string_view recipe) {
  for (const block_row& row : block_rows) {
    if (row.name != recipe) continue;
    const bool is_ct = recipe == "ct_nvfp4";
    return weight_rule{block_format(row.element), code_source::catalogue, std::string(recipe), is_ct, is_ct};
  }
  return std::nullopt;
}

// Scales of one number, of rows, of groups within rows or of tiles.
bool is_storable(granularity_kind kind) {
  return kind != granularity_kind::per_in_channel && kind != granularity_kind::per_token;
}

std::optional<weight_rule> scored_rule(std::string_view recipe) {
  const std::string_view family = recipe.substr(0, recipe.find('/'));
  const bool is_integer = family.size() == 4 && family.starts_with("int");
  if (!is_integer && family != "fp8") return std::nullopt;
  const std::optional<fake_recipe> found = recipes::try_find_fake_recipe(recipe);
  if (!found || !is_storable(found->groups.kind) || found->groups.source != range_source::own) return std::nullopt;
  const stored_format format{is_integer ? element_kind::integer : element_kind::fp8,
                             is_integer ? family.back() - '0' : 8, found->groups.kind, found->groups.size, true};
  return weight_rule{format, code_source::scored, std::string(recipe)};
}

std::optional<weight_rule> family_rule(std::string_view recipe) {
  const std::size_t first = recipe.find('/');
  if (first == std::string_view::npos) return std::nullopt;
  const std::string_view rest = recipe.substr(first + 1);
  const std::size_t second = rest.find('/');
  const std::string_view options = second == std::string_view::npos ? "" : rest.substr(second + 1);
  if (!options.empty() && options != "pack_int32" && options != "pack_dense") return std::nullopt;
  const auto groups = convert::parse_granularity(rest.substr(0, second));
  if (!groups || !is_storable(groups->groups.kind)) return std::nullopt;
  if (groups->groups.kind == granularity_kind::per_group && groups->axis != -1) return std::nullopt;
  if (groups->groups.kind == granularity_kind::per_out_channel && groups->axis != 0) return std::nullopt;
  for (const family_row& row : family_rows) {
    if (row.name != recipe.substr(0, first)) continue;
    const stored_format format{row.element, row.bits, groups->groups.kind, groups->groups.size, row.symmetric};
    // Words are packed once the rows are there; without them the codes are the same.
    return weight_rule{format, code_source::catalogue,
                       std::string(row.name) + "/" + std::string(rest.substr(0, second)), row.has_own_type};
  }
  return std::nullopt;
}

}  // namespace

std::optional<weight_rule> find_weight_rule(std::string_view recipe) {
  if (recipe == modelopt_fp8_name) {
    const stored_format format{element_kind::fp8, 8, granularity_kind::per_tensor, {}, true};
    return weight_rule{format, code_source::modelopt_fp8, std::string(recipe)};
  }
  for (const auto find : {block_rule, scored_rule, family_rule}) {
    if (std::optional<weight_rule> found = find(recipe)) return found;
  }
  return std::nullopt;
}

}  // namespace qgrain::exports
