// ggml's blocks of 32 elements, exactly as they lie in a GGUF file, with their conversions both ways.
#ifndef QGRAIN_INTEROP_DETAIL_GGML_BLOCKS_HPP
#define QGRAIN_INTEROP_DETAIL_GGML_BLOCKS_HPP

#include <qgrain/core/arithmetic.hpp>
#include <qgrain/core/bits.hpp>
#include <qgrain/core/config.hpp>
#include <qgrain/core/half.hpp>
#include <qgrain/format/float4.hpp>
#include <qgrain/format/rounding.hpp>
#include <qgrain/scale/power_of_two.hpp>
#include <qgrain/scale/range.hpp>
#include <qgrain/scale/signed_max.hpp>

#include <cstdint>
#include <string_view>

namespace qgrain::interop {

namespace detail {

/// Where blocks of 32 keep the four low bits of element i: byte i and byte i - 16, low nibbles first.
[[nodiscard]] QGRAIN_ELEMENTWISE constexpr int nibble_of_32(const std::uint8_t* qs, int i) noexcept {
  return i < 16 ? qs[i] & 15 : qs[i - 16] >> 4;
}
QGRAIN_HOST_DEVICE constexpr void set_nibble_of_32(std::uint8_t* qs, int i, int value) noexcept {
  std::uint8_t& byte = qs[i % 16];
  byte = static_cast<std::uint8_t>(i < 16 ? (byte & 0xF0) | (value & 15) : (byte & 0x0F) | ((value & 15) << 4));
}

/// All of them at once, from codes of four bits.
QGRAIN_ELEMENTWISE constexpr void set_nibbles_of_32(std::uint8_t* qs, const std::int32_t* codes) noexcept {
  QGRAIN_INDEPENDENT_ITERATIONS
  for (int i = 0; i < 16; ++i) qs[i] = static_cast<std::uint8_t>((codes[i] & 15) | (codes[i + 16] & 15) << 4);
}

/// Bit i of 32, lowest byte first.
[[nodiscard]] QGRAIN_ELEMENTWISE constexpr int bit_of_32(const std::uint8_t* qh, int i) noexcept {
  const std::uint32_t all =
      std::uint32_t{qh[0]} | std::uint32_t{qh[1]} << 8 | std::uint32_t{qh[2]} << 16 | std::uint32_t{qh[3]} << 24;
  return static_cast<int>(all >> i & 1U);
}
QGRAIN_HOST_DEVICE constexpr void set_bit_of_32(std::uint8_t* qh, int i, int value) noexcept {
  qh[i / 8] = static_cast<std::uint8_t>(qh[i / 8] | (value & 1) << (i % 8));
}
/// All of them at once, the fifth of codes of five bits.
QGRAIN_ELEMENTWISE constexpr void set_fifth_bits_of_32(std::uint8_t* qh, const std::int32_t* codes) noexcept {
  std::uint32_t all = 0;
  QGRAIN_INDEPENDENT_ITERATIONS
  for (int i = 0; i < 32; ++i) all |= (static_cast<std::uint32_t>(codes[i]) >> 4 & 1U) << i;
  for (int b = 0; b < 4; ++b) qh[b] = static_cast<std::uint8_t>(all >> 8 * b);
}

/// 1 / d, and 0 for a block of zeros.
[[nodiscard]] QGRAIN_ELEMENTWISE constexpr float inverse_or_zero(float d) noexcept {
  return magnitude_bits(d) == 0 ? 0.0F : div_rn(1.0F, d);
}

/// The integer part in [0, most]; NaN gives 0. By patterns: those of negative numbers are negative.
[[nodiscard]] QGRAIN_ELEMENTWISE constexpr int truncated(float x, int most) noexcept {
  const std::int32_t pattern = is_nan(x) ? 0 : static_cast<std::int32_t>(bits_of(x));
  const std::int32_t limited = larger_of(smaller_of(pattern, magnitude_bits(static_cast<float>(most))), 0);
  return static_cast<int>(float_from_magnitude(limited));
}

/// The largest magnitude; NaN counts as largest. Two loops, as compilers vectorize them.
[[nodiscard]] QGRAIN_ELEMENTWISE constexpr std::int32_t largest_magnitude(const float* x, int count) noexcept {
  std::int32_t largest = 0;
  QGRAIN_INDEPENDENT_ITERATIONS
  for (int i = 0; i < count; ++i) largest = larger_of(largest, magnitude_bits(x[i]));
  return largest;
}
/// The first element of that magnitude, sign kept.
[[nodiscard]] QGRAIN_ELEMENTWISE constexpr float first_largest(const float* x, int count) noexcept {
  const std::int32_t largest = largest_magnitude(x, count);
  std::int32_t first = count - 1;
  QGRAIN_INDEPENDENT_ITERATIONS
  for (std::int32_t i = 0; i < count; ++i) {
    first = smaller_of(first, selected(magnitude_bits(x[i]) == largest, i, count));
  }
  return x[first];
}

/// Minimum and maximum of a block, zero not included unless it is there; NaN if there is one. Of zeros of
/// both signs the last one is taken, as the gguf package does.
struct least_and_most {
  float least;
  float most;
};
[[nodiscard]] QGRAIN_HOST_DEVICE constexpr least_and_most limits_in_turn(const float* x, int count) noexcept {
  least_and_most limits{x[0], x[0]};
  for (int i = 1; i < count; ++i) {
    limits.least = is_nan(x[i]) || x[i] <= limits.least ? x[i] : limits.least;
    limits.most = is_nan(x[i]) || x[i] >= limits.most ? x[i] : limits.most;
    if (is_nan(limits.least)) return limits;
  }
  return limits;
}
/// The same by patterns, in the order of numbers, as compilers vectorize it; a zero or a NaN has to be looked for.
[[nodiscard]] QGRAIN_ELEMENTWISE constexpr least_and_most limits_of(const float* x, int count) noexcept {
  constexpr std::int32_t above_all = 0x7FFF'FFFF;
  std::int32_t least = above_all;
  std::int32_t most = -above_all - 1;
  QGRAIN_INDEPENDENT_ITERATIONS
  for (int i = 0; i < count; ++i) {
    const auto pattern = static_cast<std::int32_t>(bits_of(x[i]));
    const std::int32_t place = pattern ^ ((pattern >> 31) & 0x7FFF'FFFF);
    least = smaller_of(least, place);
    most = larger_of(most, place);
  }
  constexpr auto infinity = static_cast<std::int32_t>(f32_infinity_bits);
  const auto is_zero = [](std::int32_t place) { return place == 0 || place == -1; };
  if (most > infinity || least < -infinity - 1 || is_zero(least) || is_zero(most)) return limits_in_turn(x, count);
  const auto number = [](std::int32_t place) {
    return float_from_bits(static_cast<std::uint32_t>(place ^ ((place >> 31) & 0x7FFF'FFFF)));
  };
  return {number(least), number(most)};
}

/// Code of the symmetric formats: x / d with d so chosen that the element of the largest magnitude, sign included, is
/// at -half. Product and sum are float32 operations, each rounded: quotients on exact halves depend on it.
[[nodiscard]] QGRAIN_ELEMENTWISE constexpr int code_around(float x, float inverse, int half) noexcept {
  return truncated(add_rn(mul_rn(x, inverse), static_cast<float>(half) + 0.5F), 2 * half - 1);
}

/// Code of the formats with a minimum: three float32 operations, each rounded.
[[nodiscard]] QGRAIN_ELEMENTWISE constexpr int code_above(float x, float least, float inverse, int most) noexcept {
  return truncated(add_rn(mul_rn(sub_rn(x, least), inverse), 0.5F), most);
}

/// Nearest integer, halves away from zero, in [-128, 127]; NaN gives 0.
[[nodiscard]] QGRAIN_ELEMENTWISE constexpr std::int32_t nearest_code(float x) noexcept {
  const float limited = float_from_magnitude(smaller_of(magnitude_bits(x), magnitude_bits(127.0F)));
  const auto magnitude = static_cast<std::int32_t>(nearest_away{}(limited));
  return selected(is_nan(x), 0, selected(sign_of(x) == 0, magnitude, -magnitude));
}

}  // namespace detail

// Each block: `elements` values, `encode(x)` from that many floats, `value(i)` of one element. Where a block holds a
// NaN or infinity the scale is one, and values of the block are NaN or infinite.

/// int8 codes and one float16 scale d = absmax / 127; codes come from the unrounded d.
struct ggml_q8_0 {
  static constexpr int elements = 32;
  float16 d;
  std::int8_t qs[32];

  [[nodiscard]] static constexpr std::string_view name() noexcept { return "q8_0"; }
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr ggml_q8_0 encode(const float* x) noexcept {
    return encode_in_range(x, float_from_magnitude(detail::largest_magnitude(x, elements)));
  }
  /// The same where the largest magnitude is known.
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr ggml_q8_0 encode_in_range(const float* x, float absmax) noexcept {
    const float d = div_rn(absmax, 127.0F);
    const float inverse = detail::inverse_or_zero(d);
    ggml_q8_0 block{from_float<float16>(d), {}};
    QGRAIN_INDEPENDENT_ITERATIONS
    for (int i = 0; i < elements; ++i) {
      const std::int32_t code = detail::nearest_code(mul_rn(x[i], inverse));
      block.qs[i] = static_cast<std::int8_t>(smaller_of(code, 127));  // narrowed last: see integer::encode
    }
    return block;
  }
  [[nodiscard]] QGRAIN_ELEMENTWISE constexpr float value(int i) const noexcept {
    return mul_rn(static_cast<float>(qs[i]), to_float(d));
  }
};
static_assert(sizeof(ggml_q8_0) == 34);

/// 4-bit codes around 8; the scale has the sign that puts the largest magnitude at -8.
struct ggml_q4_0 {
  static constexpr int elements = 32;
  float16 d;
  std::uint8_t qs[16];

  [[nodiscard]] static constexpr std::string_view name() noexcept { return "q4_0"; }
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr ggml_q4_0 encode(const float* x) noexcept {
    const float d = div_rn(detail::first_largest(x, elements), -8.0F);
    const float inverse = detail::inverse_or_zero(d);
    ggml_q4_0 block{from_float<float16>(d), {}};
    std::int32_t codes[elements] = {};
    QGRAIN_INDEPENDENT_ITERATIONS
    for (int i = 0; i < elements; ++i) codes[i] = detail::code_around(x[i], inverse, 8);
    detail::set_nibbles_of_32(block.qs, codes);
    return block;
  }
  [[nodiscard]] QGRAIN_ELEMENTWISE constexpr float value(int i) const noexcept {
    return mul_rn(to_float(d), static_cast<float>(detail::nibble_of_32(qs, i) - 8));
  }
};
static_assert(sizeof(ggml_q4_0) == 18);

/// 4-bit codes from the minimum m up in steps of d.
struct ggml_q4_1 {
  static constexpr int elements = 32;
  float16 d;
  float16 m;
  std::uint8_t qs[16];

  [[nodiscard]] static constexpr std::string_view name() noexcept { return "q4_1"; }
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr ggml_q4_1 encode(const float* x) noexcept {
    const detail::least_and_most limits = detail::limits_of(x, elements);
    const float d = div_rn(sub_rn(limits.most, limits.least), 15.0F);
    const float inverse = detail::inverse_or_zero(d);
    ggml_q4_1 block{from_float<float16>(d), from_float<float16>(limits.least), {}};
    std::int32_t codes[elements] = {};
    QGRAIN_INDEPENDENT_ITERATIONS
    for (int i = 0; i < elements; ++i) codes[i] = detail::code_above(x[i], limits.least, inverse, 15);
    detail::set_nibbles_of_32(block.qs, codes);
    return block;
  }
  [[nodiscard]] QGRAIN_ELEMENTWISE constexpr float value(int i) const noexcept {
    return add_rn(mul_rn(to_float(d), static_cast<float>(detail::nibble_of_32(qs, i))), to_float(m));
  }
};
static_assert(sizeof(ggml_q4_1) == 20);

/// As q4_0 with a fifth bit per element, around 16.
struct ggml_q5_0 {
  static constexpr int elements = 32;
  float16 d;
  std::uint8_t qh[4];
  std::uint8_t qs[16];

  [[nodiscard]] static constexpr std::string_view name() noexcept { return "q5_0"; }
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr ggml_q5_0 encode(const float* x) noexcept {
    const float d = div_rn(detail::first_largest(x, elements), -16.0F);
    const float inverse = detail::inverse_or_zero(d);
    ggml_q5_0 block{from_float<float16>(d), {}, {}};
    std::int32_t codes[elements] = {};
    QGRAIN_INDEPENDENT_ITERATIONS
    for (int i = 0; i < elements; ++i) codes[i] = detail::code_around(x[i], inverse, 16);
    detail::set_nibbles_of_32(block.qs, codes);
    detail::set_fifth_bits_of_32(block.qh, codes);
    return block;
  }
  [[nodiscard]] QGRAIN_ELEMENTWISE constexpr float value(int i) const noexcept {
    const int code = detail::nibble_of_32(qs, i) | detail::bit_of_32(qh, i) << 4;
    return mul_rn(to_float(d), static_cast<float>(code - 16));
  }
};
static_assert(sizeof(ggml_q5_0) == 22);

/// As q4_1 with a fifth bit per element.
struct ggml_q5_1 {
  static constexpr int elements = 32;
  float16 d;
  float16 m;
  std::uint8_t qh[4];
  std::uint8_t qs[16];

  [[nodiscard]] static constexpr std::string_view name() noexcept { return "q5_1"; }
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr ggml_q5_1 encode(const float* x) noexcept {
    const detail::least_and_most limits = detail::limits_of(x, elements);
    const float d = div_rn(sub_rn(limits.most, limits.least), 31.0F);
    const float inverse = detail::inverse_or_zero(d);
    ggml_q5_1 block{from_float<float16>(d), from_float<float16>(limits.least), {}, {}};
    std::int32_t codes[elements] = {};
    QGRAIN_INDEPENDENT_ITERATIONS
    for (int i = 0; i < elements; ++i) codes[i] = detail::code_above(x[i], limits.least, inverse, 31);
    detail::set_nibbles_of_32(block.qs, codes);
    detail::set_fifth_bits_of_32(block.qh, codes);
    return block;
  }
  [[nodiscard]] QGRAIN_ELEMENTWISE constexpr float value(int i) const noexcept {
    const int code = detail::nibble_of_32(qs, i) | detail::bit_of_32(qh, i) << 4;
    return add_rn(mul_rn(to_float(d), static_cast<float>(code)), to_float(m));
  }
};
static_assert(sizeof(ggml_q5_1) == 24);

/// One bfloat16: nearest, ties to even, NaN made quiet.
struct ggml_bf16 {
  static constexpr int elements = 1;
  bfloat16 x;

  [[nodiscard]] static constexpr std::string_view name() noexcept { return "bf16"; }
  [[nodiscard]] QGRAIN_HOST_DEVICE static constexpr ggml_bf16 encode(const float* x) noexcept {
    return {from_float<bfloat16>(*x)};
  }
  [[nodiscard]] QGRAIN_HOST_DEVICE constexpr float value(int) const noexcept { return to_float(x); }
};
static_assert(sizeof(ggml_bf16) == 2);

/// Twice the E2M1 values as integers. ggml keeps them so and halves the scale.
[[nodiscard]] QGRAIN_ELEMENTWISE constexpr float twice_e2m1(int code) noexcept {
  return 2.0F * float4_e2m1fn::decode(static_cast<std::uint8_t>(code));
}

/// E2M1 codes and one E8M0 byte by gguf's rule e8m0_floor_log2f. Ties go to the smaller magnitude, and what becomes
/// zero has code 0 whatever its sign. A code whose value overflows float32 is never the nearest to a finite number:
/// beside the largest floats values end at 3. A block with a NaN has byte 255, which ggml decodes as a number.
struct ggml_mxfp4 {
  static constexpr int elements = 32;
  using scale_type = absmax_e8m0_by<e8m0_floor_log2f>;
  static constexpr std::uint8_t last_finite_unit =
      253;  ///< of the largest floats: 4 * 2^126 overflows, 3 * 2^126 does not
  std::uint8_t e;
  std::uint8_t qs[16];

  [[nodiscard]] static constexpr std::string_view name() noexcept { return "mxfp4"; }
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr ggml_mxfp4 encode(const float* x) noexcept {
    return encode_in_range(x, float_from_magnitude(detail::largest_magnitude(x, elements)));
  }
  /// The same where the largest magnitude is known.
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr ggml_mxfp4 encode_in_range(const float* x, float absmax) noexcept {
    using scale = scale_type;
    ggml_mxfp4 block{scale::stored<float4_e2m1fn>(absmax, 1.0F), {}};
    const scale_factors factors = scale::factors(block.e, 1.0F);
    const std::int32_t largest_of_finite = block.e == last_finite_unit ? 5 : 7;
    std::int32_t codes[elements] = {};
    QGRAIN_INDEPENDENT_ITERATIONS
    for (int i = 0; i < elements; ++i) {
      const std::int32_t code = float4_e2m1fn::encode_saturated(scale::scaled(x[i], factors), ties_to_zero{});
      const std::int32_t finite = (code & 8) | smaller_of(code & 7, largest_of_finite);
      const std::int32_t chosen = selected(is_finite(x[i]), finite, code);
      codes[i] = selected(chosen == 8, 0, chosen);
    }
    detail::set_nibbles_of_32(block.qs, codes);
    return block;
  }
  /// 2^(e - 128): of twice the values.
  [[nodiscard]] QGRAIN_ELEMENTWISE constexpr float unit() const noexcept {
    return float_from_bits(e < 2 ? 0x0020'0000U << e : (e - 1U) << f32_mantissa_bits);
  }
  [[nodiscard]] QGRAIN_ELEMENTWISE constexpr float value(int i) const noexcept {
    return mul_rn(unit(), twice_e2m1(detail::nibble_of_32(qs, i)) + 0.0F);
  }
};
static_assert(sizeof(ggml_mxfp4) == 17);

}  // namespace qgrain::interop

#endif
