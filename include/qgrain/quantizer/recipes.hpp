// Named compositions: each convention of a tool or standard that the library reproduces, as one type.
#ifndef QGRAIN_QUANTIZER_RECIPES_HPP
#define QGRAIN_QUANTIZER_RECIPES_HPP

#include <qgrain/format/float4.hpp>
#include <qgrain/format/float6.hpp>
#include <qgrain/format/float8.hpp>
#include <qgrain/format/integer.hpp>
#include <qgrain/format/rounding.hpp>
#include <qgrain/granularity/per_channel.hpp>
#include <qgrain/granularity/per_group.hpp>
#include <qgrain/granularity/per_tensor.hpp>
#include <qgrain/quantizer/named_recipe.hpp>
#include <qgrain/quantizer/quantizer.hpp>
#include <qgrain/scale/absmax.hpp>
#include <qgrain/scale/power_of_two.hpp>
#include <qgrain/scale/two_level.hpp>

namespace qgrain {

/// Integers as ModelOpt's TensorQuantizer fakes them. `Integer` is int2 to int8 or a narrow or unsigned variant.
template <element_format Integer, granularity_policy Granularity>
using modelopt_integer = quantizer<Integer, Granularity, absmax_f32_by<multiply_by_ratio>>;

/// E4M3 as ModelOpt's TensorQuantizer fakes it on the CPU.
template <granularity_policy Granularity>
using modelopt_fp8 = quantizer<float8_e4m3fn, Granularity, absmax_f32_by<multiply_by_reciprocal>>;

namespace detail {
using mx_group = per_group<32, group_tail::zero_padding>;
using nv_group = per_group<16, group_tail::zero_padding>;
template <class Format, class Rule, class Rounding = nearest_even>
using mx = quantizer<Format, mx_group, absmax_e8m0_by<Rule>, Rounding>;
template <class Rule>
using nv = quantizer<float4_e2m1fn, nv_group, absmax_two_level<float8_e4m3fn, Rule>>;
}  // namespace detail

// Microscaling: groups of 32 and one power of two. `_ocp` is the standard's conversion, the others are torchao's and
// ModelOpt's rules of the same names. A recipe carries its published name and its source.
using mxfp4_ocp = named_recipe<"mxfp4_ocp", "OCP MX v1.0; torchao FLOOR", detail::mx<float4_e2m1fn, e8m0_floor>>;
using mxfp4_even = named_recipe<"mxfp4_even", "torchao EVEN", detail::mx<float4_e2m1fn, e8m0_even>>;
using mxfp4_rceil = named_recipe<"mxfp4_rceil", "torchao RCEIL", detail::mx<float4_e2m1fn, e8m0_rceil_log2f<>>>;
/// ModelOpt's packed MXFP4: ties toward zero.
using mxfp4_modelopt = named_recipe<"mxfp4_modelopt", "ModelOpt MXFP4QTensor, values",
                                    detail::mx<float4_e2m1fn, e8m0_rceil_log2f<127>, ties_to_zero>>;
using mxfp6_e2m3_ocp =
    named_recipe<"mxfp6_e2m3_ocp", "OCP MX v1.0; torchao FLOOR", detail::mx<float6_e2m3fn, e8m0_floor>>;
using mxfp6_e3m2_ocp =
    named_recipe<"mxfp6_e3m2_ocp", "OCP MX v1.0; torchao FLOOR", detail::mx<float6_e3m2fn, e8m0_floor>>;
using mxfp8_e4m3_ocp =
    named_recipe<"mxfp8_e4m3_ocp", "OCP MX v1.0; torchao FLOOR", detail::mx<float8_e4m3fn, e8m0_floor>>;
using mxfp8_e4m3_rceil =
    named_recipe<"mxfp8_e4m3_rceil", "torchao RCEIL", detail::mx<float8_e4m3fn, e8m0_rceil_log2f<>>>;
/// ModelOpt's packed MXFP8.
using mxfp8_e4m3_modelopt =
    named_recipe<"mxfp8_e4m3_modelopt", "ModelOpt MXFP8QTensor", detail::mx<float8_e4m3fn, e8m0_rceil_log2f<127>>>;
using mxfp8_e5m2_ocp =
    named_recipe<"mxfp8_e5m2_ocp", "OCP MX v1.0; torchao FLOOR", detail::mx<float8_e5m2, e8m0_floor>>;
/// ModelOpt's packed MXFP4 with its bytes: every zero is code 8.
using mxfp4_modelopt_packed = named_recipe<
    "mxfp4_modelopt_packed", "ModelOpt MXFP4QTensor, bytes",
    quantizer<float4_e2m1fn, detail::mx_group, zeros_negative<absmax_e8m0_by<e8m0_rceil_log2f<127>>>, ties_to_zero>>;

/// ModelOpt's MX fake quantization (its GPU kernel, as a formula): the exact exponent rule, for any element format.
template <element_format Format>
using modelopt_mx_fake = detail::mx<Format, e8m0_rceil>;
using mxfp6_e2m3_rceil = named_recipe<"mxfp6_e2m3_rceil", "ModelOpt MX kernel", modelopt_mx_fake<float6_e2m3fn>>;
using mxfp6_e3m2_rceil = named_recipe<"mxfp6_e3m2_rceil", "ModelOpt MX kernel", modelopt_mx_fake<float6_e3m2fn>>;
using mxfp8_e5m2_rceil = named_recipe<"mxfp8_e5m2_rceil", "ModelOpt MX kernel", modelopt_mx_fake<float8_e5m2>>;
using mxint8_rceil = named_recipe<"mxint8_rceil", "ModelOpt MX kernel", modelopt_mx_fake<int8>>;

// NVFP4: groups of 16, an E4M3 scale each, one float32 for the tensor.
/// ModelOpt's packed NVFP4.
using nvfp4_modelopt = named_recipe<"nvfp4_modelopt", "ModelOpt NVFP4QTensor", detail::nv<packed_block_scale>>;
/// ModelOpt's fake-quantization kernel.
using nvfp4_modelopt_kernel =
    named_recipe<"nvfp4_modelopt_kernel", "ModelOpt fp4_fake_quant_block", detail::nv<kernel_block_scale>>;
using nvfp4_torchao =
    named_recipe<"nvfp4_torchao", "torchao nvfp4_quantize, two levels", detail::nv<torchao_block_scale<>>>;

}  // namespace qgrain

#endif
