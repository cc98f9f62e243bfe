// Two-level scales: a low-precision scale per group, times one float32 per tensor (NVFP4).
#ifndef QGRAIN_SCALE_TWO_LEVEL_HPP
#define QGRAIN_SCALE_TWO_LEVEL_HPP

#include <qgrain/core/arithmetic.hpp>
#include <qgrain/core/bits.hpp>
#include <qgrain/core/config.hpp>
#include <qgrain/format/float8.hpp>
#include <qgrain/scale/absmax.hpp>

#include <string_view>

namespace qgrain {

namespace detail {

/// max(least, min(x, most)); NaN stays NaN.
[[nodiscard]] QGRAIN_ELEMENTWISE constexpr float clamp_positive(float x, float least, float most) noexcept {
  const std::int32_t limited = larger_of(smaller_of(magnitude_bits(x), magnitude_bits(most)), magnitude_bits(least));
  return is_nan(x) ? x : float_from_magnitude(limited);
}

/// A tensor scale that a division can use: 1 where the tensor is all zeros (or so small that the scale underflows).
[[nodiscard]] QGRAIN_ELEMENTWISE constexpr float nonzero_scale(float scale) noexcept {
  return magnitude_bits(scale) == 0 ? 1.0F : scale;
}

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
    return magnitude_bits(ratio) == 0 ? 1.0F : detail::clamp_positive(ratio, power_of_two(-9), most);
  }
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float usable(float unit) noexcept { return unit; }
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float signed_zero(float x) noexcept { return add_rn(x, 0.0F); }
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
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float usable(float unit) noexcept {
    return magnitude_bits(unit) < magnitude_bits(1e-5F) ? 1.0F : unit;
  }
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float signed_zero(float x) noexcept { return add_rn(x, 0.0F); }
};

/// torchao: absmax is divided by the format's largest value first; the group's scale is at least 2^-6. -0 stays.
struct torchao_block_scale {
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "absmax_two_level_torchao"; }
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float tensor_scale(float absmax, float most) noexcept {
    return detail::nonzero_scale(div_rn(absmax, most));
  }
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float block_scale(float absmax, float max, float tensor,
                                                                      float most) noexcept {
    return detail::clamp_positive(div_rn(div_rn(absmax, max), tensor), power_of_two(-6), most);
  }
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float usable(float unit) noexcept { return unit; }
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float signed_zero(float x) noexcept { return x; }
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

  using stored_type = typename BlockFormat::code_type;
  using factors_type = scale_factors;
  static constexpr int bits = BlockFormat::bits;
  static constexpr int tensor_bits = 32;

  [[nodiscard]] static constexpr std::string_view name() noexcept { return Rule::name(); }

  template <class Format>
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float tensor_scale(float absmax) noexcept {
    return Rule::tensor_scale(absmax, Format::max_finite * BlockFormat::max_finite);
  }
  template <class Format>
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr stored_type stored(float absmax, float tensor_scale) noexcept {
    return BlockFormat::encode_saturated(
        Rule::block_scale(absmax, Format::max_finite, tensor_scale, BlockFormat::max_finite));
  }
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr scale_factors factors(stored_type code,
                                                                          float tensor_scale) noexcept {
    const float unit = Rule::usable(mul_rn(BlockFormat::decode(code), tensor_scale));
    return {unit, unit};
  }
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float scaled(float x, scale_factors f) noexcept {
    return Rule::signed_zero(div_rn(x, f.forward));
  }
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float restored(float q, scale_factors f) noexcept {
    return Rule::signed_zero(mul_rn(q, f.backward));
  }
};

}  // namespace qgrain

#endif
