#include <engine/score/faulty_recipes.hpp>
#include <recipes/fake_recipes.hpp>

#include <qgrain/core/status.hpp>
#include <qgrain/format/rounding.hpp>
#include <qgrain/host/element_stage.hpp>
#include <qgrain/quantizer/recipes.hpp>

#include <array>
#include <string>

namespace qgrain::recipes {
namespace {

recipe_fault chosen_fault = recipe_fault::none;

// int8 as if its codes reached to 127.5.
struct ratio_of_half_steps : multiply_by_ratio {
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "absmax_f32_half_steps"; }
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float stored(float absmax, float max_finite) noexcept {
    return multiply_by_ratio::stored(absmax, max_finite + 0.5F);
  }
};

template <class Integer>
using away = quantizer<Integer, per_tensor, absmax_f32_by<multiply_by_ratio>, nearest_away>;
using half_steps = quantizer<int8, per_tensor, absmax_f32_by<ratio_of_half_steps>>;
using mxfp4_away = mx_by<float4_e2m1fn, e8m0_rceil_log2f<>, nearest_away>;

struct element_stages {
  std::string_view name;
  element_stage right;
  element_stage ties_away;
};

const std::array<element_stages, 3> stages{
    {{"int8", element_stage_of<modelopt_integer<int8, per_tensor>>(), element_stage_of<away<int8>>()},
     {"int4", element_stage_of<modelopt_integer<int4, per_tensor>>(), element_stage_of<away<int4>>()},
     {"mxfp4_rceil", element_stage_of<mxfp4_rceil>(), element_stage_of<mxfp4_away>()}}};

std::optional<grouping> grouping_called(std::string_view name) {
  using enum granularity_kind;
  using enum range_source;
  if (name.empty()) return grouping{per_group, own, {1, 32}, group_tail::zero_padding};  // of mxfp4_rceil
  if (name == "per_tensor") return grouping{per_tensor, own, {}};
  if (name == "per_out_channel") return grouping{per_out_channel, own, {}};
  if (name == "per_in_channel") return grouping{per_in_channel, own, {}};
  if (name == "per_tensor_static") return grouping{per_tensor, calibrated, {}};
  if (name == "per_token_dynamic")
    return grouping{chosen_fault == recipe_fault::one_range_of_tokens ? per_tensor : per_token, own, {}};
  if (name.starts_with("group")) return grouping{per_group, own, {1, std::stoi(std::string(name.substr(5)))}};
  return std::nullopt;
}

}  // namespace

void use_fault(recipe_fault fault) { chosen_fault = fault; }

std::vector<std::string> fake_recipe_names() { return {}; }

std::optional<fake_recipe> try_find_fake_recipe(std::string_view name) {
  const std::size_t slash = name.find('/');
  const std::string_view element = name.substr(0, slash);
  const auto groups = grouping_called(slash == std::string_view::npos ? std::string_view{} : name.substr(slash + 1));
  for (const element_stages& s : stages) {
    if (s.name != element || !groups) continue;
    fake_recipe found{std::string(name), s.right, *groups};
    if (chosen_fault == recipe_fault::ties_away) found.elements = s.ties_away;
    if (chosen_fault == recipe_fault::half_step_divisor && element == "int8")
      found.elements = element_stage_of<half_steps>();
    return found;
  }
  return std::nullopt;
}

fake_recipe find_fake_recipe(std::string_view name) {
  if (std::optional<fake_recipe> recipe = try_find_fake_recipe(name)) return *std::move(recipe);
  throw error(errc::unknown_name, "no recipe \"" + std::string(name) + "\" among those of this test");
}

}  // namespace qgrain::recipes
