// torchao's affine integers.
#include "../coded_family.hpp"

#include <qgrain/granularity/per_tensor.hpp>
#include <qgrain/quantizer/tool_recipes.hpp>

#include <array>

namespace qgrain::convert {
namespace {

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

constexpr coded_family integer_family(std::string_view name, std::string_view source,
                                      const operations_by_type& elements) {
  coded_family f;
  f.name = name;
  f.source = source;
  f.elements = elements;
  f.zero_zero_points = !elements[0]->has_zero_points();
  f.shapes = scale_shape::squeezed;
  return f;
}

constexpr std::array families{
    integer_family("torchao_int8", "torchao SYMMETRIC", in_own_type<clipped, int8>),
    integer_family("torchao_int8_unclipped", "torchao SYMMETRIC_NO_CLIPPING_ERR", in_own_type<unclipped, int8>),
    integer_family("torchao_int8_asymmetric", "torchao ASYMMETRIC", in_own_type<asymmetric, int8>),
    integer_family("torchao_int4", "torchao SYMMETRIC", in_own_type<clipped, int4>),
    integer_family("torchao_int4_unclipped", "torchao SYMMETRIC_NO_CLIPPING_ERR", in_own_type<unclipped, int4>),
    integer_family("torchao_int4_asymmetric", "torchao ASYMMETRIC", in_own_type<asymmetric, int4>),
};

}  // namespace

std::span<const coded_family> torchao_families() { return families; }

}  // namespace qgrain::convert
