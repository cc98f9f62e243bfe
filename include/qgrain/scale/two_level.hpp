// Two-level scales: a low-precision scale per group, times one float32 per tensor (NVFP4).
#ifndef QGRAIN_SCALE_TWO_LEVEL_HPP
#define QGRAIN_SCALE_TWO_LEVEL_HPP

#include <qgrain/core/arithmetic.hpp>
#include <qgrain/core/bits.hpp>
#include <qgrain/core/config.hpp>
#include <qgrain/core/half.hpp>
#include <qgrain/format/float8.hpp>
#include <qgrain/scale/absmax.hpp>
#include <qgrain/scale/arithmetic_in.hpp>
#include <qgrain/scale/element_arithmetic.hpp>

#include <concepts>
#include <string_view>

namespace qgrain {

namespace detail {

/// max(least, min(x, most)); NaN stays NaN.
[[nodiscard]] QGRAIN_ELEMENTWISE constexpr float clamp_positive(float x, float least, float most) noexcept {
  const std::int32_t limited = larger_of(smaller_of(magnitude_bits(x), magnitude_bits(most)), magnitude_bits(least));
  return selected(is_nan(x), x, float_from_magnitude(limited));
}

/// A tensor scale that a division can use: 1 where the tensor is all zeros (or so small that the scale underflows).
[[nodiscard]] QGRAIN_ELEMENTWISE constexpr float nonzero_scale(float scale) noexcept {
  return selected(magnitude_bits(scale) == 0, 1.0F, scale);
}

/// Elements are divided by what values are multiplied by.
[[nodiscard]] QGRAIN_ELEMENTWISE constexpr scale_factors same_both_ways(float unit) noexcept { return {unit, unit}; }

}  // namespace detail

/// ModelOpt's packed NVFP4: the group's scale lies in [2^-9, 448], a group of zeros has 1. An element that is
/// -0 after scaling has the code of +0, and the code of -0 decodes to +0.
struct packed_block_scale {
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "absmax_two_level"; }
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float tensor_scale(float absmax, float most) noexcept {
    return detail::nonzero_scale(div_rn(absmax, most));
  }
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float block_scale(float absmax, float max, float tensor,
                                                                      float most) noexcept {
    const float ratio = div_rn(absmax, mul_rn(max, tensor));
    return selected(magnitude_bits(ratio) == 0, 1.0F, detail::clamp_positive(ratio, power_of_two(-9), most));
  }
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr scale_factors factors(float block, float tensor) noexcept {
    return detail::same_both_ways(mul_rn(block, tensor));
  }
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float before_encoding(float x) noexcept { return add_rn(x, 0.0F); }
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float after_decoding(float y) noexcept { return add_rn(y, 0.0F); }
};

/// ModelOpt's NVFP4 kernel: a group whose dequantized scale is below 1e-5 is rounded with scale 1, so groups with a
/// largest magnitude below about 6e-5 become zero. No zero is negative.
struct kernel_block_scale {
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "absmax_two_level_kernel"; }
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float tensor_scale(float absmax, float most) noexcept {
    const float ratio = div_rn(absmax, most);
    return magnitude_bits(ratio) == 0 ? 1e-12F : ratio;
  }
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float block_scale(float absmax, float max, float tensor,
                                                                      float most) noexcept {
    return detail::clamp_positive(div_rn(absmax, mul_rn(max, tensor)), 0.0F, most);
  }
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr scale_factors factors(float block, float tensor) noexcept {
    const float unit = mul_rn(block, tensor);
    return detail::same_both_ways(selected(magnitude_bits(unit) < magnitude_bits(1e-5F), 1.0F, unit));
  }
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float before_encoding(float x) noexcept { return add_rn(x, 0.0F); }
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float after_decoding(float y) noexcept { return add_rn(y, 0.0F); }
};

/// torchao: absmax is divided by the format's largest value first; the group's scale is at least 2^-6. -0 stays. `T` is
/// the type of the tensor: values of a bfloat16 tensor are multiplied by c * g with g and the product rounded to
/// bfloat16, though its elements were divided by the float32 product.
template <storage_element T = float>
struct torchao_block_scale {
  [[nodiscard]] static constexpr std::string_view name() noexcept {
    return std::same_as<T, float> ? "absmax_two_level_torchao" : "absmax_two_level_torchao_16";
  }
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float tensor_scale(float absmax, float most) noexcept {
    return detail::nonzero_scale(div_rn(absmax, most));
  }
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float block_scale(float absmax, float max, float tensor,
                                                                      float most) noexcept {
    return detail::clamp_positive(div_rn(div_rn(absmax, max), tensor), power_of_two(-6), most);
  }
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr scale_factors factors(float block, float tensor) noexcept {
    return {mul_rn(block, tensor), arithmetic_in<T>::mul(block, arithmetic_in<T>::rounded(tensor))};
  }
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float before_encoding(float x) noexcept { return x; }
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float after_decoding(float y) noexcept { return y; }
};

