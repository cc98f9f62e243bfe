// ggml's larger blocks, read only: NVFP4, IQ4 and the K family.
#ifndef QGRAIN_INTEROP_DETAIL_GGML_SUPER_BLOCKS_HPP
#define QGRAIN_INTEROP_DETAIL_GGML_SUPER_BLOCKS_HPP

#include <qgrain/core/arithmetic.hpp>
#include <qgrain/core/config.hpp>
#include <qgrain/core/half.hpp>
#include <qgrain/format/float8.hpp>
#include <qgrain/interop/detail/ggml_blocks.hpp>

#include <cstdint>
#include <string_view>

namespace qgrain::interop {

namespace detail {

/// The levels of the IQ4 formats.
[[nodiscard]] QGRAIN_HOST_DEVICE constexpr float iq4_level(int code) noexcept {
  constexpr std::int8_t levels[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};
  return static_cast<float>(levels[code]);
}

/// Two low bits of element i of 256: a byte of each half of 128 holds four elements that are 32 apart.
[[nodiscard]] QGRAIN_HOST_DEVICE constexpr int two_bits_of_256(const std::uint8_t* qs, int i) noexcept {
  return (qs[i / 128 * 32 + i % 32] >> (i % 128 / 32 * 2)) & 3;
}

/// Four low bits of element i of 256: a byte of each quarter of 64 holds two elements that are 32 apart.
[[nodiscard]] QGRAIN_HOST_DEVICE constexpr int nibble_of_256(const std::uint8_t* qs, int i) noexcept {
  return (qs[i / 64 * 32 + i % 32] >> (i / 32 % 2 * 4)) & 15;
}

/// Six-bit scale and minimum of sub-block j of 8, from 12 bytes: the first four stand in the low six bits of their
/// bytes, the others in nibbles, with their upper two bits on top of the first four.
struct scale_and_minimum {
  float scale;
  float minimum;
};
[[nodiscard]] QGRAIN_HOST_DEVICE constexpr scale_and_minimum six_bit_pair(const std::uint8_t* s, int j) noexcept {
  if (j < 4) return {static_cast<float>(s[j] & 63), static_cast<float>(s[j + 4] & 63)};
  return {static_cast<float>((s[j + 4] & 15) | (s[j - 4] >> 6) << 4),
          static_cast<float>((s[j + 4] >> 4) | (s[j] >> 6) << 4)};
}

/// d * scale * q - dmin * minimum, every product and the difference rounded.
[[nodiscard]] QGRAIN_HOST_DEVICE constexpr float above_minimum(float16 d, float16 dmin, scale_and_minimum sub,
                                                               int q) noexcept {
  const float step = mul_rn(to_float(d), sub.scale);
  return sub_rn(mul_rn(step, static_cast<float>(q)), mul_rn(to_float(dmin), sub.minimum));
}

}  // namespace detail

/// Four groups of 16 E2M1 codes, an E4M3 scale each whose sign bit is not looked at. Byte 0x7F stands for 0; 0xFF,
/// whose other bits are the same, is no exception to ggml and stands for 480.
struct ggml_nvfp4 {
  static constexpr int elements = 64;
  std::uint8_t d[4];
  std::uint8_t qs[32];

  [[nodiscard]] static constexpr std::string_view name() noexcept { return "nvfp4"; }
  [[nodiscard]] QGRAIN_HOST_DEVICE constexpr float value(int i) const noexcept {
    const int group = i / 16;
    const int place = i % 16;
    const std::uint8_t byte = qs[group * 8 + place % 8];
    const std::uint8_t code = d[group] & 0x7FU;
    const float scale = d[group] == 0x7FU ? 0.0F : code == 0x7FU ? 480.0F : float8_e4m3fn::decode(code);
    return mul_rn(0.5F * scale, twice_e2m1(place < 8 ? byte & 15 : byte >> 4) + 0.0F);
  }
};
static_assert(sizeof(ggml_nvfp4) == 36);

/// 32 codes into the IQ4 levels, one scale.
struct ggml_iq4_nl {
  static constexpr int elements = 32;
  float16 d;
  std::uint8_t qs[16];

  [[nodiscard]] static constexpr std::string_view name() noexcept { return "iq4_nl"; }
  [[nodiscard]] QGRAIN_HOST_DEVICE constexpr float value(int i) const noexcept {
    return mul_rn(to_float(d), detail::iq4_level(detail::nibble_of_32(qs, i)));
  }
};
static_assert(sizeof(ggml_iq4_nl) == 18);

/// Eight sub-blocks of 32 codes into the IQ4 levels, six-bit scales around 32.
struct ggml_iq4_xs {
  static constexpr int elements = 256;
  float16 d;
  std::uint16_t scales_h;
  std::uint8_t scales_l[4];
  std::uint8_t qs[128];

