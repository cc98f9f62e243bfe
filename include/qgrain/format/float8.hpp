// The 8-bit floating-point formats (OCP FP8, OCP MX v1.0), and the scale format E8M0.
#ifndef QGRAIN_FORMAT_FLOAT8_HPP
#define QGRAIN_FORMAT_FLOAT8_HPP

#include <qgrain/core/bits.hpp>
#include <qgrain/core/config.hpp>
#include <qgrain/format/minifloat.hpp>

#include <cstdint>
#include <string_view>

namespace qgrain {

/// Up to 448, subnormals down to 2^-9, NaN, no infinity.
struct float8_e4m3fn : minifloat<4, 3, 7, special_values::nan_at_ones> {
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "float8_e4m3fn"; }
};

/// Up to 57344, subnormals down to 2^-16, infinity and NaN.
struct float8_e5m2 : minifloat<5, 2, 15, special_values::ieee> {
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "float8_e5m2"; }
};

// The variants of one NaN and no -0 ("fnuz"), with biases of their own.

/// Up to 240, subnormals down to 2^-10 (Graphcore, AMD MI300; arXiv 2206.02915).
struct float8_e4m3fnuz : minifloat<4, 3, 8, special_values::nan_at_negative_zero> {
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "float8_e4m3fnuz"; }
};

/// Up to 57344, subnormals down to 2^-17.
struct float8_e5m2fnuz : minifloat<5, 2, 16, special_values::nan_at_negative_zero> {
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "float8_e5m2fnuz"; }
};

/// Up to 30, subnormals down to 2^-13.
struct float8_e4m3b11fnuz : minifloat<4, 3, 11, special_values::nan_at_negative_zero> {
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "float8_e4m3b11fnuz"; }
};

// Fields as in IEEE 754: infinity and NaNs at the largest exponent.

/// Up to 240, subnormals down to 2^-9.
struct float8_e4m3 : minifloat<4, 3, 7, special_values::ieee> {
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "float8_e4m3"; }
};

/// Up to 15.5, subnormals down to 2^-6.
struct float8_e3m4 : minifloat<3, 4, 3, special_values::ieee> {
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "float8_e3m4"; }
};

/// A power of two, 2^(code - 127); 255 is NaN. It has neither sign nor zero: a scale, not an element.
struct float8_e8m0fnu {
  using code_type = std::uint8_t;
  static constexpr int bits = 8;
  static constexpr float max_finite = power_of_two(127);
  static constexpr float lowest = float_from_bits(1U << (f32_mantissa_bits - 1));  // 2^-127, a subnormal float32
  static constexpr code_type nan_code = 255;

  [[nodiscard]] static constexpr std::string_view name() noexcept { return "float8_e8m0fnu"; }

  /// The nearest power of two, a mantissa of exactly 1.5 going up. Zero, negative values, NaN, infinity and what rounds
  /// above 2^127 give NaN. Below 2^-126 as ml_dtypes has it: values up to 2^-127 give 2^-127, values above it 2^-126.
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr code_type encode(float x) noexcept {
    const std::uint32_t pattern = bits_of(x);
    const bool numeric = pattern - 1U < f32_infinity_bits - 1U;  // positive and finite
    const std::uint32_t nearest = (pattern + least_bits) >> f32_mantissa_bits;
    return static_cast<code_type>(!numeric ? nan_code : pattern == least_bits ? 0U : nearest);
  }

  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float decode(code_type code) noexcept {
    const std::uint32_t wide = static_cast<std::uint32_t>(code) << f32_mantissa_bits;
    return float_from_bits(code == nan_code ? bits_of(quiet_nan()) : code == 0 ? least_bits : wide);
  }

 private:
  static constexpr std::uint32_t least_bits = bits_of(lowest);
};

}  // namespace qgrain

#endif
