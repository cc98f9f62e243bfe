// compressed-tensors: integers, fp8, and its packed words.
#include <quantize/coded_family.hpp>

#include <qgrain/granularity/per_tensor.hpp>
#include <qgrain/quantizer/tool_recipes.hpp>
#include <qgrain/scale/exported.hpp>

#include <algorithm>
#include <array>
#include <cstdint>

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

/// Scales and zero points of 2, 3, 5, 6 and 7 bits are those of 0.20, which packs these densely.
template <class F, class G, class T>
using narrow_symmetric = quantizer<F, G, symmetric_by<divide_add_round, zero_scale_is_epsilon, T, to_half_range>>;
template <class F, class G, class T>
using narrow_asymmetric =
    quantizer<F, G, affine_by<divide_add_round, zero_point_before_epsilon, zero_scale_is_epsilon, T, std::int8_t>>;

/// Codes of int8 that are kept within fewer bits.
template <const coding_stage& Wide, int Bits>
void encode_narrow(const on_host& where, matrix_view<const float> in, shape2d group, const std::byte* stored,
                   float tensor_scale, std::uint64_t seed, std::byte* codes) {
  Wide.encode(where, in, group, stored, tensor_scale, seed, codes);
  constexpr int most = (1 << (Bits - 1)) - 1;
  auto* code = reinterpret_cast<std::int8_t*>(codes);
  for (index_t i = 0; i < in.shape.elements(); ++i)
    code[i] = static_cast<std::int8_t>(std::clamp<int>(code[i], -most - 1, most));
}

/// A width of its own only where scales are made: the loops are those of int8 under the same kind of scales, since a
/// code that int8 rounds and the width then cuts off is the width's own.
template <class Narrow, const coding_stage& Wide>
constexpr coding_stage narrow_stage() {
  coding_stage s = coding_stage_of<Narrow, stage_parts::scales>();
  s.encode = &encode_narrow<Wide, Narrow::format_type::bits>;
  s.decode = Wide.decode;
  return s;
}
template <class Narrow, const coding_stage& Wide>
inline constexpr coding_stage narrow_stage_of = narrow_stage<Narrow, Wide>();

template <template <class, class, class> class Narrow, template <class, class, class> class Wide, class Format>
inline constexpr operations_by_type narrow_in_own_type = {
    &narrow_stage_of<Narrow<Format, per_tensor, float>, stage_of<Wide<int8, per_tensor, float>, stage_parts::codes>>,
    &narrow_stage_of<Narrow<Format, per_tensor, bfloat16>,
                     stage_of<Wide<int8, per_tensor, bfloat16>, stage_parts::codes>>,
    &narrow_stage_of<Narrow<Format, per_tensor, float16>,
                     stage_of<Wide<int8, per_tensor, float16>, stage_parts::codes>>};
template <class Format>
inline constexpr operations_by_type narrow = narrow_in_own_type<narrow_symmetric, symmetric, Format>;
template <class Format>
inline constexpr operations_by_type narrow_with_zero = narrow_in_own_type<narrow_asymmetric, asymmetric, Format>;

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

constexpr coded_family mxfp8_family() {
  coded_family f;
  f.name = "ct_mxfp8";
  f.source = "compressed-tensors mxfp8-quantized";
  f.elements = coding_of<mx_by<float8_e4m3fn, e8m0_even_e2m1<>>, mx_by<float8_e4m3fn, e8m0_even_e2m1<>>,
                         mx_by<float8_e4m3fn, e8m0_even_e2m1<float16>>>;
  f.usual = "group32";
  f.only = granularity_kind::per_group;
  f.tail = group_tail::reject;
  return f;
}

constexpr code_packing dense = code_packing::int32_dense;
constexpr std::array families{
    mxfp8_family(),
    family("ct_int2", narrow<int2>),
    family("ct_int2/pack_dense", narrow<int2>, dense),
    family("ct_int2_asymmetric", narrow_with_zero<int2>),
    family("ct_int2_asymmetric/pack_dense", narrow_with_zero<int2>, dense),
    family("ct_int3", narrow<int3>),
    family("ct_int3/pack_dense", narrow<int3>, dense),
    family("ct_int3_asymmetric", narrow_with_zero<int3>),
    family("ct_int3_asymmetric/pack_dense", narrow_with_zero<int3>, dense),
    family("ct_int5", narrow<int5>),
    family("ct_int5/pack_dense", narrow<int5>, dense),
    family("ct_int5_asymmetric", narrow_with_zero<int5>),
    family("ct_int5_asymmetric/pack_dense", narrow_with_zero<int5>, dense),
    family("ct_int6", narrow<int6>),
    family("ct_int6/pack_dense", narrow<int6>, dense),
    family("ct_int6_asymmetric", narrow_with_zero<int6>),
    family("ct_int6_asymmetric/pack_dense", narrow_with_zero<int6>, dense),
    family("ct_int7", narrow<int7>),
    family("ct_int7/pack_dense", narrow<int7>, dense),
    family("ct_int7_asymmetric", narrow_with_zero<int7>),
    family("ct_int7_asymmetric/pack_dense", narrow_with_zero<int7>, dense),
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
