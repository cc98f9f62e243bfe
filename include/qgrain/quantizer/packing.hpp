// Codes below eight bits, packed into bytes.
#ifndef QGRAIN_QUANTIZER_PACKING_HPP
#define QGRAIN_QUANTIZER_PACKING_HPP

#include <qgrain/core/config.hpp>
#include <qgrain/core/matrix_view.hpp>

#include <cstdint>

namespace qgrain {

/// Which end of a byte the first of its codes goes to.
enum class bit_order : std::uint8_t {
  low_first,   ///< even elements in the low nibble: ONNX, torchao, MX, NVFP4
  high_first,  ///< even elements in the high nibble: ModelOpt's packed int4 and nf4
};

/// The low `bits` of a code, signed ones as two's complement.
template <class Code>
[[nodiscard]] QGRAIN_HOST_DEVICE constexpr std::uint32_t low_bits(Code code, int bits) noexcept {
  return static_cast<std::uint32_t>(code) & ((1U << bits) - 1U);
}

/// Bytes of `count` codes of 1, 2, 4 or 8 bits; the last byte may have unused bits.
[[nodiscard]] QGRAIN_HOST_DEVICE constexpr index_t packed_bytes(index_t count, int bits) noexcept {
  return ceil_div(count, 8 / bits);
}

/// Packs codes of 1, 2, 4 or 8 bits one after the other; unused bits of the last byte are 0.
///
/// codes: `count` codes, of which the low bits count; out: packed_bytes(count, bits) bytes, all written.
template <class Code>
QGRAIN_HOST_DEVICE constexpr void pack_codes(const Code* codes, index_t count, int bits, bit_order order,
                                             std::uint8_t* out) noexcept {
  const int per_byte = 8 / bits;
  for (index_t byte = 0; byte * per_byte < count; ++byte) {
    std::uint32_t value = 0;
    for (int place = 0; place < per_byte && byte * per_byte + place < count; ++place) {
      const int shift = (order == bit_order::low_first ? place : per_byte - 1 - place) * bits;
      value |= low_bits(codes[byte * per_byte + place], bits) << shift;
    }
    out[byte] = static_cast<std::uint8_t>(value);
  }
}

/// The way back. Signed codes are extended from their top bit.
template <class Code>
QGRAIN_HOST_DEVICE constexpr void unpack_codes(const std::uint8_t* packed, index_t count, int bits, bit_order order,
                                               Code* codes) noexcept {
  const int per_byte = 8 / bits;
  for (index_t i = 0; i < count; ++i) {
    const auto place = static_cast<int>(i % per_byte);
    const int shift = (order == bit_order::low_first ? place : per_byte - 1 - place) * bits;
    const std::uint32_t value = low_bits(packed[i / per_byte] >> shift, bits);
    const bool negative = Code(-1) < Code(0) && (value >> (bits - 1)) != 0;
    codes[i] = static_cast<Code>(negative ? value - (1U << bits) : value);
  }
}

}  // namespace qgrain

#endif
