// torchao's affine integers of one width.
#ifndef QGRAIN_QUANTIZE_FAMILIES_TORCHAO_INTEGERS_HPP
#define QGRAIN_QUANTIZE_FAMILIES_TORCHAO_INTEGERS_HPP

#include <quantize/coded_family.hpp>

#include <qgrain/granularity/per_tensor.hpp>
#include <qgrain/quantizer/tool_recipes.hpp>

#include <array>
#include <string_view>

namespace qgrain::convert::torchao {

template <template <class, class, class> class Recipe, class Integer>
inline constexpr operations_by_type in_own_type =
    coding_of<Recipe<Integer, per_tensor, float>, Recipe<Integer, per_tensor, bfloat16>,
              Recipe<Integer, per_tensor, float16>>;
template <class F, class G, class T>
using clipped = torchao_symmetric<F, G, T>;
template <class F, class G, class T>
using unclipped = torchao_symmetric_unclipped<F, G, T>;
template <class F, class G, class T>
using asymmetric = torchao_asymmetric<F, G, T>;

[[nodiscard]] constexpr coded_family integer_family(std::string_view name, std::string_view source,
                                                    const operations_by_type& elements) {
  coded_family f;
  f.name = name;
  f.source = source;
  f.elements = elements;
  f.zero_zero_points = !elements[0]->has_zero_points();
  f.shapes = scale_shape::squeezed;
  return f;
}

/// Symmetric, symmetric without clipping, asymmetric.
template <class Integer>
[[nodiscard]] constexpr std::array<coded_family, 3> integer_families(const std::array<std::string_view, 3>& names) {
  return {integer_family(names[0], "torchao SYMMETRIC", in_own_type<clipped, Integer>),
          integer_family(names[1], "torchao SYMMETRIC_NO_CLIPPING_ERR", in_own_type<unclipped, Integer>),
          integer_family(names[2], "torchao ASYMMETRIC", in_own_type<asymmetric, Integer>)};
}

}  // namespace qgrain::convert::torchao

#endif
