// Codes below eight bits, packed into bytes without gaps.
#ifndef QGRAIN_QUANTIZER_PACKING_HPP
#define QGRAIN_QUANTIZER_PACKING_HPP

#include <qgrain/core/config.hpp>
#include <qgrain/core/matrix_view.hpp>
#include <qgrain/core/status.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <type_traits>

namespace qgrain {

/// Which end of a byte the first of its codes goes to. Code i of B bits is bits [i * B, (i + 1) * B) of one long row of
/// bits; the order says from which end each byte is filled. Codes may lie across bytes (3, 5, 6, 7 bits).
enum class bit_order : std::uint8_t {
  low_first,   ///< even elements in the low nibble: ONNX, torchao, MX, NVFP4
  high_first,  ///< even elements in the high nibble: ModelOpt's packed int4 and nf4
};

/// The low `bits` of a code, signed ones as two's complement.
template <class Code>
[[nodiscard]] QGRAIN_HOST_DEVICE constexpr std::uint32_t low_bits(Code code, int bits) noexcept {
  return static_cast<std::uint32_t>(code) & ((1U << bits) - 1U);
}

/// The code that these bits stand for; signed ones are extended from their top bit.
template <class Code>
[[nodiscard]] QGRAIN_HOST_DEVICE constexpr Code code_of_bits(std::uint32_t value, int bits) noexcept {
  const bool negative = Code(-1) < Code(0) && (value >> (bits - 1)) != 0;
  return static_cast<Code>(negative ? value - (1U << bits) : value);
}

/// Bytes of `count` codes of 1 to 16 bits; the last byte may have unused bits.
[[nodiscard]] QGRAIN_HOST_DEVICE constexpr index_t packed_bytes(index_t count, int bits) noexcept {
  return ceil_div(count * bits, 8);
}

/// Packs codes of 1 to 16 bits one after the other; unused bits of the last byte are 0. Eight codes fill whole bytes,
/// so runs of eight can be packed independently: run k begins at byte k * bits.
///
/// codes: `count` codes, of which the low bits count; out: packed_bytes(count, bits) bytes, all written.
template <class Code>
QGRAIN_HOST_DEVICE constexpr void pack_codes(const Code* codes, index_t count, int bits, bit_order order,
                                             std::uint8_t* out) noexcept {
  std::uint32_t held = 0;  // the bits that do not fill a byte yet
  int filled = 0;
  for (index_t i = 0; i < count; ++i) {
    if (order == bit_order::low_first) {
      held |= low_bits(codes[i], bits) << filled;
      for (filled += bits; filled >= 8; filled -= 8, held >>= 8) *out++ = static_cast<std::uint8_t>(held);
    } else {
      held = held << bits | low_bits(codes[i], bits);
      for (filled += bits; filled >= 8; filled -= 8) *out++ = static_cast<std::uint8_t>(held >> (filled - 8));
    }
  }
  if (filled > 0) *out = static_cast<std::uint8_t>(order == bit_order::low_first ? held : held << (8 - filled));
}

/// Code i of a packed row.
template <class Code>
[[nodiscard]] QGRAIN_HOST_DEVICE constexpr Code packed_code(const std::uint8_t* packed, index_t i, int bits,
                                                            bit_order order) noexcept {
  const index_t first = i * bits / 8;
  const auto skipped = static_cast<int>(i * bits % 8);
  const int bytes = (skipped + bits + 7) / 8;
  std::uint32_t window = 0;
  for (int b = 0; b < bytes; ++b) {
    const std::uint32_t byte = packed[first + b];
    window |= byte << (order == bit_order::low_first ? 8 * b : 8 * (bytes - 1 - b));
  }
  const int shift = order == bit_order::low_first ? skipped : 8 * bytes - skipped - bits;
  return code_of_bits<Code>(low_bits(window >> shift, bits), bits);
}

/// The way back from pack_codes: `count` codes, all written.
template <class Code>
QGRAIN_HOST_DEVICE constexpr void unpack_codes(const std::uint8_t* packed, index_t count, int bits, bit_order order,
                                               Code* codes) noexcept {
  for (index_t i = 0; i < count; ++i) codes[i] = packed_code<Code>(packed, i, bits, order);
}

namespace detail {

inline void require_packed(std::size_t count, int bits, int code_bits, std::size_t found) {
  if (bits < 1 || bits > 16 || bits > code_bits) {
    throw error(errc::invalid_argument, "codes of " + std::to_string(bits) + " bits do not fit the " +
                                            std::to_string(code_bits) + " bits of their type (1 to 16 can be packed)");
  }
  const index_t wanted = packed_bytes(static_cast<index_t>(count), bits);
  if (static_cast<index_t>(found) == wanted) return;
  throw error(errc::invalid_shape, std::to_string(count) + " codes of " + std::to_string(bits) + " bits take " +
                                       std::to_string(wanted) + " bytes, the buffer has " + std::to_string(found));
}

}  // namespace detail

/// `pack_codes` into a buffer of known size.
/// @throws error errc::invalid_argument for bits outside of 1 to 16 or wider than Code, errc::invalid_shape where `out`
/// has another size than packed_bytes; nothing has been written then
template <class Code>
void pack_codes(std::type_identity_t<std::span<const Code>> codes, int bits, bit_order order,
                std::span<std::uint8_t> out) {
  detail::require_packed(codes.size(), bits, 8 * static_cast<int>(sizeof(Code)), out.size());
  pack_codes(codes.data(), static_cast<index_t>(codes.size()), bits, order, out.data());
}

/// `unpack_codes` from a buffer of known size. Errors as in pack_codes.
template <class Code>
void unpack_codes(std::span<const std::uint8_t> packed, int bits, bit_order order,
                  std::type_identity_t<std::span<Code>> codes) {
  detail::require_packed(codes.size(), bits, 8 * static_cast<int>(sizeof(Code)), packed.size());
  unpack_codes(packed.data(), static_cast<index_t>(codes.size()), bits, order, codes.data());
}

}  // namespace qgrain

#endif
