// Codes below eight bits, packed into bytes without gaps.
#ifndef QGRAIN_QUANTIZER_PACKING_HPP
#define QGRAIN_QUANTIZER_PACKING_HPP

#include <qgrain/core/config.hpp>
#include <qgrain/core/matrix_view.hpp>
#include <qgrain/core/status.hpp>

#include <bit>
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

/// Bytes of `count` codes of 1 to 8 bits; the last byte may have unused bits.
[[nodiscard]] QGRAIN_HOST_DEVICE constexpr index_t packed_bytes(index_t count, int bits) noexcept {
  return ceil_div(count * bits, 8);
}

/// Code i of a packed row.
template <class Code>
[[nodiscard]] QGRAIN_HOST_DEVICE constexpr Code packed_code(const std::uint8_t* packed, index_t i, int bits,
                                                            bit_order order) noexcept {
  const index_t first = i * bits / 8;
  const auto skipped = static_cast<int>(i * bits % 8);
  std::uint32_t window = packed[first];
  int width = 8;
  if (skipped + bits > 8) {
    const std::uint32_t next = packed[first + 1];
    window = order == bit_order::low_first ? window | next << 8 : window << 8 | next;
    width = 16;
  }
  const int shift = order == bit_order::low_first ? skipped : width - skipped - bits;
  return code_of_bits<Code>(low_bits(window >> shift, bits), bits);
}