/// compressed-tensors: the tensor's scale is kept as a multiplier G = fl(fl(1 / absmax) * most), c = fl(G * fl(absmax
/// of the group / max)), where 1 / absmax, G and the last quotient are rounded to the type of the tensor; a code of 0
/// is replaced by 0.125; elements are divided by fl(c / G). Adding a zero point of 0 turns -0 into +0. A tensor of
/// zeros has G = 1 (the tool divides by zero).
template <storage_element T = float>
struct compressed_tensors_block_scale {
  [[nodiscard]] static constexpr std::string_view name() noexcept {
    return std::same_as<T, float> ? "absmax_two_level_ct" : "absmax_two_level_ct_16";
  }
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float tensor_scale(float absmax, float most) noexcept {
    using a = arithmetic_in<T>;
    return magnitude_bits(absmax) == 0 ? 1.0F : a::mul(a::div(1.0F, absmax), most);
  }
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float block_scale(float absmax, float max, float tensor,
                                                                      float most) noexcept {
    const float ratio = mul_rn(tensor, arithmetic_in<T>::div(absmax, max));
    // Half of the least E4M3 number, 2^-9, and what lies below it rounds to code 0.
    const float usable = selected(magnitude_bits(ratio) <= magnitude_bits(power_of_two(-10)), 0.125F, ratio);
    return detail::clamp_positive(usable, 0.0F, most);
  }
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr scale_factors factors(float block, float tensor) noexcept {
    return detail::same_both_ways(div_rn(block, tensor));
  }
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float before_encoding(float x) noexcept { return add_rn(x, 0.0F); }
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float after_decoding(float y) noexcept { return y; }
};

/// torchao's NVFP4 of one level: c = e4m3(absmax / max) in [2^-6, 448], nothing per tensor.
struct torchao_one_level {
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "absmax_e4m3_torchao"; }
  static constexpr int tensor_bits = 0;
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float tensor_scale(float, float) noexcept { return 1.0F; }
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float block_scale(float absmax, float max, float,
                                                                      float most) noexcept {
    return detail::clamp_positive(div_rn(absmax, max), power_of_two(-6), most);
  }
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr scale_factors factors(float block, float) noexcept {
    return detail::same_both_ways(block);
  }
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float before_encoding(float x) noexcept { return x; }
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float after_decoding(float y) noexcept { return y; }
};

/// The tensor scale g is absmax(tensor) / (max of the format * max of `BlockFormat`), the group's scale c is stored in
/// `BlockFormat` (rounded to nearest even, saturating), and elements are divided by u = fl(c * g), values multiplied by
/// it. `Rule` says how c comes from the group's largest magnitude, and what happens to tiny groups and to the sign of
/// zero. A NaN in a group makes the group NaN, a NaN or infinity in the tensor range the whole tensor.
template <class BlockFormat = float8_e4m3fn, class Rule = packed_block_scale>
struct absmax_two_level {
  static_assert(
      requires { BlockFormat::mantissa_bits; },
      "qgrain::absmax_two_level: the group's scale needs a floating-point format such as float8_e4m3fn; an integer "
      "has no range for it");

  using block_format = BlockFormat;
  using stored_type = typename BlockFormat::code_type;
  using factors_type = scale_factors;
  using kept_by = absmax_two_level;
  static constexpr int bits = BlockFormat::bits;
  static constexpr int tensor_bits = [] {
    if constexpr (requires { Rule::tensor_bits; }) return Rule::tensor_bits;
    return 32;
  }();

  static constexpr element_arithmetic arithmetic{element_operation::quotient, element_operation::product,
                                                 sign_of(Rule::before_encoding(-0.0F)) == 0,
                                                 sign_of(Rule::after_decoding(-0.0F)) == 0};

  [[nodiscard]] static constexpr std::string_view name() noexcept { return Rule::name(); }

  template <class Format>
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float tensor_scale(float absmax) noexcept {
    return Rule::tensor_scale(absmax, Format::max_finite * BlockFormat::max_finite);
  }
  template <class Format>
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr stored_type stored(float absmax, float tensor_scale) noexcept {
    const float scale = Rule::block_scale(absmax, Format::max_finite, tensor_scale, BlockFormat::max_finite);
    return BlockFormat::encode_computed(scale, sign_of_computed_nan(scale, absmax, tensor_scale));
  }
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr scale_factors factors(stored_type code,
                                                                          float tensor_scale) noexcept {
    return factors_of(BlockFormat::decode(code), tensor_scale);
  }
  /// What the stored scale is decoded to, some NaN for NaN. `kept_by` says whose rule that is: a policy that derives
  /// from this one may store another.
  template <class Format>
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float kept(float absmax, float tensor_scale) noexcept {
    return BlockFormat::round(Rule::block_scale(absmax, Format::max_finite, tensor_scale, BlockFormat::max_finite));
  }
  /// The same of a scale that has been decoded.
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr scale_factors factors_of(float block, float tensor_scale) noexcept {
    return Rule::factors(block, tensor_scale);
  }
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float scaled(float x, scale_factors f) noexcept {
    return Rule::before_encoding(div_rn(x, f.forward));
  }
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float restored(float q, scale_factors f) noexcept {
    return Rule::after_decoding(mul_rn(q, f.backward));
  }
};

/// One E4M3 scale per group and nothing per tensor: torchao's NVFP4 without a tensor scale.
using absmax_e4m3 = absmax_two_level<float8_e4m3fn, torchao_one_level>;

}  // namespace qgrain

#endif
