// ModelOpt's TensorQuantizer: full-range and unsigned integers, fp8.
#include <quantize/families/modelopt_faking.hpp>

#include <array>

namespace qgrain::convert {
namespace {

constexpr std::array families{
    modelopt_faking_integer<int2>("modelopt_int2", "int2"),
    modelopt_faking_integer<int3>("modelopt_int3", "int3"),
    modelopt_faking_integer<int4>("modelopt_int4", "int4"),
    modelopt_faking_integer<int5>("modelopt_int5", "int5"),
    modelopt_faking_integer<int6>("modelopt_int6", "int6"),
    modelopt_faking_integer<int7>("modelopt_int7", "int7"),
    modelopt_faking_integer<int8>("modelopt_int8", "int8"),
    modelopt_faking_integer<uint2>("modelopt_uint2"),
    modelopt_faking_integer<integer<3, integer_range::nonnegative>>("modelopt_uint3"),
    modelopt_faking_integer<uint4>("modelopt_uint4"),
    modelopt_faking_integer<uint5>("modelopt_uint5"),
    modelopt_faking_integer<uint6>("modelopt_uint6"),
    modelopt_faking_integer<uint7>("modelopt_uint7"),
    modelopt_faking_integer<uint8>("modelopt_uint8"),
    modelopt_faking<modelopt_fp8<per_tensor>>("modelopt_fp8", "fp8"),
};

}  // namespace

std::span<const coded_family> modelopt_fake_families() { return families; }

}  // namespace qgrain::convert
