#include <common/glob.hpp>
#include <hydra/decimal_range.hpp>
#include <hydra/element_order.hpp>
#include <hydra/sweep_expand.hpp>

#include <qgrain/core/status.hpp>

#include <algorithm>

namespace qgrain::hydra {
namespace {

element_list in_order(element_list elements, sweep_order order) {
  return order == sweep_order::shuffled ? shuffled(std::move(elements)) : elements;
}

bool matches_any(const std::vector<std::string>& patterns, const std::string& name) {
  return std::any_of(patterns.begin(), patterns.end(),
                     [&name](const auto& pattern) { return common::glob_match(pattern, name); });
}

}  // namespace

void require_enumerable_range(const sweep_value& sweep) {
  if (const auto* range = std::get_if<range_sweep>(&sweep))
    require_range(range->start, range->stop, range->step, most_sweep_elements);
}

element_list sweep_elements(const config_override& swept, const config_source& source) {
  const sweep_value& sweep = *swept_value(swept);
  if (const auto* choice = std::get_if<choice_sweep>(&sweep)) return in_order(choice->choices, choice->order);
  element_list elements;
  if (const auto* range = std::get_if<range_sweep>(&sweep)) {
    for (const number& value : range_elements(range->start, range->stop, range->step, most_sweep_elements))
      elements.emplace_back().value = value;
    return in_order(std::move(elements), range->order);
  }
  const auto* glob = std::get_if<glob_sweep>(&sweep);
  if (glob == nullptr) {
    throw error(errc::invalid_argument,
                "override '" + swept.input + "': an interval has no elements to run; use range or choice");
  }
  for (const auto& name : choices(source, swept.key)) {
    if (matches_any(glob->include, name) && !matches_any(glob->exclude, name)) elements.push_back({text_value{name}});
  }
  return elements;
}

bool targets_group(const config_override& parsed, const config_source& source) {
  const auto* value = plain_value(parsed);
  return !(value && std::holds_alternative<element_dictionary>(value->value)) && is_group(source, parsed.key);
}

}  // namespace qgrain::hydra
