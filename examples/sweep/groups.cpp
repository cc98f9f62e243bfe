#include "groups.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <qgrain/core/nearest_names.hpp>
#include <qgrain/core/status.hpp>
#include <regex>

#include "glob.hpp"

namespace qgrain::sweep {
namespace {

const std::array<std::regex, 5>& fusion_rules() {
  static const std::array<std::regex, 5> rules{
      std::regex(R"((.*?)\.[qkv]_proj)"),         std::regex(R"((.*?\.mlp\.experts)\.\d+\.(?:gate|up|down)_proj)"),
      std::regex(R"((.*?)\.(?:gate|up)_proj)"),   std::regex(R"((.*?)\.\d+\.w[123])"),
      std::regex(R"((.*?)\.w[123]_linear\.\d+)"),
  };
  return rules;
}

// The name that all members of a group have in common.
std::string common_name(const std::string& layer, grouping how) {
  if (how == grouping::none) return layer;
  std::smatch match;
  for (const auto& rule : fusion_rules()) {
    if (std::regex_match(layer, match, rule)) return match[1].str();
  }
  return layer;
}

}  // namespace

grouping grouping_from(std::string_view name) {
  if (name == "default") return grouping::fused;
  if (name == "none") return grouping::none;
  constexpr std::array<std::string_view, 2> known{"default", "none"};
  throw error(errc::unknown_name, "no grouping is called " + std::string(name) + name_hint(name, known));
}

std::vector<layer_group> group_layers(std::span<const std::string> names, grouping how) {
  std::vector<layer_group> groups;
  std::map<std::string, std::size_t> places;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto [place, is_new] = places.try_emplace(common_name(names[i], how), groups.size());
    if (is_new) groups.push_back({names[i] + ".quant_recipe", {}});
    groups[place->second].members.push_back(i);
  }
  return groups;
}

bool matches_any(std::string_view name, std::span<const std::string> patterns) {
  return std::any_of(patterns.begin(), patterns.end(), [&](const auto& pattern) { return glob_match(pattern, name); });
}

}  // namespace qgrain::sweep
