// ModelOpt's packed NF4: 16 levels, and scales that are quantized themselves.
#ifndef QGRAIN_QUANTIZER_MODELOPT_NF4_HPP
#define QGRAIN_QUANTIZER_MODELOPT_NF4_HPP

#include <qgrain/core/bits.hpp>
#include <qgrain/core/concepts.hpp>
#include <qgrain/core/config.hpp>
#include <qgrain/core/half.hpp>
#include <qgrain/format/integer.hpp>
#include <qgrain/quantizer/quantizer.hpp>
#include <qgrain/scale/arithmetic_in.hpp>
#include <qgrain/scale/symmetric.hpp>

#include <cstdint>
#include <string_view>

namespace qgrain {

/// The levels of NF4 (QLoRA, arXiv 2305.14314) in four decimals, held as bfloat16. A code is the first level at the
/// least distance, with distances computed in T, the type of the tensor: in bfloat16 many distances are equal, and the
/// lower level wins. NaN has the code of 0.
template <storage_element T = float>
struct modelopt_nf4 {
  using code_type = std::uint8_t;
  static constexpr int bits = 4;
  static constexpr float max_finite = 1.0F;
  static constexpr code_type zero_code = 7;

  [[nodiscard]] static constexpr std::string_view name() noexcept { return "nf4"; }

  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float decode(code_type code) noexcept {
    constexpr float levels[16] = {-1.0F,   -0.6962F, -0.5251F, -0.3949F, -0.2844F, -0.1848F, -0.0911F, 0.0F,
                                  0.0796F, 0.1609F,  0.2461F,  0.3379F,  0.4407F,  0.5626F,  0.7230F,  1.0F};
    return arithmetic_in<bfloat16>::rounded(levels[code & 15]);
  }
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr code_type encode(float x) noexcept {
    code_type nearest = is_nan(x) ? zero_code : 0;
    std::int32_t least = magnitude_bits(arithmetic_in<T>::sub(x, decode(nearest)));
    for (code_type code = 1; code < 16; ++code) {
      const std::int32_t distance = magnitude_bits(arithmetic_in<T>::sub(x, decode(code)));
      nearest = distance < least ? code : nearest;
      least = smaller_of(distance, least);
    }
    return nearest;
  }
};

/// Groups of NF4 under their largest magnitude; an all-zero group has scale 1 here (the tool divides 0 by 0).
template <granularity_policy Granularity, storage_element T = float>
using modelopt_packed_nf4 = quantizer<modelopt_nf4<T>, Granularity, symmetric_by<divide, zero_scale_is_one, T>>;

/// Double quantization: scales minus an offset become int8 in [-127, 127], one multiplier for a group of scales.
/// `offset` is the mean of all scales, which the caller computes (its order of summation is the tool's own). Steps are
/// rounded to T.
template <storage_element T = float>
struct double_quantized_scales {
  using arithmetic = arithmetic_in<T>;

  /// fl(fl(1 / absmax) * 127), from the largest |scale - offset| of the group. A group of equal scales has an infinite
  /// one, and codes of 0.
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float multiplier(float absmax) noexcept {
    return arithmetic::mul(arithmetic::div(1.0F, absmax), int8::max_finite);
  }
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float centred(float scale, float offset) noexcept {
    return arithmetic::sub(scale, offset);
  }
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr std::int8_t encode(float centred, float multiplier) noexcept {
    return int8_narrow::encode(arithmetic::mul(multiplier, centred));
  }
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float decode(std::int8_t code, float multiplier,
                                                                 float offset) noexcept {
    return arithmetic::add(arithmetic::div(static_cast<float>(code), multiplier), offset);
  }
};

}  // namespace qgrain

#endif
