// What loops over lanes read and write: values of 16 or 32 bits, codes, plain or two in a byte. Each port is a row;
// `copied` and `copy` take some of its elements one by one, which is what is left of a row. How vectors come from them
// and get there is the loops' business (lane_loops.inc).
#ifndef QGRAIN_HOST_DETAIL_LANE_PORTS_HPP
#define QGRAIN_HOST_DETAIL_LANE_PORTS_HPP

#include <qgrain/core/half.hpp>
#include <qgrain/core/matrix_view.hpp>
#include <qgrain/quantizer/packing.hpp>

#include <cstdint>
#include <type_traits>

namespace qgrain::detail {

/// How the elements of a step lie in its four vectors: lanes after lanes, or those of even and of odd places in two.
enum class lane_order { in_turn, in_pairs };

/// Places of bytes within each 128 bits.
struct byte_order {
  std::uint8_t places[16];
};
/// What packs make of four vectors.
inline constexpr byte_order pairs_of_packs{{0, 4, 1, 5, 2, 6, 3, 7, 8, 12, 9, 13, 10, 14, 11, 15}};
/// What packs make of two, and of two more, in every second byte.
inline constexpr byte_order packs_in_turn{{0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15}};
inline constexpr byte_order pairs_in_turn{{0, 8, 2, 10, 4, 12, 6, 14, 1, 9, 3, 11, 5, 13, 7, 15}};
/// Two vectors in every second byte, two more behind them.
inline constexpr byte_order halves_in_turn{{0, 2, 4, 6, 1, 3, 5, 7, 8, 10, 12, 14, 9, 11, 13, 15}};

/// How far ahead of a loop memory is asked for: not where one pass reads it in turn, the next block, whose ranges are
/// found next, or, in matrices that no cache holds, as memory answers later than a block takes, the one behind it too.
enum class read_ahead : std::uint8_t { none, one_block, two_blocks };

template <class T>
struct value_source {
  using element_type = float;
  const T* row;
  index_t pitch;
  read_ahead ahead = read_ahead::one_block;
  /// Two of 16 bits fill a lane: pairs are widened by one operation each.
  static constexpr lane_order natural_order = std::is_same_v<T, bfloat16> ? lane_order::in_pairs : lane_order::in_turn;
  void copied(index_t first, index_t count, float* to) const {
    for (index_t i = 0; i < count; ++i) to[i] = to_float(row[first + i]);
  }
  void next() { row += pitch; }
};

template <class T>
struct value_target {
  using element_type = float;
  T* row;
  index_t pitch;
  bool is_streamed = false;  ///< whole vectors go past the caches; rows begin at lines of 64 bytes then
  void copy(index_t first, index_t count, const float* from) const {
    for (index_t i = 0; i < count; ++i) row[first + i] = from_float<T>(from[i]);
  }
  void next() { row += pitch; }
};

/// Whether an argument of a kernel says that its output is to go past the caches.
template <class Argument>
[[nodiscard]] constexpr bool asks_for_streaming(const Argument& argument) noexcept {
  if constexpr (requires { argument.is_streamed; }) return argument.is_streamed;
  return false;
}

/// The same of whether ranges are those of the block's elements.
template <class Argument>
[[nodiscard]] constexpr bool says_own_ranges(const Argument& argument) noexcept {
  if constexpr (requires { argument.has_own_ranges; }) return argument.has_own_ranges;
  return false;
}

template <class Code>
struct code_source {
  using element_type = Code;
  static constexpr bool is_packed = false;
  static constexpr lane_order natural_order = lane_order::in_turn;
  const Code* row;
  index_t pitch;
  void copied(index_t first, index_t count, Code* to) const {
    for (index_t i = 0; i < count; ++i) to[i] = row[first + i];
  }
  void next() { row += pitch; }
};

template <class Code>
struct code_target {
  using element_type = Code;
  Code* row;
  index_t pitch;
  void copy(index_t first, index_t count, const Code* from) const {
    for (index_t i = 0; i < count; ++i) row[first + i] = from[i];
  }
  void next() { row += pitch; }
};

/// Codes of four bits; rows and steps begin at whole bytes.
template <class Code>
struct nibble_source {
  using element_type = Code;
  static constexpr bool is_packed = true;
  static constexpr lane_order natural_order = lane_order::in_turn;
  const std::uint8_t* row;
  index_t pitch;
  bit_order order;
  void copied(index_t first, index_t count, Code* to) const {
    for (index_t i = 0; i < count; ++i) to[i] = packed_code<Code>(row, first + i, 4, order);
  }
  void next() { row += pitch; }
};

template <class Code>
struct nibble_target {
  using element_type = Code;
  std::uint8_t* row;
  index_t pitch;
  bit_order order;
  void copy(index_t first, index_t count, const Code* from) const {
    for (index_t i = 0; i < count; i += 2) {
      const std::uint32_t one = low_bits(from[i], 4);
      const std::uint32_t other = i + 1 < count ? low_bits(from[i + 1], 4) : 0U;
      row[(first + i) / 2] =
          static_cast<std::uint8_t>(order == bit_order::low_first ? one | other << 4 : one << 4 | other);
    }
  }
  void next() { row += pitch; }
};

}  // namespace qgrain::detail

#endif
