// The names of run-time fake quantizers. Include it in one place: it instantiates every element stage.
#ifndef QGRAIN_HOST_FAKE_RECIPES_HPP
#define QGRAIN_HOST_FAKE_RECIPES_HPP

#include <qgrain/core/nearest_names.hpp>
#include <qgrain/granularity/per_tensor.hpp>
#include <qgrain/host/fake_recipe.hpp>
#include <qgrain/quantizer/modelopt_nf4.hpp>
#include <qgrain/quantizer/recipes.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace qgrain {

namespace detail {

struct named_stage {
  std::string_view name;
  element_stage stage;
};

/// Stages that take any granularity: "<name>/<granularity>".
[[nodiscard]] constexpr auto composable_stages() noexcept {
  return std::array{
      named_stage{"int2", element_stage_of<modelopt_integer<int2, per_tensor>>()},
      named_stage{"int3", element_stage_of<modelopt_integer<int3, per_tensor>>()},
      named_stage{"int4", element_stage_of<modelopt_integer<int4, per_tensor>>()},
      named_stage{"int5", element_stage_of<modelopt_integer<int5, per_tensor>>()},
      named_stage{"int6", element_stage_of<modelopt_integer<int6, per_tensor>>()},
      named_stage{"int7", element_stage_of<modelopt_integer<int7, per_tensor>>()},
      named_stage{"int8", element_stage_of<modelopt_integer<int8, per_tensor>>()},
      named_stage{"fp8", element_stage_of<modelopt_fp8<per_tensor>>()},
      named_stage{"fp8_e5m2", element_stage_of<modelopt_fp8_e5m2<per_tensor>>()},
      named_stage{"nf4", element_stage_of<modelopt_packed_nf4<per_tensor>>()},
  };
}

template <class Q>
[[nodiscard]] constexpr named_stage block_stage() noexcept {
  return {Q::name(), element_stage_of<Q>()};
}

/// Recipes that come with their groups.
[[nodiscard]] constexpr auto mx_stages() noexcept {
  return std::array{
      block_stage<mxfp4_ocp>(),        block_stage<mxfp4_even>(),       block_stage<mxfp4_rceil>(),
      block_stage<mxfp4_modelopt>(),   block_stage<mxfp6_e2m3_ocp>(),   block_stage<mxfp6_e3m2_ocp>(),
      block_stage<mxfp8_e4m3_ocp>(),   block_stage<mxfp8_e4m3_rceil>(), block_stage<mxfp8_e4m3_modelopt>(),
      block_stage<mxfp8_e5m2_ocp>(),   block_stage<mxfp6_e2m3_rceil>(), block_stage<mxfp6_e3m2_rceil>(),
      block_stage<mxfp8_e5m2_rceil>(), block_stage<mxint8_rceil>()};
}
[[nodiscard]] constexpr auto nvfp4_stages() noexcept {
  return std::array{block_stage<nvfp4_modelopt>(), block_stage<nvfp4_modelopt_kernel>(), block_stage<nvfp4_torchao>()};
}

struct named_grouping {
  std::string_view name;
  grouping groups;
};

[[nodiscard]] constexpr auto fixed_groupings() noexcept {
  using enum granularity_kind;
  using enum range_source;
  return std::array{
      named_grouping{"per_tensor", {per_tensor, own, {}}},
      named_grouping{"per_out_channel", {per_out_channel, own, {}}},
      named_grouping{"per_in_channel", {per_in_channel, own, {}}},
      named_grouping{"per_tensor_static", {per_tensor, calibrated, {}}},
      named_grouping{"per_tensor_dynamic", {per_tensor, own, {}}},
      named_grouping{"per_token_dynamic", {per_token, own, {}}},
      named_grouping{"per_hidden_channel", {per_in_channel, calibrated, {}}},
  };
}

/// A positive number that is the whole text.
[[nodiscard]] inline std::optional<index_t> parse_size(std::string_view text) noexcept {
  constexpr index_t most = index_t{1} << 30;
  index_t value = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (fault != std::errc{} || end != text.data() + text.size() || value < 1 || value > most) return std::nullopt;
  return value;
}

/// One of the fixed names, "group<N>" or "tile<R>x<C>".
[[nodiscard]] inline std::optional<grouping> parse_grouping(std::string_view text) {
  for (const named_grouping& fixed : fixed_groupings()) {
    if (fixed.name == text) return fixed.groups;
  }
  if (text.starts_with("group")) {
    const auto cols = parse_size(text.substr(5));
    if (cols) return grouping{granularity_kind::per_group, range_source::own, {1, *cols}};
  }
  if (text.starts_with("tile")) {
    const std::size_t cross = text.find('x');
    if (cross == std::string_view::npos) return std::nullopt;
    const auto rows = parse_size(text.substr(4, cross - 4));
    const auto cols = parse_size(text.substr(cross + 1));
    if (rows && cols) return grouping{granularity_kind::per_tile, range_source::own, {*rows, *cols}};
  }
  return std::nullopt;
}

template <class Stages>
[[nodiscard]] const element_stage* find_stage(const Stages& stages, std::string_view name) noexcept {
  const auto found = std::find_if(stages.begin(), stages.end(), [&](const named_stage& s) { return s.name == name; });
  return found == stages.end() ? nullptr : &found->stage;
}

}  // namespace detail

/// The recipe names that lists and error messages show. Any other group or tile size works too: "int4/group48",
/// "fp8/tile64x32".
[[nodiscard]] inline std::vector<std::string> fake_recipe_names() {
  std::vector<std::string> names;
  for (const detail::named_stage& stage : detail::composable_stages()) {
    const auto add = [&](std::string_view groups) {
      names.push_back(std::string(stage.name).append("/").append(groups));
    };
    for (const detail::named_grouping& fixed : detail::fixed_groupings()) add(fixed.name);
    for (const std::string_view sized : {"group16", "group32", "group64", "group128", "tile128x128"}) add(sized);
  }
  for (const detail::named_stage& stage : detail::mx_stages()) names.emplace_back(stage.name);
  for (const detail::named_stage& stage : detail::nvfp4_stages()) names.emplace_back(stage.name);
  return names;
}

/// The recipe of a name, or nothing.
[[nodiscard]] inline std::optional<fake_recipe> try_find_fake_recipe(std::string_view name) {
  constexpr auto composable = detail::composable_stages();
  constexpr auto mx = detail::mx_stages();
  constexpr auto nvfp4 = detail::nvfp4_stages();
  const auto blocks = [](index_t size) {
    return grouping{granularity_kind::per_group, range_source::own, {1, size}, group_tail::zero_padding};
  };
  if (const element_stage* stage = detail::find_stage(mx, name))
    return fake_recipe{std::string(name), *stage, blocks(32)};
  if (const element_stage* stage = detail::find_stage(nvfp4, name))
    return fake_recipe{std::string(name), *stage, blocks(16)};
  const std::size_t slash = name.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const element_stage* stage = detail::find_stage(composable, name.substr(0, slash));
  const std::optional<grouping> groups = detail::parse_grouping(name.substr(slash + 1));
  if (stage == nullptr || !groups) return std::nullopt;
  return fake_recipe{std::string(name), *stage, *groups};
}

/// The recipe of a name.
/// @throws error errc::unknown_name, naming the nearest names
[[nodiscard]] inline fake_recipe find_fake_recipe(std::string_view name) {
  if (std::optional<fake_recipe> recipe = try_find_fake_recipe(name)) return *std::move(recipe);
  detail::raise(unknown_name_error("recipe", name, fake_recipe_names()));
}

}  // namespace qgrain

#endif
