// ModelOpt's TensorQuantizer with narrow_range, and nf4 as fake quantization.
#include <quantize/families/modelopt_faking.hpp>

#include <qgrain/quantizer/modelopt_nf4.hpp>

#include <array>

namespace qgrain::convert {
namespace {

constexpr std::array families{
    modelopt_faking_integer<int2_narrow>("modelopt_int2/narrow"),
    modelopt_faking_integer<int3_narrow>("modelopt_int3/narrow"),
    modelopt_faking_integer<int4_narrow>("modelopt_int4/narrow"),
    modelopt_faking_integer<int5_narrow>("modelopt_int5/narrow"),
    modelopt_faking_integer<int6_narrow>("modelopt_int6/narrow"),
    modelopt_faking_integer<int7_narrow>("modelopt_int7/narrow"),
    modelopt_faking_integer<int8_narrow>("modelopt_int8/narrow"),
    modelopt_faking<modelopt_packed_nf4<per_tensor>>("nf4", {}, "fake quantization to ModelOpt's NF4 levels"),
};

}  // namespace

std::span<const coded_family> modelopt_narrow_families() { return families; }

}  // namespace qgrain::convert
