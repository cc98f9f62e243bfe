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
#include <qgrain/quantizer/plain_cast.hpp>
#include <qgrain/quantizer/quantizer.hpp>
#include <qgrain/quantizer/recipes.hpp>
#include <qgrain/scale/affine.hpp>
#include <qgrain/scale/symmetric.hpp>

#include <cstdint>
#include <string_view>

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
/// torchao's SYMMETRIC_NO_CLIPPING_ERR: the scale is the larger one of those that the two ends ask for.
template <element_format Format, granularity_policy Granularity, storage_element T = float>
using torchao_symmetric_unclipped =
    quantizer<Format, Granularity, affine_by<invert_round_add, zero_point_of_nothing, at_least_own_epsilon, T>>;
/// torchao's ASYMMETRIC: both ends of the range, the zero point being a whole number within the codes.
template <element_format Format, granularity_policy Granularity, storage_element T = float>
using torchao_asymmetric =
    quantizer<Format, Granularity, affine_by<invert_round_add, zero_point_rounded_first, at_least_own_epsilon, T>>;

/// ModelOpt's packed int8 and fp8: s = absmax / max divides, in the type of the tensor; fp8 does not saturate.
template <granularity_policy Granularity, storage_element T = float>
using modelopt_packed_int8 = quantizer<int8, Granularity, symmetric_by<divide, any_scale, T>>;
/// The same over E4M3, which does not saturate: what would round to more than 448 * s becomes NaN.
template <granularity_policy Granularity, storage_element T = float>
using modelopt_packed_fp8 = quantizer<plain_cast<float8_e4m3fn>, Granularity, symmetric_by<divide, any_scale, T>>;
/// ModelOpt's packed int4, codes without their offset of 8.
template <granularity_policy Granularity, storage_element T = float>
using modelopt_packed_int4 = quantizer<int4, Granularity, absmax_multiplier<T>>;

/// ONNX QuantizeLinear of integers: scales and zero points are usually given (quantize_with_scales).
template <element_format Integer, granularity_policy Granularity>
using onnx_integer = quantizer<Integer, Granularity, minmax_f32>;

// Named compositions, in float32.
/// Weights: one scale per row, absmax / 127.5.
struct ct_int8_per_out_channel : compressed_tensors_symmetric<int8, per_channel<0>> {
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "ct_int8/per_out_channel"; }
  [[nodiscard]] static constexpr std::string_view source() noexcept { return "compressed-tensors W8A16"; }
};
/// Activations: one scale per row, found from its data.
struct ct_int8_per_token : compressed_tensors_symmetric<int8, per_token> {
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "ct_int8/per_token"; }
  [[nodiscard]] static constexpr std::string_view source() noexcept { return "compressed-tensors, dynamic"; }
};
/// Activations: scale and zero point per row, found from its data.
struct ct_int8_asymmetric : compressed_tensors_asymmetric<int8, per_token> {
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "ct_int8_asymmetric/per_token"; }
  [[nodiscard]] static constexpr std::string_view source() noexcept { return "compressed-tensors, dynamic"; }
};
/// Weights: one scale per 128 elements of a row, absmax / 7.5.
struct ct_int4_group128 : compressed_tensors_symmetric<int4, per_group<128>> {
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "ct_int4/group128"; }
  [[nodiscard]] static constexpr std::string_view source() noexcept { return "compressed-tensors W4A16"; }
};
/// Weights: scale and zero point per 128 elements of a row.
struct ct_int4_asymmetric : compressed_tensors_asymmetric<int4, per_group<128>> {
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "ct_int4_asymmetric/group128"; }
  [[nodiscard]] static constexpr std::string_view source() noexcept { return "compressed-tensors W4A16 asymmetric"; }
};
/// Weights in E4M3: one scale per row, absmax / 448.
struct ct_fp8_per_out_channel : compressed_tensors_symmetric<float8_e4m3fn, per_channel<0>> {
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "ct_fp8/per_out_channel"; }
  [[nodiscard]] static constexpr std::string_view source() noexcept { return "compressed-tensors FP8"; }
};
/// Weights in NVFP4; the tensor's scale is kept as a multiplier, -0 becomes +0.
struct ct_nvfp4 : nvfp4_by<compressed_tensors_block_scale<>> {
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "ct_nvfp4"; }
  [[nodiscard]] static constexpr std::string_view source() noexcept {
    return "compressed-tensors NVFP4PackedCompressor";
  }
};

