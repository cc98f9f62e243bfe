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
#include <qgrain/quantizer/quantizer.hpp>
#include <qgrain/scale/absmax.hpp>
#include <qgrain/scale/power_of_two.hpp>
#include <qgrain/scale/two_level.hpp>

#include <string_view>

namespace qgrain {

/// Integers as ModelOpt's TensorQuantizer fakes them. `Integer` is int2 to int8 or a narrow or unsigned variant.
template <element_format Integer, granularity_policy Granularity>
using modelopt_integer = quantizer<Integer, Granularity, absmax_f32_by<multiply_by_ratio>>;

/// E4M3 as ModelOpt's TensorQuantizer fakes it on the CPU.
template <granularity_policy Granularity>
using modelopt_fp8 = quantizer<float8_e4m3fn, Granularity, absmax_f32_by<multiply_by_reciprocal>>;

/// The same arithmetic over E5M2, which ModelOpt has in blocks only.
template <granularity_policy Granularity>
using modelopt_fp8_e5m2 = quantizer<float8_e5m2, Granularity, absmax_f32_by<multiply_by_reciprocal>>;

/// Groups of microscaling: 32 elements, a shorter last one filled up with zeros.
using mx_group = per_group<32, group_tail::zero_padding>;
/// Microscaling (OCP MX v1.0) over any format: groups of 32 under a power of two that `Rule` makes of the largest
/// magnitude (scale/power_of_two.hpp).
template <class Format, class Rule, class Rounding = nearest_even>
using mx_by = quantizer<Format, mx_group, absmax_e8m0_by<Rule>, Rounding>;
/// Groups of NVFP4: 16 elements, a shorter last one filled up with zeros.
using nvfp4_group = per_group<16, group_tail::zero_padding>;
/// NVFP4: such groups under an E4M3 scale each, and one float32 for the tensor; `Rule` makes both
/// (scale/two_level.hpp).
template <class Rule>
using nvfp4_by = quantizer<float4_e2m1fn, nvfp4_group, absmax_two_level<float8_e4m3fn, Rule>>;

// Microscaling: groups of 32 and one power of two. `_ocp` is the standard's conversion, the others are torchao's and
// ModelOpt's rules of the same names. A recipe is a type of its own so that it can carry its published name and its
// source, in kernel names too (nvcc does not take string literals as template arguments there).
/// E2M1 elements under the standard's floor rule: what exceeds 6 * 2^E saturates.
struct mxfp4_ocp : mx_by<float4_e2m1fn, e8m0_floor> {
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "mxfp4_ocp"; }
  [[nodiscard]] static constexpr std::string_view source() noexcept { return "OCP MX v1.0; torchao FLOOR"; }
};
/// E2M1 under torchao's EVEN rule: the largest magnitude is rounded to the element's mantissa before its exponent is
/// taken.
struct mxfp4_even : mx_by<float4_e2m1fn, e8m0_even> {
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "mxfp4_even"; }
  [[nodiscard]] static constexpr std::string_view source() noexcept { return "torchao EVEN"; }
};
/// E2M1 under torchao's RCEIL rule: the exponent is rounded up, so that hardly anything saturates.
struct mxfp4_rceil : mx_by<float4_e2m1fn, e8m0_rceil_log2f<>> {
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "mxfp4_rceil"; }
  [[nodiscard]] static constexpr std::string_view source() noexcept { return "torchao RCEIL"; }
};
/// ModelOpt's packed MXFP4: ties toward zero.
struct mxfp4_modelopt : mx_by<float4_e2m1fn, e8m0_rceil_log2f<127>, ties_to_zero> {
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "mxfp4_modelopt"; }
  [[nodiscard]] static constexpr std::string_view source() noexcept { return "ModelOpt MXFP4QTensor, values"; }
};
/// E2M3 elements under the standard's floor rule: what exceeds 7.5 * 2^E saturates.
struct mxfp6_e2m3_ocp : mx_by<float6_e2m3fn, e8m0_floor> {
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "mxfp6_e2m3_ocp"; }
  [[nodiscard]] static constexpr std::string_view source() noexcept { return "OCP MX v1.0; torchao FLOOR"; }
};
/// E3M2 elements under the standard's floor rule: what exceeds 28 * 2^E saturates.
struct mxfp6_e3m2_ocp : mx_by<float6_e3m2fn, e8m0_floor> {
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "mxfp6_e3m2_ocp"; }
  [[nodiscard]] static constexpr std::string_view source() noexcept { return "OCP MX v1.0; torchao FLOOR"; }
};
/// E4M3 elements under the standard's floor rule: what exceeds 448 * 2^E saturates.
struct mxfp8_e4m3_ocp : mx_by<float8_e4m3fn, e8m0_floor> {
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "mxfp8_e4m3_ocp"; }
  [[nodiscard]] static constexpr std::string_view source() noexcept { return "OCP MX v1.0; torchao FLOOR"; }
};
/// E4M3 under torchao's RCEIL rule: the exponent is rounded up, so that hardly anything saturates.
struct mxfp8_e4m3_rceil : mx_by<float8_e4m3fn, e8m0_rceil_log2f<>> {
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "mxfp8_e4m3_rceil"; }
  [[nodiscard]] static constexpr std::string_view source() noexcept { return "torchao RCEIL"; }
};
/// ModelOpt's packed MXFP8: E4M3 elements, the exponent rounded up, so that hardly anything saturates.
struct mxfp8_e4m3_modelopt : mx_by<float8_e4m3fn, e8m0_rceil_log2f<127>> {
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "mxfp8_e4m3_modelopt"; }
  [[nodiscard]] static constexpr std::string_view source() noexcept { return "ModelOpt MXFP8QTensor"; }
};
/// E5M2 elements under the standard's floor rule: what exceeds 57344 * 2^E saturates.
struct mxfp8_e5m2_ocp : mx_by<float8_e5m2, e8m0_floor> {
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "mxfp8_e5m2_ocp"; }
  [[nodiscard]] static constexpr std::string_view source() noexcept { return "OCP MX v1.0; torchao FLOOR"; }
};
/// ModelOpt's packed MXFP4 with its bytes: every zero is code 8.
struct mxfp4_modelopt_packed
    : quantizer<float4_e2m1fn, mx_group, zeros_negative<absmax_e8m0_by<e8m0_rceil_log2f<127>>>, ties_to_zero> {
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "mxfp4_modelopt_packed"; }
  [[nodiscard]] static constexpr std::string_view source() noexcept { return "ModelOpt MXFP4QTensor, bytes"; }
};

