// Recipes of other tools that keep their own scale types, and the list of all named recipes.
#ifndef QGRAIN_QUANTIZER_TOOL_RECIPES_HPP
#define QGRAIN_QUANTIZER_TOOL_RECIPES_HPP

#include <qgrain/core/half.hpp>
#include <qgrain/format/float4.hpp>
#include <qgrain/format/float8.hpp>
#include <qgrain/format/integer.hpp>
#include <qgrain/granularity/per_channel.hpp>
#include <qgrain/granularity/per_group.hpp>
#include <qgrain/granularity/per_tensor.hpp>
#include <qgrain/granularity/per_tile.hpp>
#include <qgrain/quantizer/dispatch.hpp>
#include <qgrain/quantizer/named_recipe.hpp>
#include <qgrain/quantizer/plain_cast.hpp>
#include <qgrain/quantizer/quantizer.hpp>
#include <qgrain/quantizer/recipes.hpp>
#include <qgrain/scale/affine.hpp>
#include <qgrain/scale/symmetric.hpp>

#include <cstdint>

namespace qgrain {

// The conventions, for any format and granularity. `T` is the type of the tensor, in which these tools compute and keep
// their scales.

/// compressed-tensors, symmetric: absmax / 127.5 (or 7.5, 448), at least 2^-23.
template <element_format Format, granularity_policy Granularity, storage_element T = float>
using compressed_tensors_symmetric =
    quantizer<Format, Granularity, symmetric_by<divide_add_round, at_least_f32_epsilon, T, to_half_range>>;
/// compressed-tensors, asymmetric: int8 zero points, added before rounding.
template <element_format Format, granularity_policy Granularity, storage_element T = float>
using compressed_tensors_asymmetric =
    quantizer<Format, Granularity,
              affine_by<divide_add_round, zero_point_rounded_last, at_least_f32_epsilon, T, std::int8_t>>;

/// torchao's affine integers: x is multiplied by the rounded reciprocal of the scale.
template <element_format Format, granularity_policy Granularity, storage_element T = float>
using torchao_symmetric =
    quantizer<Format, Granularity, symmetric_by<invert_round_add, at_least_own_epsilon, T, to_half_range>>;
template <element_format Format, granularity_policy Granularity, storage_element T = float>
using torchao_symmetric_unclipped =
    quantizer<Format, Granularity, affine_by<invert_round_add, zero_point_of_nothing, at_least_own_epsilon, T>>;
template <element_format Format, granularity_policy Granularity, storage_element T = float>
using torchao_asymmetric =
    quantizer<Format, Granularity, affine_by<invert_round_add, zero_point_rounded_first, at_least_own_epsilon, T>>;

/// ModelOpt's packed int8 and fp8: s = absmax / max divides, in the type of the tensor; fp8 does not saturate.
template <granularity_policy Granularity, storage_element T = float>
using modelopt_packed_int8 = quantizer<int8, Granularity, symmetric_by<divide, any_scale, T>>;
template <granularity_policy Granularity, storage_element T = float>
using modelopt_packed_fp8 = quantizer<plain_cast<float8_e4m3fn>, Granularity, symmetric_by<divide, any_scale, T>>;
/// ModelOpt's packed int4, codes without their offset of 8.
template <granularity_policy Granularity, storage_element T = float>
using modelopt_packed_int4 = quantizer<int4, Granularity, absmax_multiplier<T>>;

/// ONNX QuantizeLinear of integers: scales and zero points are usually given (`encode`).
template <element_format Integer, granularity_policy Granularity>
using onnx_integer =
    quantizer<Integer, Granularity, affine_by<divide_round_add, zero_point_rounded_last, zero_scale_is_one>>;

// Named compositions, in float32.
using ct_int8_per_out_channel = named_recipe<"ct_int8/per_out_channel", "compressed-tensors W8A16",
                                             compressed_tensors_symmetric<int8, per_channel<0>>>;
using ct_int8_per_token =
    named_recipe<"ct_int8/per_token", "compressed-tensors, dynamic", compressed_tensors_symmetric<int8, per_token>>;
using ct_int8_asymmetric = named_recipe<"ct_int8_asymmetric/per_token", "compressed-tensors, dynamic",
                                        compressed_tensors_asymmetric<int8, per_token>>;
using ct_int4_group128 =
    named_recipe<"ct_int4/group128", "compressed-tensors W4A16", compressed_tensors_symmetric<int4, per_group<128>>>;
using ct_int4_asymmetric = named_recipe<"ct_int4_asymmetric/group128", "compressed-tensors W4A16 asymmetric",
                                        compressed_tensors_asymmetric<int4, per_group<128>>>;
using ct_fp8_per_out_channel = named_recipe<"ct_fp8/per_out_channel", "compressed-tensors FP8",
                                            compressed_tensors_symmetric<float8_e4m3fn, per_channel<0>>>;
using ct_nvfp4 =
    named_recipe<"ct_nvfp4", "compressed-tensors NVFP4PackedCompressor", detail::nv<compressed_tensors_block_scale<>>>;

using torchao_int8_per_token =
    named_recipe<"torchao_int8/per_token", "torchao SYMMETRIC", torchao_symmetric<int8, per_token>>;
using torchao_int8_asymmetric =
    named_recipe<"torchao_int8_asymmetric/per_token", "torchao ASYMMETRIC", torchao_asymmetric<int8, per_token>>;
using torchao_int4_unclipped = named_recipe<"torchao_int4_unclipped/group32", "torchao SYMMETRIC_NO_CLIPPING_ERR",
                                            torchao_symmetric_unclipped<int4, per_group<32>>>;
using torchao_int4_asymmetric =
    named_recipe<"torchao_int4_asymmetric/group32", "torchao ASYMMETRIC", torchao_asymmetric<int4, per_group<32>>>;
using nvfp4_torchao_one_level = named_recipe<"nvfp4_torchao_one_level", "torchao nvfp4_quantize, one level",
                                             quantizer<float4_e2m1fn, detail::nv_group, absmax_e4m3>>;

using modelopt_int4_packed =
    named_recipe<"modelopt_int4_packed/group128", "ModelOpt INT4QTensor", modelopt_packed_int4<per_group<128>>>;
using modelopt_int8_packed =
    named_recipe<"modelopt_int8_packed/per_out_channel", "ModelOpt INT8QTensor", modelopt_packed_int8<per_channel<0>>>;
using modelopt_fp8_packed =
    named_recipe<"modelopt_fp8_packed/per_tensor", "ModelOpt FP8QTensor", modelopt_packed_fp8<per_tensor>>;

using onnx_int8_per_out_channel =
    named_recipe<"onnx_int8/per_out_channel", "ONNX QuantizeLinear", onnx_integer<int8, per_channel<0>>>;
using onnx_uint4_group32 =
    named_recipe<"onnx_uint4/group32", "ONNX QuantizeLinear", onnx_integer<uint4, per_group<32>>>;
using onnx_dynamic_uint8 = named_recipe<
    "onnx_dynamic_uint8", "ONNX DynamicQuantizeLinear",
    quantizer<uint8, per_tensor,
              affine_by<divide_round_add, zero_point_rounded_last, zero_scale_is_one, float, std::uint8_t>>>;

/// DeepSeek-V3's fp8: activations by 1 x 128, weights by 128 x 128.
using deepseek_fp8_activation =
    named_recipe<"deepseek_fp8/group128", "DeepSeek-V3, activations", quantizer<float8_e4m3fn, per_group<128>>>;
using deepseek_fp8_weight =
    named_recipe<"deepseek_fp8/tile128x128", "DeepSeek-V3, weights", quantizer<float8_e4m3fn, per_tile<128, 128>>>;

/// Every named recipe, for tables and for `dispatch`. Visit it with something small: the visitor is instantiated for
/// each of them.
using named_recipes =
    recipe_list<mxfp4_ocp, mxfp4_even, mxfp4_rceil, mxfp4_modelopt, mxfp4_modelopt_packed, mxfp6_e2m3_ocp,
                mxfp6_e2m3_rceil, mxfp6_e3m2_ocp, mxfp6_e3m2_rceil, mxfp8_e4m3_ocp, mxfp8_e4m3_rceil,
                mxfp8_e4m3_modelopt, mxfp8_e5m2_ocp, mxfp8_e5m2_rceil, mxint8_rceil, nvfp4_modelopt,
                nvfp4_modelopt_kernel, nvfp4_torchao, nvfp4_torchao_one_level, ct_nvfp4, ct_int8_per_out_channel,
                ct_int8_per_token, ct_int8_asymmetric, ct_int4_group128, ct_int4_asymmetric, ct_fp8_per_out_channel,
                torchao_int8_per_token, torchao_int8_asymmetric, torchao_int4_unclipped, torchao_int4_asymmetric,
                modelopt_int4_packed, modelopt_int8_packed, modelopt_fp8_packed, onnx_int8_per_out_channel,
                onnx_uint4_group32, onnx_dynamic_uint8, deepseek_fp8_activation, deepseek_fp8_weight>;

}  // namespace qgrain

#endif
