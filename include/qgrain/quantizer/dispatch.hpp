// From a name at run time to a type: over a list that the caller writes, so that only those types are instantiated.
#ifndef QGRAIN_QUANTIZER_DISPATCH_HPP
#define QGRAIN_QUANTIZER_DISPATCH_HPP

#include <qgrain/core/concepts.hpp>
#include <qgrain/core/nearest_names.hpp>
#include <qgrain/quantizer/describe.hpp>

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace qgrain {

/// Quantizers to choose from by name; names differ (see dispatch).
template <quantizer_type... Quantizers>
struct recipe_list {};

namespace detail {

/// Whether two sequences of parts, put together, are the same text.
template <std::size_t N>
[[nodiscard]] constexpr bool same_text(const std::array<std::string_view, N>& a,
                                       const std::array<std::string_view, N>& b) noexcept {
  std::size_t part = 0;
  std::size_t letter = 0;
  const auto skip_ended = [&] {
    for (; part < N && letter == b[part].size(); letter = 0) ++part;
  };
  for (const std::string_view of_a : a) {
    for (const char wanted : of_a) {
      skip_ended();
      if (part == N || b[part][letter++] != wanted) return false;
    }
  }
  skip_ended();
  return part == N;
}

template <class... Quantizers>
[[nodiscard]] constexpr bool names_differ() noexcept {
  const std::array<std::array<std::string_view, 9>, sizeof...(Quantizers)> names{name_parts<Quantizers>()...};
  for (std::size_t i = 0; i < names.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (same_text(names[i], names[j])) return false;
    }
  }
  return true;
}

}  // namespace detail

/// The names of a list, in order, as `describe` makes them.
template <class... Quantizers>
[[nodiscard]] std::vector<std::string> recipe_names(recipe_list<Quantizers...>) {
  return {describe<Quantizers>().name...};
}

/// Calls `visit(std::type_identity<Q>{})` for the quantizer of that name; errc::unknown_name where there is none. A
/// list with two of one name does not compile.
template <class... Quantizers, class Visitor>
[[nodiscard]] status try_dispatch(recipe_list<Quantizers...>, std::string_view name, Visitor&& visit) {
  static_assert(detail::names_differ<Quantizers...>(),
                "qgrain: two quantizers of the list have the same name, which would stand for the first alone");
  const bool found =
      ((describe<Quantizers>().name == name ? (visit(std::type_identity<Quantizers>{}), true) : false) || ...);
  return found ? status{} : status(errc::unknown_name);
}
/// The same for callers with exceptions.
/// @throws error errc::unknown_name, naming the nearest names
template <class... Quantizers, class Visitor>
void dispatch(recipe_list<Quantizers...> list, std::string_view name, Visitor&& visit) {
  if (!try_dispatch(list, name, visit)) detail::raise(unknown_name_error("recipe", name, recipe_names(list)));
}

}  // namespace qgrain

#endif
