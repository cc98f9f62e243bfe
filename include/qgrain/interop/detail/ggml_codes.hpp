// Codes and scales inside ggml's blocks.
#ifndef QGRAIN_INTEROP_DETAIL_GGML_CODES_HPP
#define QGRAIN_INTEROP_DETAIL_GGML_CODES_HPP

#include <qgrain/core/config.hpp>
#include <qgrain/interop/code_matrix.hpp>
#include <qgrain/interop/detail/ggml_blocks.hpp>
#include <qgrain/interop/detail/ggml_super_blocks.hpp>

#include <concepts>
#include <cstdint>

namespace qgrain::interop::detail {

/// Blocks whose scales are not made of parts, so that codes can go in and out: q8_0, q4_0, q4_1, q5_0, q5_1, mxfp4,
/// nvfp4, iq4_nl. (The K family and iq4_xs compute their scales in float32 from two or three fields.)
template <class B>
concept ggml_coded_block = std::same_as<B, ggml_q8_0> || std::same_as<B, ggml_q4_0> || std::same_as<B, ggml_q4_1> ||
    std::same_as<B, ggml_q5_0> || std::same_as<B, ggml_q5_1> || std::same_as<B, ggml_mxfp4> ||
    std::same_as<B, ggml_nvfp4> || std::same_as<B, ggml_iq4_nl>;

template <ggml_coded_block B>
struct ggml_traits {
  static constexpr bool eight_bits = std::same_as<B, ggml_q8_0>;
  static constexpr bool nv = std::same_as<B, ggml_nvfp4>;
  static constexpr bool mx = std::same_as<B, ggml_mxfp4>;
  static constexpr bool fifth_bit = requires(B b) { b.qh; };
  static constexpr bool minimum = requires(B b) { b.m; };

  static constexpr code_kind kind = nv || mx                       ? code_kind::e2m1
                                    : std::same_as<B, ggml_iq4_nl> ? code_kind::iq4_nl
                                                                   : code_kind::integer;
  static constexpr int bits = eight_bits ? 8 : fifth_bit ? 5 : 4;
  static constexpr int group_size = nv ? 16 : 32;
  static constexpr scale_kind scales = nv ? scale_kind::e4m3 : mx ? scale_kind::e8m0 : scale_kind::float16;

  [[nodiscard]] static constexpr std::uint8_t code(const B& block, int i) noexcept {
    int bits_of_code = 0;
    if constexpr (eight_bits) {
      bits_of_code = block.qs[i] + 128;
    } else if constexpr (nv) {
      bits_of_code = nibble_of_16(block.qs + i / 16 * 8, i % 16);
    } else {
      bits_of_code = nibble_of_32(block.qs, i);
      if constexpr (fifth_bit) bits_of_code |= bit_of_32(block.qh, i) << 4;
    }
    return static_cast<std::uint8_t>(bits_of_code);
  }
  /// Into a block of zero bytes.
  static constexpr void put_code(B& block, int i, std::uint8_t code_bits) noexcept {
    if constexpr (eight_bits) {
      block.qs[i] = static_cast<std::int8_t>(code_bits - 128);
    } else if constexpr (nv) {
      std::uint8_t& byte = block.qs[i / 16 * 8 + i % 8];
      byte = static_cast<std::uint8_t>(byte | code_bits << (i % 16 < 8 ? 0 : 4));
    } else {
      set_nibble_of_32(block.qs, i, code_bits & 15);
      if constexpr (fifth_bit) set_bit_of_32(block.qh, i, code_bits >> 4);
    }
  }
  [[nodiscard]] static constexpr std::uint32_t scale(const B& block, int group) noexcept {
    if constexpr (nv) {
      // The sign is not looked at, and 0x7F is 0. The 480 of 0xFF is no E4M3 number: the byte stays, elsewhere a NaN.
      const std::uint8_t pattern = block.d[group];
      return pattern == 0x7FU ? 0U : pattern == 0xFFU ? pattern : pattern & 0x7FU;
    } else if constexpr (mx) {
      return static_cast<std::uint32_t>(block.e + 0 * group);
    } else {
      return static_cast<std::uint32_t>(block.d.bits + 0 * group);
    }
  }
  static constexpr void put_scale(B& block, int group, std::uint32_t pattern) noexcept {
    if constexpr (nv) {
      block.d[group] = static_cast<std::uint8_t>(pattern);
    } else if constexpr (mx) {
      block.e = static_cast<std::uint8_t>(pattern);
    } else {
      block.d.bits = static_cast<std::uint16_t>(pattern);
    }
  }

 private:
  [[nodiscard]] static constexpr int nibble_of_16(const std::uint8_t* qs, int i) noexcept {
    return i < 8 ? qs[i] & 15 : qs[i - 8] >> 4;
  }
};

}  // namespace qgrain::interop::detail

#endif
