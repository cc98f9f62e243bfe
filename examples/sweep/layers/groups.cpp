#include <common/glob.hpp>
#include <sweep/layers/groups.hpp>

#include <qgrain/core/nearest_names.hpp>
#include <qgrain/core/status.hpp>

#include <algorithm>
#include <array>
#include <initializer_list>
#include <map>
#include <optional>
#include <regex>
#include <utility>

namespace qgrain::sweep {
namespace {

// The text before its end, where it has one of these ends.
std::optional<std::string_view> before(std::optional<std::string_view> text,
                                       std::initializer_list<std::string_view> ends) {
  for (const std::string_view end : ends) {
    if (text && text->ends_with(end)) return text->substr(0, text->size() - end.size());
  }
  return std::nullopt;
}

// The text before its end, where that is a dot and digits.
std::optional<std::string_view> before_number(std::optional<std::string_view> text) {
  if (!text) return std::nullopt;
  const std::size_t last = text->find_last_not_of("0123456789");
  if (last == std::string_view::npos || last + 1 == text->size() || (*text)[last] != '.') return std::nullopt;
  return text->substr(0, last);
}

// What the members of a group have in common by the first rule that matches, see group_layers. No std::regex: every job
// asks several times, and that took a tenth of a short run's time beside the pass.
std::optional<std::string_view> fused_name(std::string_view layer) {
  if (const auto attention = before(layer, {".q_proj", ".k_proj", ".v_proj"})) return attention;
  const auto experts = before_number(before(layer, {".gate_proj", ".up_proj", ".down_proj"}));
  if (experts && experts->ends_with(".mlp.experts")) return experts;
  if (const auto gated = before(layer, {".gate_proj", ".up_proj"})) return gated;
  if (const auto mixtral = before_number(before(layer, {".w1", ".w2", ".w3"}))) return mixtral;
  return before(before_number(layer), {".w1_linear", ".w2_linear", ".w3_linear"});
}

// The name that all members of a group have in common.
std::string common_name(const std::string& layer, layer_fusion how) {
  if (how == layer_fusion::none) return layer;
  return std::string(fused_name(layer).value_or(layer));
}

[[noreturn]] void refuse(const std::string& pattern, const std::regex_error& fault) {
  throw error(errc::invalid_argument, "the group rule " + pattern + " is no regular expression: " + fault.what());
}

struct user_rule {
  std::string pattern;
  std::regex expression;

  // What the layer's group has in common, where the rule is found.
  [[nodiscard]] std::optional<std::string> key_of(const std::string& layer) const {
    std::smatch match;
    try {
      if (!std::regex_search(layer, match, expression)) return std::nullopt;
    } catch (const std::regex_error& fault) {  // too complex for this name
      refuse(pattern, fault);
    }
    return match.size() > 1 && match[1].matched ? match[1].str() : match[0].str();
  }
};

std::vector<user_rule> user_rules(const group_rules& rules) {
  std::vector<user_rule> compiled;
  for (const std::string& pattern : rules.patterns) {
    try {
      compiled.push_back({pattern, std::regex(pattern)});
    } catch (const std::regex_error& fault) {
      refuse(pattern, fault);
    }
  }
  return compiled;
}

// A shell pattern that is like a regular expression: for suggestions only.
std::string glob_like(std::string_view expression) {
  std::string glob = "*";
  for (std::size_t i = 0; i < expression.size(); ++i) {
    const char c = expression[i];
    if (c == '\\' && i + 1 < expression.size()) {
      const bool is_class = std::string_view("dDwWsS").find(expression[++i]) != std::string_view::npos;
      glob += is_class ? '*' : expression[i];
    } else if (c == '[') {
      i = std::min(expression.find(']', i), expression.size());
      glob += '*';
    } else if (std::string_view(".*+?{}|").find(c) != std::string_view::npos) {
      glob += '*';
    } else if (std::string_view("()^$").find(c) == std::string_view::npos) {
      glob += c;
    }
  }
  return glob + "*";
}

}  // namespace

layer_fusion layer_fusion_from(std::string_view name) {
  if (name == "default") return layer_fusion::fused;
  if (name == "none") return layer_fusion::none;
  constexpr std::array<std::string_view, 2> known{"default", "none"};
  throw error(errc::unknown_name, "no grouping is called " + std::string(name) + name_hint(name, known));
}

std::vector<layer_group> group_layers(std::span<const std::string> names, const group_rules& rules) {
  const std::vector<user_rule> own = user_rules(rules);
  std::vector<layer_group> groups;
  std::map<std::pair<std::size_t, std::string>, std::size_t> places;  // by rule and what the members have in common
  for (std::size_t i = 0; i < names.size(); ++i) {
    std::size_t rule = 0;
    std::optional<std::string> common;
    while (rule < own.size() && !(common = own[rule].key_of(names[i]))) ++rule;
    if (!common) common = common_name(names[i], rules.how);
    const auto [place, is_new] = places.try_emplace({rule, *common}, groups.size());
    if (is_new) groups.push_back({names[i] + ".quant_recipe", {}});
    groups[place->second].members.push_back(i);
  }
  return groups;
}

std::vector<layer_group> group_layers(std::span<const std::string> names, layer_fusion how) {
  return group_layers(names, group_rules{how, {}});
}

bool is_disabled(const layer_group& group, std::span<const std::string> names, std::span<const std::string> patterns) {
  return std::any_of(group.members.begin(), group.members.end(),
                     [&](std::size_t member) { return common::matches_any(names[member], patterns); });
}

std::vector<std::string> unmatched_rules(std::span<const std::string> names, const group_rules& rules) {
  std::vector<std::string> warnings;
  for (const user_rule& rule : user_rules(rules)) {
    if (std::any_of(names.begin(), names.end(), [&](const auto& name) { return rule.key_of(name).has_value(); }))
      continue;
    warnings.push_back(common::no_match_text("the group rule " + rule.pattern, glob_like(rule.pattern), names));
  }
  return warnings;
}

}  // namespace qgrain::sweep
