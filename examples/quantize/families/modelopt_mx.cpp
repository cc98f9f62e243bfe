// MX as ModelOpt's GPU kernel fakes it (exact exponents), and its packed MX tensors.
#include <quantize/coded_family.hpp>

#include <qgrain/quantizer/recipes.hpp>

#include <array>

namespace qgrain::convert {
namespace {

template <class Format>
constexpr coded_family kernel(std::string_view name, std::string_view also = {}) {
  coded_family f;
  f.name = name;
  f.also = also;
  f.source = "ModelOpt MX kernel";
  f.elements = coding_and_faking_of<modelopt_mx_fake<Format>>;
  f.usual = "group32";
  f.only = granularity_kind::per_group;
  f.tail = group_tail::zero_padding;
  f.fake = true;
  f.packing = Format::bits == 4 ? code_packing::low_first : code_packing::none;
  return f;
}

/// MXFP4QTensor's groups run over the flattened tensor (`view(-1, 32)`), MXFP8QTensor's within rows.
template <class Q>
constexpr coded_family packed(std::string_view name, scale_shape shapes) {
  coded_family f;
  f.name = name;
  f.also = Q::name();
  f.source = Q::source();
  f.elements = coding_of<Q>;
  f.usual = "group32";
  f.only = granularity_kind::per_group;
  f.flattened = Q::format_type::bits == 4;
  f.tail = f.flattened ? group_tail::reject : group_tail::zero_padding;
  f.packing = Q::format_type::bits == 4 ? code_packing::low_first : code_packing::none;
  f.shapes = shapes;
  return f;
}

constexpr std::array families{
    kernel<float4_e2m1fn>("modelopt_mxfp4"),
    kernel<float6_e2m3fn>("modelopt_mxfp6_e2m3", mxfp6_e2m3_rceil::name()),
    kernel<float6_e3m2fn>("modelopt_mxfp6_e3m2", mxfp6_e3m2_rceil::name()),
    kernel<float8_e4m3fn>("modelopt_mxfp8_e4m3"),
    kernel<float8_e5m2>("modelopt_mxfp8_e5m2", mxfp8_e5m2_rceil::name()),
    kernel<int8>("modelopt_mxint8", mxint8_rceil::name()),
    packed<mxfp4_modelopt>("modelopt_mxfp4_values", scale_shape::list),
    packed<mxfp4_modelopt_packed>("modelopt_mxfp4_packed", scale_shape::list),
    packed<mxfp8_e4m3_modelopt>("modelopt_mxfp8_packed", scale_shape::keep),
};

}  // namespace

std::span<const coded_family> modelopt_mx_families() { return families; }

}  // namespace qgrain::convert
