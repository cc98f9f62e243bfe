// A quantizer type in plain words, for logs and reports.
#ifndef QGRAIN_QUANTIZER_DESCRIBE_HPP
#define QGRAIN_QUANTIZER_DESCRIBE_HPP

#include <qgrain/core/concepts.hpp>
#include <qgrain/granularity/per_group.hpp>

#include <string>
#include <string_view>

namespace qgrain {

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
  if constexpr (requires { Q::name(); }) {
    text.name = Q::name();
  } else {
    text.name.append(text.format).append("/").append(text.granularity);
    if (text.scale != "absmax_f32") text.name.append("/").append(text.scale);
    if (text.rounding != "nearest_even") text.name.append("/").append(text.rounding);
  }
  return text;
}

}  // namespace qgrain

#endif
