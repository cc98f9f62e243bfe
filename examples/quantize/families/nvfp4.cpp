// NVFP4 of four tools.
#include <quantize/coded_family.hpp>

#include <qgrain/quantizer/tool_recipes.hpp>

#include <array>

namespace qgrain::convert {
namespace {

constexpr coded_family family(std::string_view name, std::string_view also, std::string_view source,
                              const operations_by_type& elements) {
  coded_family f;
  f.name = name;
  f.also = also;
  f.source = source;
  f.elements = elements;
  f.usual = "group16";
  f.only = granularity_kind::per_group;
  f.tail = group_tail::zero_padding;
  f.packing = code_packing::low_first;
  return f;
}
template <class Q, class BF16 = Q, class F16 = Q>
constexpr coded_family packed(std::string_view name, bool padded = false) {
  coded_family f = family(name, Q::name(), Q::source(), coding_of<Q, BF16, F16>);
  f.padded = padded;
  return f;
}
constexpr coded_family kernel() {
  coded_family f = family("modelopt_nvfp4", nvfp4_modelopt_kernel::name(), nvfp4_modelopt_kernel::source(),
                          faking_of<nvfp4_modelopt_kernel>);
  f.codes = f.scales = false;
  f.amax = f.fake = true;
  f.packing = code_packing::none;
  return f;
}

template <class T>
using torchao = qgrain::nvfp4_by<torchao_block_scale<T>>;
template <class T>
using compressed = qgrain::nvfp4_by<compressed_tensors_block_scale<T>>;

constexpr std::array families{
    kernel(),
    packed<nvfp4_modelopt>("modelopt_nvfp4_packed", true),
    packed<nvfp4_torchao, torchao<bfloat16>, torchao<float16>>("torchao_nvfp4"),
    packed<nvfp4_torchao_one_level>("torchao_nvfp4_one_level"),
    packed<ct_nvfp4, compressed<bfloat16>, compressed<float16>>("ct_nvfp4"),
};

}  // namespace

std::span<const coded_family> nvfp4_families() { return families; }

}  // namespace qgrain::convert
