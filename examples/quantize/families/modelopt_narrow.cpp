// ModelOpt's TensorQuantizer with narrow_range, and nf4 as fake quantization.
#include "../coded_family.hpp"

#include <qgrain/granularity/per_tensor.hpp>
#include <qgrain/quantizer/modelopt_nf4.hpp>
#include <qgrain/quantizer/recipes.hpp>

#include <array>

namespace qgrain::convert {
namespace {

template <class Q>
constexpr coded_family family(std::string_view name, std::string_view source = "ModelOpt TensorQuantizer") {
  coded_family f;
  f.name = name;
  f.source = source;
  f.elements = faking_of<Q>;
  f.tail = group_tail::zero_padding;
  f.codes = f.scales = false;
  f.amax = f.fake = true;
  f.shapes = scale_shape::modelopt;
  return f;
}
template <class Integer>
using integer_of = modelopt_integer<Integer, per_tensor>;

constexpr std::array families{
    family<integer_of<int2_narrow>>("modelopt_int2/narrow"),
    family<integer_of<int3_narrow>>("modelopt_int3/narrow"),
    family<integer_of<int4_narrow>>("modelopt_int4/narrow"),
    family<integer_of<int5_narrow>>("modelopt_int5/narrow"),
    family<integer_of<int6_narrow>>("modelopt_int6/narrow"),
    family<integer_of<int7_narrow>>("modelopt_int7/narrow"),
    family<integer_of<int8_narrow>>("modelopt_int8/narrow"),
    family<modelopt_packed_nf4<per_tensor>>("nf4", "fake quantization to ModelOpt's NF4 levels"),
};

}  // namespace

std::span<const coded_family> modelopt_narrow_families() { return families; }

}  // namespace qgrain::convert
