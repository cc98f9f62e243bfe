// NVFP4 whose groups may put their largest magnitude at 4 instead of 6.
#ifndef QGRAIN_SCALE_FOUR_OVER_SIX_HPP
#define QGRAIN_SCALE_FOUR_OVER_SIX_HPP

#include <qgrain/core/arithmetic.hpp>
#include <qgrain/core/bits.hpp>
#include <qgrain/core/config.hpp>
#include <qgrain/format/float8.hpp>
#include <qgrain/scale/element_arithmetic.hpp>
#include <qgrain/scale/range.hpp>

#include <string_view>

namespace qgrain {

/// The largest magnitude of a group, and how much larger its block scale is than that magnitude asks for. A range of
/// its own because the factor is applied after a division: fl(fl(a / b) * 1.5) is not always fl(fl(1.5 a) / b).
struct expandable_absmax {
  float absmax = 0.0F;
  float expansion = 1.0F;
};

/// Whether a NaN was among the elements.
[[nodiscard]] QGRAIN_ELEMENTWISE constexpr bool is_nan(expandable_absmax range) noexcept {
  return is_nan(range.absmax);
}
/// The range with an element in it.
[[nodiscard]] QGRAIN_ELEMENTWISE constexpr expandable_absmax widened(expandable_absmax range, float x) noexcept {
  return {widened(range.absmax, x), range.expansion};
}
/// The range over both; expansions are equal.
[[nodiscard]] QGRAIN_ELEMENTWISE constexpr expandable_absmax widened(expandable_absmax a,
                                                                     expandable_absmax b) noexcept {
  return {widened(a.absmax, b.absmax), a.expansion};
}
/// Times a factor, as searches try ranges.
[[nodiscard]] QGRAIN_ELEMENTWISE constexpr expandable_absmax range_times(expandable_absmax range,
                                                                         float factor) noexcept {
  return {range.absmax, mul_rn(range.expansion, factor)};
}

/// A block's scale, 0 where the block is zero; the tensor's largest magnitude; what elements are multiplied by.
struct four_over_six_factors {
  float forward;
  float block;
  float tensor_absmax;
};

/// Two levels, as the PyTorch reference of "Four Over Six" (Cook et al., arXiv 2512.02010) computes them: the tensor's
/// largest magnitude A itself is kept, block scales are E4M3 and take up 256 of its 448, so that one that is 1.5 times
/// larger still fits:
///
///   E = fl(1536 / A), 1536 = 6 * 256     c = e4m3(fl(fl(fl(absmax / 6) * E) * expansion))
///   element: x * fl(1 / fl(fl(1 / E) * c)), -0 becoming +0, and 0 where c = 0     value: fl(fl(fl(q * c) * A) / 1536)
///
/// Without a choice expansion is 1, the plain rule; the choice `four_over_six` (range_choice.hpp) tries 1.5 as well. A
/// quotient that this overflows (A below 2^-117) gives c = 448, where the tool has NaN; elements saturate at 6, where
/// the tool wraps around in blocks whose scale is subnormal.
///
/// All-zero group: c = 0, values 0; an all-zero tensor has A = 0. A NaN makes A, every block and every value NaN. An
/// infinity makes A infinite: its own block has c = NaN, the others c = 0 and values 0 * inf, NaN.
struct four_over_six_scale {
  using range_type = expandable_absmax;
  using stored_type = float8_e4m3fn::code_type;
  using factors_type = four_over_six_factors;
  static constexpr int bits = float8_e4m3fn::bits;
  static constexpr int tensor_bits = 32;
  static constexpr element_arithmetic arithmetic{.scaled = element_operation::product, .zero_before = true};

  [[nodiscard]] static constexpr std::string_view name() noexcept { return "absmax_two_level_four_over_six"; }

  template <class Format>
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float tensor_scale(float absmax) noexcept {
    return absmax;
  }
  template <class Format>
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr stored_type stored(expandable_absmax range,
                                                                       float tensor_absmax) noexcept {
    static_assert(Format::max_finite == largest_element,
                  "qgrain::four_over_six_scale: the rule is made for elements whose largest values are 4 and 6; use "
                  "float4_e2m1fn, or absmax_two_level for other formats");
    const float encode = magnitude_bits(tensor_absmax) == 0 ? 0.0F : div_rn(reach, tensor_absmax);
    const float plain = mul_rn(div_rn(range.absmax, largest_element), encode);
    const float scale = mul_rn(plain, range.expansion);
    return float8_e4m3fn::encode_computed(scale, sign_of_computed_nan(scale, range.absmax, tensor_absmax));
  }
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr factors_type factors(stored_type code,
                                                                         float tensor_absmax) noexcept {
    const float block = float8_e4m3fn::decode(code);
    const float decode = div_rn(1.0F, div_rn(reach, tensor_absmax));
    return {magnitude_bits(block) == 0 ? 0.0F : div_rn(1.0F, mul_rn(decode, block)), block, tensor_absmax};
  }
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float scaled(float x, factors_type f) noexcept {
    return add_rn(mul_rn(x, f.forward), 0.0F);
  }
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float restored(float q, factors_type f) noexcept {
    return div_rn(mul_rn(mul_rn(q, f.block), f.tensor_absmax), reach);
  }

 private:
  static constexpr float largest_element = 6.0F;
  static constexpr float reach = largest_element * 256.0F;
};

}  // namespace qgrain

#endif