  [[nodiscard]] static constexpr std::string_view name() noexcept { return "iq4_xs"; }
  [[nodiscard]] QGRAIN_HOST_DEVICE constexpr float value(int i) const noexcept {
    const int sub = i / 32;
    const int low = (scales_l[sub / 2] >> (sub % 2 * 4)) & 15;
    const int high = (scales_h >> (2 * sub)) & 3;
    const float step = mul_rn(to_float(d), static_cast<float>((low | high << 4) - 32));
    return mul_rn(step, detail::iq4_level(detail::nibble_of_32(qs + 16 * sub, i % 32)));
  }
};
static_assert(sizeof(ggml_iq4_xs) == 136);

/// Two bits; 16 sub-blocks of 16 with four-bit scales and minima.
struct ggml_q2_k {
  static constexpr int elements = 256;
  std::uint8_t scales[16];
  std::uint8_t qs[64];
  float16 d;
  float16 dmin;

  [[nodiscard]] static constexpr std::string_view name() noexcept { return "q2_K"; }
  [[nodiscard]] QGRAIN_HOST_DEVICE constexpr float value(int i) const noexcept {
    const std::uint8_t sub = scales[i / 16];
    return detail::above_minimum(d, dmin, {static_cast<float>(sub & 15), static_cast<float>(sub >> 4)},
                                 detail::two_bits_of_256(qs, i));
  }
};
static_assert(sizeof(ggml_q2_k) == 84);

/// Three bits, -4 to 3; 16 sub-blocks of 16 with six-bit scales around 32.
struct ggml_q3_k {
  static constexpr int elements = 256;
  std::uint8_t hmask[32];
  std::uint8_t qs[64];
  std::uint8_t scales[12];
  float16 d;

  [[nodiscard]] static constexpr std::string_view name() noexcept { return "q3_K"; }
  [[nodiscard]] QGRAIN_HOST_DEVICE constexpr float value(int i) const noexcept {
    const int sub = i / 16;
    const int low = sub < 8 ? scales[sub] & 15 : scales[sub - 8] >> 4;
    const int high = (scales[8 + sub % 4] >> (sub / 4 * 2)) & 3;
    const float step = mul_rn(to_float(d), static_cast<float>((low | high << 4) - 32));
    const int upper = (hmask[i % 32] >> (i / 32)) & 1;
    return mul_rn(step, static_cast<float>(detail::two_bits_of_256(qs, i) + 4 * upper - 4));
  }
};
static_assert(sizeof(ggml_q3_k) == 110);

/// Four bits; eight sub-blocks of 32 with six-bit scales and minima.
struct ggml_q4_k {
  static constexpr int elements = 256;
  float16 d;
  float16 dmin;
  std::uint8_t scales[12];
  std::uint8_t qs[128];

  [[nodiscard]] static constexpr std::string_view name() noexcept { return "q4_K"; }
  [[nodiscard]] QGRAIN_HOST_DEVICE constexpr float value(int i) const noexcept {
    return detail::above_minimum(d, dmin, detail::six_bit_pair(scales, i / 32), detail::nibble_of_256(qs, i));
  }
};
static_assert(sizeof(ggml_q4_k) == 144);

/// As q4_K with a fifth bit per element.
struct ggml_q5_k {
  static constexpr int elements = 256;
  float16 d;
  float16 dmin;
  std::uint8_t scales[12];
  std::uint8_t qh[32];
  std::uint8_t qs[128];

  [[nodiscard]] static constexpr std::string_view name() noexcept { return "q5_K"; }
  [[nodiscard]] QGRAIN_HOST_DEVICE constexpr float value(int i) const noexcept {
    const int upper = (qh[i % 32] >> (i / 32)) & 1;
    return detail::above_minimum(d, dmin, detail::six_bit_pair(scales, i / 32),
                                 detail::nibble_of_256(qs, i) | upper << 4);
  }
};
static_assert(sizeof(ggml_q5_k) == 176);

/// Six bits around 32; 16 sub-blocks of 16 with int8 scales.
struct ggml_q6_k {
  static constexpr int elements = 256;
  std::uint8_t ql[128];
  std::uint8_t qh[64];
  std::int8_t scales[16];
  float16 d;

  [[nodiscard]] static constexpr std::string_view name() noexcept { return "q6_K"; }
  [[nodiscard]] QGRAIN_HOST_DEVICE constexpr float value(int i) const noexcept {
    const int half = i / 128;
    const int quarter = i % 128 / 32;
    const int low = (ql[half * 64 + quarter % 2 * 32 + i % 32] >> (quarter / 2 * 4)) & 15;
    const int high = (qh[half * 32 + i % 32] >> (quarter * 2)) & 3;
    const float step = mul_rn(to_float(d), static_cast<float>(scales[i / 16]));
    return mul_rn(step, static_cast<float>((low | high << 4) - 32));
  }
};
static_assert(sizeof(ggml_q6_k) == 210);

}  // namespace qgrain::interop

#endif
