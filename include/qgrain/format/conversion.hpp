// Plain conversions of one float32 to a code, as particular tools do them where formats leave a choice.
#ifndef QGRAIN_FORMAT_CONVERSION_HPP
#define QGRAIN_FORMAT_CONVERSION_HPP

#include <qgrain/core/bits.hpp>
#include <qgrain/core/config.hpp>
#include <qgrain/format/float8.hpp>

#include <concepts>
#include <cstdint>
#include <string_view>
#include <type_traits>

namespace qgrain {

/// What happens beyond the largest finite value, infinity included.
enum class overflow : std::uint8_t {
  special,   ///< infinity or NaN, whichever the format has
  saturate,  ///< the largest finite value; NaN stays NaN
};

/// Where a value between two powers of two goes (the round_mode attribute of ONNX's Cast).
enum class e8m0_direction : std::uint8_t {
  nearest,  ///< a mantissa of exactly 1.5 goes up
  down,
  up,
};

namespace detail {

/// Powers of two from 2^-126 on, for a positive finite pattern: the code, 255 for overflow. Below, subnormals have
/// exponent field 0, which is code 0.
[[nodiscard]] QGRAIN_ELEMENTWISE constexpr std::uint32_t e8m0_of(std::uint32_t pattern, e8m0_direction way) noexcept {
  constexpr std::uint32_t half = 1U << (f32_mantissa_bits - 1);
  const std::uint32_t lift = way == e8m0_direction::nearest ? half : way == e8m0_direction::up ? 2 * half - 1 : 0;
  return (pattern + lift) >> f32_mantissa_bits;
}

/// The code of a NaN where a tool uses the pattern of all ones; formats with a single NaN have their own.
template <class Format>
[[nodiscard]] QGRAIN_ELEMENTWISE constexpr typename Format::code_type nan_of_ones(float x) noexcept {
  if constexpr (Format::specials == special_values::ieee) {
    return static_cast<typename Format::code_type>(Format::encode(x) | (Format::sign_code - 1U));
  } else {
    return Format::encode(x);
  }
}

template <class Format, overflow Overflow>
[[nodiscard]] QGRAIN_ELEMENTWISE constexpr typename Format::code_type number_code(float x) noexcept {
  if constexpr (Overflow == overflow::saturate) {
    return Format::encode_saturated(x);
  } else {
    return Format::encode(x);
  }
}

/// E8M0 of |x|; zero is code 0, infinity NaN even where numbers saturate.
template <overflow Overflow, e8m0_direction Way>
[[nodiscard]] QGRAIN_ELEMENTWISE constexpr std::uint8_t e8m0_of_magnitude(float x) noexcept {
  const auto pattern = static_cast<std::uint32_t>(magnitude_bits(x));
  const bool least = Way == e8m0_direction::nearest && pattern == bits_of(float8_e8m0fnu::lowest);
  const std::uint32_t most = Overflow == overflow::saturate && pattern < f32_infinity_bits ? 254U : 255U;
  return static_cast<std::uint8_t>(least ? 0U : smaller_of(e8m0_of(pattern, Way), most));
}

/// E8M0 of x in [2^-127, 2^127], rounded by mantissa all the way down. Anything else, zero and negative values
/// included, saturates or is NaN, before any rounding.
template <overflow Overflow, e8m0_direction Way>
[[nodiscard]] QGRAIN_ELEMENTWISE constexpr std::uint8_t e8m0_in_range(float x) noexcept {
  constexpr std::uint32_t least = bits_of(float8_e8m0fnu::lowest);
  constexpr bool saturates = Overflow == overflow::saturate;
  const std::uint32_t pattern = bits_of(x);
  if (is_nan(x)) return float8_e8m0fnu::nan_code;
  if (sign_of(x) != 0 || pattern < least) return saturates ? 0 : float8_e8m0fnu::nan_code;
  if (pattern > bits_of(float8_e8m0fnu::max_finite)) return saturates ? 254 : float8_e8m0fnu::nan_code;
  // Below 2^-126 the leading one is a stored digit: doubling the rest lines the mantissa up, one code lower.
  const bool subnormal = pattern < 2 * least;
  const std::uint32_t aligned = subnormal ? 2 * pattern : pattern;
  return static_cast<std::uint8_t>(e8m0_of(aligned, Way) - (subnormal ? 1U : 0U));
}

}  // namespace detail

/// ml_dtypes 0.6: the formats' own rules. Integers are truncated toward zero and wrap around; it is a cast, no
/// quantizer; NaN and what is beyond 2^31 become 0.
struct ml_dtypes_conversion {
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "ml_dtypes"; }
  template <class Format>
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr typename Format::code_type encode(float x) noexcept {
    if constexpr (requires { Format::is_signed; }) {
      // Beyond 32 bits, and for NaN, what x86's conversion gives, on every machine: the least integer, so code 0.
      const bool inside = x >= -0x1p31F && x < 0x1p31F;
      const std::uint32_t whole = inside ? static_cast<std::uint32_t>(static_cast<std::int32_t>(x)) : 0x8000'0000U;
      const std::uint32_t low = whole << (32 - Format::bits);
      using wide = std::conditional_t<Format::is_signed, std::int32_t, std::uint32_t>;
      return static_cast<typename Format::code_type>(static_cast<wide>(low) >> (32 - Format::bits));
    } else {
      return Format::encode(x);
    }
  }
};

