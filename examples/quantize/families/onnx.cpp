// ONNX QuantizeLinear and DynamicQuantizeLinear.
#include <quantize/coded_family.hpp>

#include <qgrain/format/float4.hpp>
#include <qgrain/format/float8.hpp>
#include <qgrain/granularity/per_tensor.hpp>
#include <qgrain/quantizer/plain_cast.hpp>
#include <qgrain/quantizer/tool_recipes.hpp>

#include <array>

namespace qgrain::convert {
namespace {

constexpr coded_family family(std::string_view name, const operations_by_type& elements) {
  coded_family f;
  f.name = name;
  f.source = "ONNX QuantizeLinear";
  f.elements = elements;
  f.shapes = scale_shape::onnx;
  return f;
}
/// Codes below eight bits are kept in their low bits, and packed over the whole tensor.
template <class Integer>
constexpr coded_family integer_family(std::string_view name) {
  coded_family f = family(name, coding_of<onnx_integer<Integer, per_tensor>>);
  f.form = Integer::bits < 8 ? code_form::low_bits : code_form::value;
  f.packing = Integer::bits < 8 ? code_packing::flat : code_packing::none;
  return f;
}
template <class Format>
constexpr coded_family float_family(std::string_view name) {
  coded_family f = family(name, coding_of<quantizer<Format, per_tensor>>);
  f.packing = Format::bits < 8 ? code_packing::flat : code_packing::none;
  return f;
}
constexpr coded_family dynamic_family() {
  coded_family f = family("onnx_dynamic_uint8", coding_of<onnx_dynamic_uint8>);
  f.source = onnx_dynamic_uint8::source();
  f.usual = "per_tensor";
  f.only = granularity_kind::per_tensor;
  return f;
}

constexpr std::array families{
    integer_family<int8>("onnx_int8"),
    integer_family<uint8>("onnx_uint8"),
    integer_family<int16>("onnx_int16"),
    integer_family<uint16>("onnx_uint16"),
    integer_family<int4>("onnx_int4"),
    integer_family<uint4>("onnx_uint4"),
    integer_family<int2>("onnx_int2"),
    integer_family<uint2>("onnx_uint2"),
    float_family<float8_e4m3fn>("onnx_float8e4m3fn"),
    float_family<float8_e5m2>("onnx_float8e5m2"),
    float_family<float8_e4m3fnuz>("onnx_float8e4m3fnuz"),
    float_family<float8_e5m2fnuz>("onnx_float8e5m2fnuz"),
    float_family<plain_cast<float8_e4m3fn>>("onnx_float8e4m3fn/saturate0"),
    float_family<plain_cast<float8_e5m2>>("onnx_float8e5m2/saturate0"),
    float_family<plain_cast<float8_e4m3fnuz>>("onnx_float8e4m3fnuz/saturate0"),
    float_family<plain_cast<float8_e5m2fnuz>>("onnx_float8e5m2fnuz/saturate0"),
    float_family<float4_e2m1fn>("onnx_float4e2m1"),
    dynamic_family(),
};

}  // namespace

std::span<const coded_family> onnx_families() { return families; }

}  // namespace qgrain::convert
