// A quantizer type in plain words, for logs and reports.
#ifndef QGRAIN_QUANTIZER_DESCRIBE_HPP
#define QGRAIN_QUANTIZER_DESCRIBE_HPP

#include <qgrain/core/concepts.hpp>
#include <qgrain/granularity/per_group.hpp>

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace qgrain {

/// What a quantizer is, in words and bits; the texts are its policies' own names.
struct quantizer_description {
  std::string name;  ///< "<format>/<granularity>", policies other than the defaults appended, or the recipe's own name
  std::string_view format;
  std::string_view granularity;
  std::string_view scale;
  std::string_view rounding;
  double bits_per_element;  ///< scales and zero points counted, where the size of a group does not depend on the shape
  std::string_view tail;    ///< what a partial last group does; empty where there is none
  std::string_view source;  ///< whose convention it is; empty for compositions without a name
};

/// As in the name of a quantizer that has none of its own.
[[nodiscard]] constexpr std::string_view tail_name(group_tail tail) noexcept {
  switch (tail) {
    case group_tail::short_group:
      return "short_group";
    case group_tail::zero_padding:
      return "zero_padding";
    case group_tail::reject:
      return "reject";
  }
  return "";
}

namespace detail {

/// What the name of a quantizer is made of, in order: its own name, or format, granularity and the policies that are
/// not the defaults.
template <quantizer_type Q>
[[nodiscard]] constexpr std::array<std::string_view, 9> name_parts() noexcept {
  if constexpr (requires { Q::name(); }) {
    return {Q::name()};
  } else {
    std::array<std::string_view, 9> parts{Q::format_type::name(), "/", Q::granularity_type::name()};
    std::size_t count = 3;
    const auto append = [&](std::string_view part, std::string_view usual) {
      if (part == usual) return;
      parts[count++] = "/";
      parts[count++] = part;
    };
    append(Q::scale_type::name(), "absmax_f32");
    append(Q::rounding_type::name(), "nearest_even");
    if constexpr (requires { Q::granularity_type::tail; }) {
      append(tail_name(Q::granularity_type::tail), tail_name(group_tail::short_group));
    }
    return parts;
  }
}

}  // namespace detail

/// The description of a quantizer; `name` is its own where it has one, else made of its policies' names.
template <quantizer_type Q>
[[nodiscard]] quantizer_description describe() {
  quantizer_description text{{},
                             Q::format_type::name(),
                             Q::granularity_type::name(),
                             Q::scale_type::name(),
                             Q::rounding_type::name(),
                             Q::bits_per_element,
                             {},
                             {}};
  if constexpr (requires { Q::granularity_type::tail; }) text.tail = tail_name(Q::granularity_type::tail);
  if constexpr (requires { Q::source(); }) text.source = Q::source();
  for (const std::string_view part : detail::name_parts<Q>()) text.name.append(part);
  return text;
}

}  // namespace qgrain

#endif