/// torch 2.10's `.to(float8_*)` on the CPU: nothing saturates, the NaN of e5m2 is all ones; E8M0 drops the sign and
/// sends zero to code 0.
struct torch_conversion {
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "torch"; }
  template <class Format>
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr typename Format::code_type encode(float x) noexcept {
    if constexpr (std::same_as<Format, float8_e8m0fnu>) {
      return detail::e8m0_of_magnitude<overflow::special, e8m0_direction::nearest>(x);
    } else {
      return is_nan(x) ? detail::nan_of_ones<Format>(x) : Format::encode(x);
    }
  }
};

/// Cast of the ONNX standard (opset 25) as its reference implementation has it, with the attributes saturate and
/// round_mode: NaN as ml_dtypes; E8M0 drops the sign.
template <overflow Overflow, e8m0_direction Way = e8m0_direction::up>
struct onnx_conversion {
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "onnx"; }
  template <class Format>
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr typename Format::code_type encode(float x) noexcept {
    if constexpr (std::same_as<Format, float8_e8m0fnu>) {
      return detail::e8m0_of_magnitude<Overflow, Way>(x);
    } else {
      return detail::number_code<Format, Overflow>(x);
    }
  }
};

/// The same as onnxruntime 1.31 has it: the NaN of e5m2 is all ones; E8M0 takes values in [2^-127, 2^127] only. Without
/// saturation the tool departs from the standard just above the largest finite value (e4m3fn in [480, 496), e5m2 in
/// [61440, 65536)); that is not reproduced.
template <overflow Overflow, e8m0_direction Way = e8m0_direction::up>
struct onnxruntime_conversion {
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "onnxruntime"; }
  template <class Format>
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr typename Format::code_type encode(float x) noexcept {
    if constexpr (std::same_as<Format, float8_e8m0fnu>) {
      return detail::e8m0_in_range<Overflow, Way>(x);
    } else {
      return is_nan(x) ? detail::nan_of_ones<Format>(x) : detail::number_code<Format, Overflow>(x);
    }
  }
};

/// onnxruntime's conversion of bfloat16 without saturation: a NaN loses its sign.
struct onnxruntime_bfloat16_conversion {
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "onnxruntime_bfloat16"; }
  template <class Format>
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr typename Format::code_type encode(float x) noexcept {
    return onnxruntime_conversion<overflow::special>::encode<Format>(is_nan(x) ? quiet_nan() : x);
  }
};

}  // namespace qgrain

#endif