/// ModelOpt's MX fake quantization (its GPU kernel, as a formula): the exact exponent rule, for any element format.
template <element_format Format>
using modelopt_mx_fake = mx_by<Format, e8m0_rceil>;
/// E2M3 under the exact rule: nothing saturates.
struct mxfp6_e2m3_rceil : modelopt_mx_fake<float6_e2m3fn> {
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "mxfp6_e2m3_rceil"; }
  [[nodiscard]] static constexpr std::string_view source() noexcept { return "ModelOpt MX kernel"; }
};
/// E3M2 under the exact rule: nothing saturates.
struct mxfp6_e3m2_rceil : modelopt_mx_fake<float6_e3m2fn> {
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "mxfp6_e3m2_rceil"; }
  [[nodiscard]] static constexpr std::string_view source() noexcept { return "ModelOpt MX kernel"; }
};
/// E5M2 under the exact rule: nothing saturates.
struct mxfp8_e5m2_rceil : modelopt_mx_fake<float8_e5m2> {
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "mxfp8_e5m2_rceil"; }
  [[nodiscard]] static constexpr std::string_view source() noexcept { return "ModelOpt MX kernel"; }
};
/// int8 codes, -128 to 127, under the exact rule: nothing saturates.
struct mxint8_rceil : modelopt_mx_fake<int8> {
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "mxint8_rceil"; }
  [[nodiscard]] static constexpr std::string_view source() noexcept { return "ModelOpt MX kernel"; }
};

// NVFP4: groups of 16, an E4M3 scale each, one float32 for the tensor.
/// ModelOpt's packed NVFP4.
struct nvfp4_modelopt : nvfp4_by<packed_block_scale> {
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "nvfp4_modelopt"; }
  [[nodiscard]] static constexpr std::string_view source() noexcept { return "ModelOpt NVFP4QTensor"; }
};
/// ModelOpt's fake-quantization kernel.
struct nvfp4_modelopt_kernel : nvfp4_by<kernel_block_scale> {
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "nvfp4_modelopt_kernel"; }
  [[nodiscard]] static constexpr std::string_view source() noexcept { return "ModelOpt fp4_fake_quant_block"; }
};
/// torchao's NVFP4 with a tensor scale: group scales of at least 2^-6, -0 stays.
struct nvfp4_torchao : nvfp4_by<torchao_block_scale<>> {
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "nvfp4_torchao"; }
  [[nodiscard]] static constexpr std::string_view source() noexcept { return "torchao nvfp4_quantize, two levels"; }
};

}  // namespace qgrain

#endif
