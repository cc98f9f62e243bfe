// ModelOpt's packed integers and fp8: its INT4QTensor, INT8QTensor and FP8QTensor.
#include <quantize/coded_family.hpp>

#include <qgrain/granularity/per_tensor.hpp>
#include <qgrain/quantizer/tool_recipes.hpp>

#include <array>

namespace qgrain::convert {
namespace {

template <template <class, class> class Recipe>
inline constexpr operations_by_type in_own_type =
    coding_of<Recipe<per_tensor, float>, Recipe<per_tensor, bfloat16>, Recipe<per_tensor, float16>>;

template <class Granularity, class T>
using packed_int4 = modelopt_packed_int4<Granularity, T>;
template <class Granularity, class T>
using packed_int8 = modelopt_packed_int8<Granularity, T>;
template <class Granularity, class T>
using packed_fp8 = modelopt_packed_fp8<Granularity, T>;

constexpr coded_family int4_family() {
  coded_family f;
  f.name = "modelopt_int4_packed";
  f.source = modelopt_int4_packed::source();
  f.elements = in_own_type<packed_int4>;
  f.only = granularity_kind::per_group;
  f.flattened = true;
  f.tail = group_tail::reject;
  f.form = code_form::offset;
  f.packing = code_packing::high_first;
  f.shapes = scale_shape::list;
  return f;
}
constexpr coded_family eight_bits(std::string_view name, std::string_view source, const operations_by_type& elements,
                                  bool padded) {
  coded_family f;
  f.name = name;
  f.source = source;
  f.elements = elements;
  f.tail = group_tail::zero_padding;
  f.padded = padded;
  f.shapes = scale_shape::scalar;
  return f;
}

constexpr std::array families{
    int4_family(),
    eight_bits("modelopt_int8_packed", modelopt_int8_packed::source(), in_own_type<packed_int8>, true),
    eight_bits("modelopt_fp8_packed", modelopt_fp8_packed::source(), in_own_type<packed_fp8>, false),
};

}  // namespace

std::span<const coded_family> modelopt_packed_families() { return families; }

}  // namespace qgrain::convert
