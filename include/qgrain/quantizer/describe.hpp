// A quantizer type in plain words, for logs and reports.
#ifndef QGRAIN_QUANTIZER_DESCRIBE_HPP
#define QGRAIN_QUANTIZER_DESCRIBE_HPP

#include <qgrain/core/concepts.hpp>

#include <string>
#include <string_view>

namespace qgrain {

struct quantizer_description {
  std::string name;  ///< "<format>/<granularity>", policies other than the defaults appended, or the recipe's own name
  std::string_view format;
  std::string_view granularity;
  std::string_view scale;
  std::string_view rounding;
  double bits_per_element;
};

template <quantizer_type Q>
[[nodiscard]] quantizer_description describe() {
  quantizer_description text{{},
                             Q::format_type::name(),
                             Q::granularity_type::name(),
                             Q::scale_type::name(),
                             Q::rounding_type::name(),
                             Q::bits_per_element};
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
