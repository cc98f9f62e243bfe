// compressed-tensors: integers, fp8, and its packed words.
#include <quantize/coded_family.hpp>

#include <qgrain/granularity/per_tensor.hpp>
#include <qgrain/quantizer/tool_recipes.hpp>

#include <array>

namespace qgrain::convert {
namespace {

template <template <class, class, class> class Recipe, class Format>
inline constexpr operations_by_type in_own_type =
    coding_of<Recipe<Format, per_tensor, float>, Recipe<Format, per_tensor, bfloat16>,
              Recipe<Format, per_tensor, float16>>;
template <class F, class G, class T>
using symmetric = compressed_tensors_symmetric<F, G, T>;
template <class F, class G, class T>
using asymmetric = compressed_tensors_asymmetric<F, G, T>;

constexpr coded_family family(std::string_view name, const operations_by_type& elements,
                              code_packing packing = code_packing::none) {
  coded_family f;
  f.name = name;
  f.source = packing == code_packing::none ? "compressed-tensors" : "compressed-tensors pack-quantized";
  f.elements = elements;
  f.packing = packing;
  f.shapes = scale_shape::single;
  return f;
}

constexpr std::array families{
    family("ct_int8", in_own_type<symmetric, int8>),
    family("ct_int8_asymmetric", in_own_type<asymmetric, int8>),
    family("ct_int4", in_own_type<symmetric, int4>),
    family("ct_int4_asymmetric", in_own_type<asymmetric, int4>),
    family("ct_fp8", in_own_type<symmetric, float8_e4m3fn>),
    family("ct_int8/pack_int32", in_own_type<symmetric, int8>, code_packing::int32),
    family("ct_int8_asymmetric/pack_int32", in_own_type<asymmetric, int8>, code_packing::int32),
    family("ct_int4/pack_int32", in_own_type<symmetric, int4>, code_packing::int32),
    family("ct_int4_asymmetric/pack_int32", in_own_type<asymmetric, int4>, code_packing::int32),
};

}  // namespace

std::span<const coded_family> compressed_tensors_families() { return families; }

}  // namespace qgrain::convert