namespace detail {

/// Up to eight codes, which fill whole bytes where they are eight.
template <class Code>
QGRAIN_HOST_DEVICE constexpr void pack_run(const Code* codes, int count, int bits, bit_order order,
                                           std::uint8_t* out) noexcept {
  const int bytes = (count * bits + 7) / 8;
  const bool low = order == bit_order::low_first;
  const int top = 8 * bytes - bits;  // where the first code lies if the highest bits come first
  std::uint64_t row = 0;
  for (int i = 0; i < count; ++i) row |= std::uint64_t{low_bits(codes[i], bits)} << (low ? i * bits : top - i * bits);
  for (int b = 0; b < bytes; ++b) out[b] = static_cast<std::uint8_t>(row >> (low ? 8 * b : 8 * (bytes - 1 - b)));
}

template <class Code>
QGRAIN_HOST_DEVICE constexpr void unpack_run(const std::uint8_t* packed, int count, int bits, bit_order order,
                                             Code* codes) noexcept {
  const int bytes = (count * bits + 7) / 8;
  const bool low = order == bit_order::low_first;
  const int top = 8 * bytes - bits;
  std::uint64_t row = 0;
  for (int b = 0; b < bytes; ++b) row |= std::uint64_t{packed[b]} << (low ? 8 * b : 8 * (bytes - 1 - b));
  for (int i = 0; i < count; ++i) {
    const auto value = static_cast<std::uint32_t>(row >> (low ? i * bits : top - i * bits));
    codes[i] = code_of_bits<Code>(low_bits(value, bits), bits);
  }
}

/// The bytes of a word in the other order.
[[nodiscard]] QGRAIN_HOST_DEVICE constexpr std::uint64_t turned(std::uint64_t word) noexcept {
  word = (word & 0x00FF'00FF'00FF'00FFU) << 8 | (word >> 8 & 0x00FF'00FF'00FF'00FFU);
  word = (word & 0x0000'FFFF'0000'FFFFU) << 16 | (word >> 16 & 0x0000'FFFF'0000'FFFFU);
  return word << 32 | word >> 32;
}
/// Eight bytes as a word, the first of them lowest, and back: one load and one store but for constants.
template <class Byte>
[[nodiscard]] QGRAIN_HOST_DEVICE constexpr std::uint64_t word_at(const Byte* from) noexcept {
  static_assert(sizeof(Byte) == 1);
  std::uint64_t word = 0;
  if (__builtin_is_constant_evaluated() || std::endian::native != std::endian::little) {
    for (int i = 0; i < 8; ++i) word |= std::uint64_t{static_cast<std::uint8_t>(from[i])} << 8 * i;
  } else {
    __builtin_memcpy(&word, from, sizeof word);
  }
  return word;
}
template <class Byte>
QGRAIN_HOST_DEVICE constexpr void put_word(std::uint64_t word, Byte* to) noexcept {
  static_assert(sizeof(Byte) == 1);
  if (__builtin_is_constant_evaluated() || std::endian::native != std::endian::little) {
    for (int i = 0; i < 8; ++i) to[i] = static_cast<Byte>(static_cast<std::uint8_t>(word >> 8 * i));
  } else {
    __builtin_memcpy(to, &word, sizeof word);
  }
}

/// Numbers of `bits` bits at the bottom of each `width` bits of a word: neighbours moved next to each other.
[[nodiscard]] QGRAIN_HOST_DEVICE constexpr std::uint64_t pairs_joined(std::uint64_t word, int width,
                                                                      int bits) noexcept {
  const std::uint64_t ends = width == 32 ? 1 : width == 16 ? 0x1'0000'0001U : 0x0001'0001'0001'0001U;
  const std::uint64_t low = ((std::uint64_t{1} << bits) - 1) * ends;
  return (word & low) | (word >> (width - bits) & low << bits);
}
[[nodiscard]] QGRAIN_HOST_DEVICE constexpr std::uint64_t pairs_parted(std::uint64_t word, int width,
                                                                      int bits) noexcept {
  const std::uint64_t ends = width == 32 ? 1 : width == 16 ? 0x1'0000'0001U : 0x0001'0001'0001'0001U;
  const std::uint64_t low = ((std::uint64_t{1} << bits) - 1) * ends;
  return (word & low) | (word & low << bits) << (width - bits);
}

/// As many runs of eight codes of a byte as leave eight bytes to write at each: what is written behind a run, the next
/// one writes again. bytes: packed_bytes(count, bits). The number of runs.
template <class Code>
QGRAIN_HOST_DEVICE constexpr index_t pack_runs(const Code* codes, index_t count, int bits, bit_order order,
                                               std::uint8_t* out, index_t bytes) noexcept {
  const bool low = order == bit_order::low_first;
  const index_t runs = count / 8;
  index_t run = 0;
  for (; run < runs && run * bits + 8 <= bytes; ++run) {
    const std::uint64_t eight = word_at(codes + 8 * run);
    const std::uint64_t twos = pairs_joined(low ? eight : turned(eight), 8, bits);
    const std::uint64_t all = pairs_joined(pairs_joined(twos, 16, 2 * bits), 32, 4 * bits);
    put_word(low ? all : turned(all << (64 - 8 * bits)), out + run * bits);
  }
  return run;
}

/// The way back of as many runs as have eight bytes to read.
template <class Code>
QGRAIN_HOST_DEVICE constexpr index_t unpack_runs(const std::uint8_t* packed, index_t count, int bits, bit_order order,
                                                 Code* codes, index_t bytes) noexcept {
  const bool low = order == bit_order::low_first;
  const index_t runs = count / 8;
  const std::uint64_t bottoms = 0x0101'0101'0101'0101U;
  const std::uint64_t sign = Code(-1) < Code(0) && bits < 8 ? bottoms << (bits - 1) : 0;
  const std::uint64_t top = sign == 0 ? 0 : bottoms << 7;  // no number borrows from its neighbour
  index_t run = 0;
  for (; run < runs && run * bits + 8 <= bytes; ++run) {
    const std::uint64_t word = word_at(packed + run * bits);
    const std::uint64_t fours = pairs_parted(low ? word : turned(word) >> (64 - 8 * bits), 32, 4 * bits);
    const std::uint64_t all = pairs_parted(pairs_parted(fours, 16, 2 * bits), 8, bits);
    const std::uint64_t extended = (((all ^ sign) | top) - sign) ^ top;
    put_word(low ? extended : turned(extended), codes + 8 * run);
  }
  return run;
}

// In the two below `bytes` is packed_bytes(count, bits), or the size of the buffer, which is the same: where a compiler
// knows it, it sees that no word reaches beyond.
template <class Code>
QGRAIN_HOST_DEVICE constexpr void pack_into(const Code* codes, index_t count, int bits, bit_order order,
                                            std::uint8_t* out, index_t bytes) noexcept {
  const index_t whole = count / 8;
  index_t run = 0;
  if constexpr (sizeof(Code) == 1) run = pack_runs(codes, count, bits, order, out, bytes);
  for (; run < whole; ++run) pack_run(codes + 8 * run, 8, bits, order, out + run * bits);
  pack_run(codes + 8 * whole, static_cast<int>(count % 8), bits, order, out + whole * bits);
}
template <class Code>
QGRAIN_HOST_DEVICE constexpr void unpack_from(const std::uint8_t* packed, index_t count, int bits, bit_order order,
                                              Code* codes, index_t bytes) noexcept {
  const index_t whole = count / 8;
  index_t run = 0;
  if constexpr (sizeof(Code) == 1) run = unpack_runs(packed, count, bits, order, codes, bytes);
  for (; run < whole; ++run) unpack_run(packed + run * bits, 8, bits, order, codes + 8 * run);
  unpack_run(packed + whole * bits, static_cast<int>(count % 8), bits, order, codes + 8 * whole);
}

}  // namespace detail