/// Activations: one scale per row.
struct torchao_int8_per_token : torchao_symmetric<int8, per_token> {
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "torchao_int8/per_token"; }
  [[nodiscard]] static constexpr std::string_view source() noexcept { return "torchao SYMMETRIC"; }
};
/// Activations: scale and zero point per row.
struct torchao_int8_asymmetric : torchao_asymmetric<int8, per_token> {
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "torchao_int8_asymmetric/per_token"; }
  [[nodiscard]] static constexpr std::string_view source() noexcept { return "torchao ASYMMETRIC"; }
};
/// Weights: one scale per 32 elements of a row, under which neither end is clipped.
struct torchao_int4_unclipped : torchao_symmetric_unclipped<int4, per_group<32>> {
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "torchao_int4_unclipped/group32"; }
  [[nodiscard]] static constexpr std::string_view source() noexcept { return "torchao SYMMETRIC_NO_CLIPPING_ERR"; }
};
/// Weights: scale and zero point per 32 elements of a row.
struct torchao_int4_asymmetric : torchao_asymmetric<int4, per_group<32>> {
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "torchao_int4_asymmetric/group32"; }
  [[nodiscard]] static constexpr std::string_view source() noexcept { return "torchao ASYMMETRIC"; }
};
/// Groups of 16 in E2M1 under an E4M3 scale each, without a tensor scale.
struct nvfp4_torchao_one_level : quantizer<float4_e2m1fn, nvfp4_group, absmax_e4m3> {
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "nvfp4_torchao_one_level"; }
  [[nodiscard]] static constexpr std::string_view source() noexcept { return "torchao nvfp4_quantize, one level"; }
};

/// Weights: one multiplier per 128 elements of a row.
struct modelopt_int4_packed : modelopt_packed_int4<per_group<128>> {
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "modelopt_int4_packed/group128"; }
  [[nodiscard]] static constexpr std::string_view source() noexcept { return "ModelOpt INT4QTensor"; }
};
/// Weights: one scale per row, absmax / 127.
struct modelopt_int8_packed : modelopt_packed_int8<per_channel<0>> {
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "modelopt_int8_packed/per_out_channel"; }
  [[nodiscard]] static constexpr std::string_view source() noexcept { return "ModelOpt INT8QTensor"; }
};
/// Weights in E4M3: one scale for the tensor, absmax / 448.
struct modelopt_fp8_packed : modelopt_packed_fp8<per_tensor> {
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "modelopt_fp8_packed/per_tensor"; }
  [[nodiscard]] static constexpr std::string_view source() noexcept { return "ModelOpt FP8QTensor"; }
};

/// Scale and zero point per row, axis 0 of the operator.
struct onnx_int8_per_out_channel : onnx_integer<int8, per_channel<0>> {
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "onnx_int8/per_out_channel"; }
  [[nodiscard]] static constexpr std::string_view source() noexcept { return "ONNX QuantizeLinear"; }
};
/// Scale and zero point per 32 elements of a row, the operator's block_size.
struct onnx_uint4_group32 : onnx_integer<uint4, per_group<32>> {
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "onnx_uint4/group32"; }
  [[nodiscard]] static constexpr std::string_view source() noexcept { return "ONNX QuantizeLinear"; }
};
/// Scale and zero point of the whole tensor, found from its data; zeros have scale 1.
struct onnx_dynamic_uint8
    : quantizer<uint8, per_tensor,
                affine_by<divide_round_add, zero_point_rounded_last, zero_scale_is_one, float, std::uint8_t>> {
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "onnx_dynamic_uint8"; }
  [[nodiscard]] static constexpr std::string_view source() noexcept { return "ONNX DynamicQuantizeLinear"; }
};

/// DeepSeek-V3's fp8, activations: E4M3 under a float32 scale, absmax / 448, for each 128 elements of a row.
struct deepseek_fp8_activation : quantizer<float8_e4m3fn, per_group<128>> {
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "deepseek_fp8/group128"; }
  [[nodiscard]] static constexpr std::string_view source() noexcept { return "DeepSeek-V3, activations"; }
};
/// DeepSeek-V3's fp8, weights: E4M3 under one float32 scale for each tile of 128 x 128.
struct deepseek_fp8_weight : quantizer<float8_e4m3fn, per_tile<128, 128>> {
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "deepseek_fp8/tile128x128"; }
  [[nodiscard]] static constexpr std::string_view source() noexcept { return "DeepSeek-V3, weights"; }
};

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
