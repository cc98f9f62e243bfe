// What loops over lanes of AVX-512 read and write: values of 16 or 32 bits, codes, plain or two in a byte. Each port is
// a row; `copied` and `copy` take some of its elements one by one, which is what is left of a row.
#ifndef QGRAIN_HOST_DETAIL_AVX512_PORTS_HPP
#define QGRAIN_HOST_DETAIL_AVX512_PORTS_HPP

#include <qgrain/core/half.hpp>
#include <qgrain/core/matrix_view.hpp>
#include <qgrain/host/detail/avx512_lanes.hpp>
#include <qgrain/host/instruction_set.hpp>
#include <qgrain/quantizer/packing.hpp>

#include <cstdint>
#include <type_traits>

#if QGRAIN_HOST_INSTRUCTION_SETS == 3

namespace qgrain::detail::avx512 {

/// Elements of a step.
inline constexpr index_t step = 4 * lanes;

template <class T>
struct value_source {
  using element_type = float;
  const T* row;
  index_t pitch;
  /// Two of 16 bits fill a lane: pairs are widened by one operation each.
  static constexpr lane_order natural_order = std::is_same_v<T, bfloat16> ? lane_order::in_pairs : lane_order::in_turn;
  /// A vector of the step that begins at i.
  template <lane_order Order, int Part>
  QGRAIN_AVX512 floats values(index_t i) const {
    if constexpr (Order == lane_order::in_turn) {
      return widened_at(row + i + Part * lanes);
    } else {
      const words pairs = loaded<words>(row + i + Part / 2 * 2 * lanes);
      return as<floats>(Part % 2 == 0 ? pairs << 16 : pairs & every<0xFFFF'0000U>());
    }
  }
  /// Asks for the memory of a step, which may lie anywhere.
  QGRAIN_AVX512 void prefetch(index_t i) const {
    constexpr index_t line = 64 / static_cast<index_t>(sizeof(T));
    for (index_t k = 0; k < step; k += line) __builtin_prefetch(row + i + k);
  }
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
  QGRAIN_AVX512 void put(index_t i, floats x) const {
    if constexpr (std::is_same_v<T, float>) {
      stored(x, row + i);
    } else {
      stored(rounded(x, T{}), row + i);
    }
  }
  void copy(index_t first, index_t count, const float* from) const {
    for (index_t i = 0; i < count; ++i) row[first + i] = from_float<T>(from[i]);
  }
  void next() { row += pitch; }
};

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
  QGRAIN_AVX512 void put(index_t i, bytes codes) const { stored(codes, row + i); }
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
  /// The codes of a step in the lower bits of lanes, other bits above them: eight lanes have the same four bytes, and
  /// each its own shift.
  QGRAIN_AVX512 void codes(index_t i, words (&out)[4]) const {
    constexpr words low_first{0, 4, 8, 12, 16, 20, 24, 28, 0, 4, 8, 12, 16, 20, 24, 28};
    constexpr words high_first{4, 0, 12, 8, 20, 16, 28, 24, 4, 0, 12, 8, 20, 16, 28, 24};
    constexpr words first{0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1};
    const words shifts = order == bit_order::low_first ? low_first : high_first;
    const words all = twice_at(row + i / 2);
    out[0] = permuted(first, all) >> shifts;
    out[1] = permuted(first + 2U, all) >> shifts;
    out[2] = permuted(first + 4U, all) >> shifts;
    out[3] = permuted(first + 6U, all) >> shifts;
  }
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
  QGRAIN_AVX512 void put(index_t i, bytes codes) const {
    const halves pairs = as<halves>(as<words>(codes) & every<0x0F0F'0F0FU>());
    const halves one = order == bit_order::low_first ? pairs | pairs >> 4 : pairs << 4 | pairs >> 8;
    stored(narrowed(one), row + i / 2);
  }
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

}  // namespace qgrain::detail::avx512

#endif

#endif
