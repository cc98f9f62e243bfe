// ModelOpt's TensorQuantizer: full-range and unsigned integers, fp8.
#include "../coded_family.hpp"

#include <qgrain/granularity/per_tensor.hpp>
#include <qgrain/quantizer/modelopt_nf4.hpp>
#include <qgrain/quantizer/recipes.hpp>

#include <array>

namespace qgrain::convert {
namespace {

template <class Q>
constexpr coded_family family(std::string_view name, std::string_view also = {}) {
  coded_family f;
  f.name = name;
  f.also = also;
  f.source = "ModelOpt TensorQuantizer";
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
    family<integer_of<int2>>("modelopt_int2", "int2"),
    family<integer_of<int3>>("modelopt_int3", "int3"),
    family<integer_of<int4>>("modelopt_int4", "int4"),
    family<integer_of<int5>>("modelopt_int5", "int5"),
    family<integer_of<int6>>("modelopt_int6", "int6"),
    family<integer_of<int7>>("modelopt_int7", "int7"),
    family<integer_of<int8>>("modelopt_int8", "int8"),
    family<integer_of<uint2>>("modelopt_uint2"),
    family<integer_of<integer<3, integer_range::nonnegative>>>("modelopt_uint3"),
    family<integer_of<uint4>>("modelopt_uint4"),
    family<integer_of<uint5>>("modelopt_uint5"),
    family<integer_of<uint6>>("modelopt_uint6"),
    family<integer_of<uint7>>("modelopt_uint7"),
    family<integer_of<uint8>>("modelopt_uint8"),
    family<modelopt_fp8<per_tensor>>("modelopt_fp8", "fp8"),
};

}  // namespace

std::span<const coded_family> modelopt_fake_families() { return families; }

}  // namespace qgrain::convert
