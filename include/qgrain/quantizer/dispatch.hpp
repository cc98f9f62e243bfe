// From a name at run time to a type: over a list that the caller writes, so that only those types are instantiated.
#ifndef QGRAIN_QUANTIZER_DISPATCH_HPP
#define QGRAIN_QUANTIZER_DISPATCH_HPP

#include <qgrain/core/concepts.hpp>
#include <qgrain/core/nearest_names.hpp>
#include <qgrain/quantizer/describe.hpp>

#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace qgrain {

template <quantizer_type... Quantizers>
struct recipe_list {};

/// The names of a list, in order, as `describe` makes them.
template <class... Quantizers>
[[nodiscard]] std::vector<std::string> recipe_names(recipe_list<Quantizers...>) {
  return {describe<Quantizers>().name...};
}

/// Calls `visit(std::type_identity<Q>{})` for the quantizer of that name.
/// @throws error errc::unknown_name, naming the nearest names
template <class... Quantizers, class Visitor>
void dispatch(recipe_list<Quantizers...> list, std::string_view name, Visitor&& visit) {
  const bool found =
      ((describe<Quantizers>().name == name ? (visit(std::type_identity<Quantizers>{}), true) : false) || ...);
  if (!found) throw unknown_name_error("recipe", name, recipe_names(list));
}

}  // namespace qgrain

#endif
