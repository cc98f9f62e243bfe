// torchao's MX in its four scale modes.
#include <quantize/coded_family.hpp>

#include <qgrain/quantizer/recipes.hpp>

#include <array>

namespace qgrain::convert {
namespace {

template <class Format, class Rule>
constexpr coded_family family(std::string_view name, std::string_view source, std::string_view also = {}) {
  coded_family f;
  f.name = name;
  f.also = also;
  f.source = source;
  f.elements = coding_of<qgrain::mx_by<Format, Rule>>;
  f.usual = "group32";
  f.only = granularity_kind::per_group;
  f.tail = group_tail::zero_padding;
  f.packing = Format::bits == 4 ? code_packing::low_first : code_packing::none;
  return f;
}
using rceil = e8m0_rceil_log2f<>;
constexpr std::string_view floor_source = "torchao FLOOR; OCP MX v1.0";

constexpr std::array families{
    family<float4_e2m1fn, e8m0_floor>("torchao_mxfp4/floor", floor_source, mxfp4_ocp::name()),
    family<float4_e2m1fn, e8m0_ceil>("torchao_mxfp4/ceil", "torchao CEIL"),
    family<float4_e2m1fn, e8m0_even>("torchao_mxfp4/even", "torchao EVEN", mxfp4_even::name()),
    family<float4_e2m1fn, rceil>("torchao_mxfp4/rceil", "torchao RCEIL", mxfp4_rceil::name()),
    family<float6_e2m3fn, e8m0_floor>("torchao_mxfp6_e2m3/floor", floor_source, mxfp6_e2m3_ocp::name()),
    family<float6_e2m3fn, e8m0_ceil>("torchao_mxfp6_e2m3/ceil", "torchao CEIL"),
    family<float6_e2m3fn, e8m0_even>("torchao_mxfp6_e2m3/even", "torchao EVEN"),
    family<float6_e2m3fn, rceil>("torchao_mxfp6_e2m3/rceil", "torchao RCEIL"),
    family<float6_e3m2fn, e8m0_floor>("torchao_mxfp6_e3m2/floor", floor_source, mxfp6_e3m2_ocp::name()),
    family<float6_e3m2fn, e8m0_ceil>("torchao_mxfp6_e3m2/ceil", "torchao CEIL"),
    family<float6_e3m2fn, e8m0_even>("torchao_mxfp6_e3m2/even", "torchao EVEN"),
    family<float6_e3m2fn, rceil>("torchao_mxfp6_e3m2/rceil", "torchao RCEIL"),
    family<float8_e4m3fn, e8m0_floor>("torchao_mxfp8_e4m3/floor", floor_source, mxfp8_e4m3_ocp::name()),
    family<float8_e4m3fn, e8m0_ceil>("torchao_mxfp8_e4m3/ceil", "torchao CEIL"),
    family<float8_e4m3fn, e8m0_even>("torchao_mxfp8_e4m3/even", "torchao EVEN"),
    family<float8_e4m3fn, rceil>("torchao_mxfp8_e4m3/rceil", "torchao RCEIL", mxfp8_e4m3_rceil::name()),
    family<float8_e5m2, e8m0_floor>("torchao_mxfp8_e5m2/floor", floor_source, mxfp8_e5m2_ocp::name()),
    family<float8_e5m2, e8m0_ceil>("torchao_mxfp8_e5m2/ceil", "torchao CEIL"),
    family<float8_e5m2, e8m0_even>("torchao_mxfp8_e5m2/even", "torchao EVEN"),
    family<float8_e5m2, rceil>("torchao_mxfp8_e5m2/rceil", "torchao RCEIL"),
};

}  // namespace

std::span<const coded_family> torchao_mx_families() { return families; }

}  // namespace qgrain::convert
