#include <hydra/element_order.hpp>

#include <qgrain/core/status.hpp>

#include <algorithm>
#include <random>
#include <utility>
#include <vector>

namespace qgrain::hydra {
namespace {

std::partial_ordering order_of(const element& a, const element& b) {
  const auto number_a = numeric(a), number_b = numeric(b);
  if (number_a && number_b) return compare(*number_a, *number_b);
  const auto* text_a = std::get_if<text_value>(&a.value);
  const auto* text_b = std::get_if<text_value>(&b.value);
  if (text_a && text_b && text_a->quote == quote_mark::none && text_b->quote == quote_mark::none) {
    return text_a->characters <=> text_b->characters;
  }
  const auto* list_a = std::get_if<element_list>(&a.value);
  const auto* list_b = std::get_if<element_list>(&b.value);
  if (list_a && list_b) {
    return std::lexicographical_compare_three_way(list_a->begin(), list_a->end(), list_b->begin(), list_b->end(),
                                                  order_of);
  }
  throw error(errc::invalid_argument, "cannot order " + canonical_text(a) + " and " + canonical_text(b));
}

}  // namespace

element_list sorted(element_list elements, sort_direction direction) {
  // insertion keeps its footing where NaN makes the order inconsistent
  const auto before = [direction](const element* a, const element* b) {
    return direction == sort_direction::ascending ? order_of(*a, *b) < 0 : order_of(*b, *a) < 0;
  };
  std::vector<element*> order;
  for (auto& next : elements) order.insert(std::upper_bound(order.begin(), order.end(), &next, before), &next);
  element_list result;
  result.reserve(elements.size());
  for (element* next : order) result.push_back(std::move(*next));
  return result;
}

range_sweep sorted(range_sweep range, sort_direction direction) {
  const auto order = compare(range.start, range.stop);
  const bool ascending = direction == sort_direction::ascending;
  if (ascending ? order > 0 : order < 0) {
    const number stride = ascending ? magnitude(range.step) : negated(magnitude(range.step));
    range.start = add(range.start, stride);
    range.stop = add(range.stop, stride);
    std::swap(range.start, range.stop);
    range.step = negated(range.step);
  }
  return range;
}

element_list shuffled(element_list elements) {
  std::mt19937 generator;  // its sequence is fixed by the standard, that of std::shuffle is not
  for (std::size_t left = elements.size(); left > 1; --left)
    std::swap(elements[left - 1], elements[generator() % left]);
  return elements;
}

}  // namespace qgrain::hydra
