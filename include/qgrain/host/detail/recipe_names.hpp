// The names of recipes that are known when the program runs: element stages, groupings, recipes with their own groups.
#ifndef QGRAIN_HOST_DETAIL_RECIPE_NAMES_HPP
#define QGRAIN_HOST_DETAIL_RECIPE_NAMES_HPP

#include <qgrain/core/matrix_view.hpp>
#include <qgrain/granularity/grouping.hpp>
#include <qgrain/granularity/per_tensor.hpp>
#include <qgrain/quantizer/modelopt_nf4.hpp>
#include <qgrain/quantizer/recipes.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace qgrain::detail {

template <class Stage>
struct named_stage {
  std::string_view name;
  Stage stage;
};

/// Stages that take any granularity: "<name>/<granularity>". `stage_of(std::type_identity<Q>{})` makes one of a
/// quantizer.
template <class StageOf>
[[nodiscard]] constexpr auto composable_stages(StageOf stage_of) noexcept {
  const auto named = [&]<class Q>(std::string_view name, std::type_identity<Q> quantizer) {
    return named_stage<decltype(stage_of(quantizer))>{name, stage_of(quantizer)};
  };
  return std::array{
      named("int2", std::type_identity<modelopt_integer<int2, per_tensor>>{}),
      named("int3", std::type_identity<modelopt_integer<int3, per_tensor>>{}),
      named("int4", std::type_identity<modelopt_integer<int4, per_tensor>>{}),
      named("int5", std::type_identity<modelopt_integer<int5, per_tensor>>{}),
      named("int6", std::type_identity<modelopt_integer<int6, per_tensor>>{}),
      named("int7", std::type_identity<modelopt_integer<int7, per_tensor>>{}),
      named("int8", std::type_identity<modelopt_integer<int8, per_tensor>>{}),
      named("fp8", std::type_identity<modelopt_fp8<per_tensor>>{}),
      named("fp8_e5m2", std::type_identity<modelopt_fp8_e5m2<per_tensor>>{}),
      named("nf4", std::type_identity<modelopt_packed_nf4<per_tensor>>{}),
  };
}

/// Recipes that come with their groups, under their own names.
template <class... Quantizers, class StageOf>
[[nodiscard]] constexpr auto block_stages(StageOf stage_of) noexcept {
  return std::array{named_stage<decltype(stage_of(std::type_identity<Quantizers>{}))>{
      Quantizers::name(), stage_of(std::type_identity<Quantizers>{})}...};
}
template <class StageOf>
[[nodiscard]] constexpr auto mx_stages(StageOf stage_of) noexcept {
  return block_stages<mxfp4_ocp, mxfp4_even, mxfp4_rceil, mxfp4_modelopt, mxfp6_e2m3_ocp, mxfp6_e3m2_ocp,
                      mxfp8_e4m3_ocp, mxfp8_e4m3_rceil, mxfp8_e4m3_modelopt, mxfp8_e5m2_ocp, mxfp6_e2m3_rceil,
                      mxfp6_e3m2_rceil, mxfp8_e5m2_rceil, mxint8_rceil>(stage_of);
}
template <class StageOf>
[[nodiscard]] constexpr auto nvfp4_stages(StageOf stage_of) noexcept {
  return block_stages<nvfp4_modelopt, nvfp4_modelopt_kernel, nvfp4_torchao>(stage_of);
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
[[nodiscard]] auto find_stage(const Stages& stages, std::string_view name) noexcept -> decltype(&stages[0].stage) {
  const auto found = std::find_if(stages.begin(), stages.end(), [&](const auto& s) { return s.name == name; });
  return found == stages.end() ? nullptr : &found->stage;
}

/// The names that lists and error messages show.
[[nodiscard]] inline std::vector<std::string> recipe_names() {
  constexpr auto nothing = [](auto) { return 0; };
  std::vector<std::string> names;
  for (const auto& stage : composable_stages(nothing)) {
    const auto add = [&](std::string_view groups) {
      names.push_back(std::string(stage.name).append("/").append(groups));
    };
    for (const named_grouping& fixed : fixed_groupings()) add(fixed.name);
    for (const std::string_view sized : {"group16", "group32", "group64", "group128", "tile128x128"}) add(sized);
  }
  for (const auto& stage : mx_stages(nothing)) names.emplace_back(stage.name);
  for (const auto& stage : nvfp4_stages(nothing)) names.emplace_back(stage.name);
  return names;
}

/// The element stage, made by `StageOf`, and the grouping of a name.
template <class StageOf, class Make>
[[nodiscard]] auto find_by_name(std::string_view name, StageOf, const Make& make)
    -> std::optional<decltype(make(*find_stage(mx_stages(StageOf{}), name), grouping{}))> {
  static constexpr auto composable = composable_stages(StageOf{});
  static constexpr auto mx = mx_stages(StageOf{});
  static constexpr auto nvfp4 = nvfp4_stages(StageOf{});
  const auto blocks = [](index_t size) {
    return grouping{granularity_kind::per_group, range_source::own, {1, size}, group_tail::zero_padding};
  };
  if (const auto* stage = find_stage(mx, name)) return make(*stage, blocks(32));
  if (const auto* stage = find_stage(nvfp4, name)) return make(*stage, blocks(16));
  const std::size_t slash = name.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto* stage = find_stage(composable, name.substr(0, slash));
  const std::optional<grouping> groups = parse_grouping(name.substr(slash + 1));
  if (stage == nullptr || !groups) return std::nullopt;
  return make(*stage, *groups);
}

}  // namespace qgrain::detail

#endif