/// Packs codes of 1 to 8 bits one after the other; unused bits of the last byte are 0. Eight codes fill whole bytes, so
/// runs of eight can be packed independently: run k begins at byte k * bits.
///
/// codes: `count` codes, of which the low bits count; out: packed_bytes(count, bits) bytes, all written.
template <class Code>
QGRAIN_HOST_DEVICE constexpr void pack_codes(const Code* codes, index_t count, int bits, bit_order order,
                                             std::uint8_t* out) noexcept {
  detail::pack_into(codes, count, bits, order, out, packed_bytes(count, bits));
}

/// The way back from pack_codes: `count` codes, all written.
template <class Code>
QGRAIN_HOST_DEVICE constexpr void unpack_codes(const std::uint8_t* packed, index_t count, int bits, bit_order order,
                                               Code* codes) noexcept {
  detail::unpack_from(packed, count, bits, order, codes, packed_bytes(count, bits));
}

namespace detail {

inline void require_packed(std::size_t count, int bits, std::size_t found) {
  if (bits < 1 || bits > 8) {
    qgrain::detail::raise(errc::invalid_argument,
                          "codes of 1 to 8 bits can be packed, not of " + std::to_string(bits) + " bits");
  }
  const index_t wanted = packed_bytes(static_cast<index_t>(count), bits);
  if (static_cast<index_t>(found) == wanted) return;
  qgrain::detail::raise(errc::invalid_shape, std::to_string(count) + " codes of " + std::to_string(bits) +
                                                 " bits take " + std::to_string(wanted) + " bytes, the buffer has " +
                                                 std::to_string(found));
}

}  // namespace detail

/// `pack_codes` into a buffer of known size.
/// @throws error errc::invalid_argument for bits outside of 1 to 8, errc::invalid_shape where `out`
/// has another size than packed_bytes; nothing has been written then
template <class Code>
void pack_codes(std::type_identity_t<std::span<const Code>> codes, int bits, bit_order order,
                std::span<std::uint8_t> out) {
  detail::require_packed(codes.size(), bits, out.size());
  detail::pack_into(codes.data(), static_cast<index_t>(codes.size()), bits, order, out.data(),
                    static_cast<index_t>(out.size()));
}

/// `unpack_codes` from a buffer of known size. Errors as in pack_codes.
template <class Code>
void unpack_codes(std::span<const std::uint8_t> packed, int bits, bit_order order,
                  std::type_identity_t<std::span<Code>> codes) {
  detail::require_packed(codes.size(), bits, packed.size());
  detail::unpack_from(packed.data(), static_cast<index_t>(codes.size()), bits, order, codes.data(),
                      static_cast<index_t>(packed.size()));
}

}  // namespace qgrain

#endif
