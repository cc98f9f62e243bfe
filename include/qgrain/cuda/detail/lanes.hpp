// The vocabulary of kernel bodies: how many lanes work together, what one lane loads at once, how lanes agree on a
// range.
//
// A body is a struct whose call operator is run by every lane of every block. It gets a `Lane`, which says where the
// lane is and lets lanes exchange values: a thread of a GPU (launch.cuh), or a lane of an emulated block that tests run
// on the host. Everything else, indices and tails included, is in the body and therefore the same in both. A Lane has
//   thread(), block_x(), block_y(), grid_x(), grid_y()   where it is; blocks have block_warps * warp_lanes lanes
//   block_z(), grid_z()                                  layers of blocks, for stacks of matrices
//   exchange_xor(std::int32_t, mask)                     the value of the lane of its warp whose number differs by
//                                                        mask; all lanes of the warp must take part
//   sync_block()                                         waits for all lanes of the block
//   raise(std::int32_t* word, std::int32_t)              atomic maximum
#ifndef QGRAIN_CUDA_DETAIL_LANES_HPP
#define QGRAIN_CUDA_DETAIL_LANES_HPP

#include <qgrain/core/bits.hpp>
#include <qgrain/core/config.hpp>
#include <qgrain/core/half.hpp>
#include <qgrain/core/matrix_view.hpp>
#include <qgrain/scale/range.hpp>

#include <cstdint>
#include <type_traits>

namespace qgrain::detail {

inline constexpr int warp_lanes = 32;
inline constexpr int block_warps = 8;
inline constexpr int block_lanes = warp_lanes * block_warps;

/// Elements of a tensor of T that a lane handles at once: 16 bytes, the widest load there is.
template <storage_element T>
inline constexpr int pack_size = 16 / static_cast<int>(sizeof(T));

/// Unsigned integers of the size of an element.
template <class T>
using bits_like =
    std::conditional_t<sizeof(T) == 1, std::uint8_t, std::conditional_t<sizeof(T) == 2, std::uint16_t, std::uint32_t>>;

/// Consecutive elements of 1, 2 or 4 bytes, the first in the lowest bits of the first word: one instruction moves them
/// where memory allows, and they take no more registers than they have to. Default: zeros.
template <class T, int Size>
class pack {
 public:
  static constexpr int bytes = Size * static_cast<int>(sizeof(T));
  static_assert(bytes >= 1 && bytes <= 32, "qgrain: packs of this size take too many registers");
  /// What load and store ask of addresses. Packs of 3, 5, 6 and 7 bytes (codes of as many bits) go byte by byte: 0.
  static constexpr int alignment = (bytes & (bytes - 1)) != 0 ? 0 : bytes < 16 ? bytes : 16;

  [[nodiscard]] QGRAIN_ELEMENTWISE T at(int i) const noexcept {
    return __builtin_bit_cast(T, static_cast<bits_like<T>>(words_.at[i / per_word] >> shift(i)));
  }
  /// For elements that are still zeros.
  QGRAIN_ELEMENTWISE void put(int i, T value) noexcept {
    words_.at[i / per_word] |= static_cast<std::uint32_t>(__builtin_bit_cast(bits_like<T>, value)) << shift(i);
  }
  /// From and to addresses that take packs. Memory of the host does not mind others, so there they end the program: a
  /// test must not pass with them.
  QGRAIN_ELEMENTWISE void load(const T* from) noexcept {
    static_assert(alignment > 0);
#if defined(__CUDA_ARCH__)
    if constexpr (bytes < 4) {
      words_.at[0] = *reinterpret_cast<const vector*>(from);
    } else if constexpr (bytes == 32) {
      const auto* const halves = reinterpret_cast<const vector*>(from);
      words_ = __builtin_bit_cast(words, two_vectors{{halves[0], halves[1]}});
    } else {
      words_ = __builtin_bit_cast(words, *reinterpret_cast<const vector*>(from));
    }
#else
    if (reinterpret_cast<std::uintptr_t>(from) % alignment != 0) __builtin_trap();
    __builtin_memcpy(static_cast<void*>(&words_), from, bytes);
#endif
  }
  QGRAIN_ELEMENTWISE void store(T* to) const noexcept {
    static_assert(alignment > 0);
#if defined(__CUDA_ARCH__)
    // The intrinsic is one instruction; plain stores of a vector are taken apart and not always put together again.
    if constexpr (bytes < 4) {
      __stwb(reinterpret_cast<vector*>(to), static_cast<vector>(words_.at[0]));
    } else if constexpr (bytes == 32) {
      const auto both = __builtin_bit_cast(two_vectors, words_);
      __stwb(reinterpret_cast<vector*>(to), both.at[0]);
      __stwb(reinterpret_cast<vector*>(to) + 1, both.at[1]);
    } else {
      __stwb(reinterpret_cast<vector*>(to), __builtin_bit_cast(vector, words_));
    }
#else
    if (reinterpret_cast<std::uintptr_t>(to) % alignment != 0) __builtin_trap();
    __builtin_memcpy(static_cast<void*>(to), &words_, bytes);
#endif
  }

 private:
  static constexpr int per_word = 4 / static_cast<int>(sizeof(T));
  struct words {
    std::uint32_t at[static_cast<unsigned>((bytes + 3) / 4)] = {};
  };
#if defined(__CUDA_ARCH__)
  // CUDA's own vectors: the compiler moves other structs of this size in parts.
  using vector = std::conditional_t<
      alignment == 16, ::uint4,
      std::conditional_t<alignment == 8, ::uint2,
                         std::conditional_t<alignment == 4, unsigned,
                                            std::conditional_t<alignment == 2, unsigned short, unsigned char>>>>;
  struct two_vectors {
    vector at[2];
  };
#endif
  [[nodiscard]] QGRAIN_ELEMENTWISE static int shift(int i) noexcept {
    return i % per_word * 8 * static_cast<int>(sizeof(T));
  }
  words words_;
};

/// Whether packs can be moved whole from and to this address.
template <int Size, class T>
[[nodiscard]] QGRAIN_ELEMENTWISE bool takes_packs(const T* address) noexcept {
  constexpr int alignment = pack<T, Size>::alignment;
  if constexpr (alignment == 0) {
    return false;
  } else {
    return reinterpret_cast<std::uintptr_t>(address) % alignment == 0;
  }
}

/// Elements at `from`, of which `left` exist (none, where it is not positive); the others are zero and not touched.
template <int Size, class T>
[[nodiscard]] QGRAIN_ELEMENTWISE pack<T, Size> load_pack(const T* from, index_t left, bool whole) noexcept {
  pack<T, Size> values;
  if constexpr (pack<T, Size>::alignment > 0) {
    if (whole && left >= Size) {
      values.load(from);
      return values;
    }
  }
  QGRAIN_UNROLLED
  for (int i = 0; i < Size; ++i) {
    if (i < left) values.put(i, from[i]);
  }
  return values;
}

template <int Size, class T>
QGRAIN_ELEMENTWISE void store_pack(T* to, const pack<T, Size>& values, index_t left, bool whole) noexcept {
  if constexpr (pack<T, Size>::alignment > 0) {
    if (whole && left >= Size) return values.store(to);
  }
  QGRAIN_UNROLLED
  for (int i = 0; i < Size; ++i) {
    if (i < left) to[i] = values.at(i);
  }
}

/// A range and the elements of a pack. Missing elements are zeros, which no range sees.
template <class Range, class T, int Size>
[[nodiscard]] QGRAIN_ELEMENTWISE Range widened_by(Range range, const pack<T, Size>& values) noexcept {
  QGRAIN_UNROLLED
  for (int i = 0; i < Size; ++i) range = widened(range, to_float(values.at(i)));
  return range;
}

/// The range of this lane and of the one whose number differs by `mask`.
template <class Lane>
[[nodiscard]] QGRAIN_ELEMENTWISE float joined(const Lane& lane, float absmax, int mask) noexcept {
  const std::int32_t own = magnitude_bits(absmax);
  return float_from_magnitude(larger_of(own, lane.exchange_xor(own, mask)));
}
template <class Lane>
[[nodiscard]] QGRAIN_ELEMENTWISE signed_range joined(const Lane& lane, signed_range range, int mask) noexcept {
  return {joined(lane, range.below, mask), joined(lane, range.above, mask)};
}

/// The range of `Lanes` neighbours, a power of two, in each of them.
template <int Lanes, class Lane, class Range>
[[nodiscard]] QGRAIN_ELEMENTWISE Range team_range(const Lane& lane, Range range) noexcept {
  for (int mask = 1; mask < Lanes; mask *= 2) range = joined(lane, range, mask);
  return range;
}

// Ranges in memory that several blocks widen are words: patterns of magnitudes, whose order is that of integers, so
// that an atomic maximum needs no order. All zeros is the range of nothing.
template <class Range>
inline constexpr index_t range_words = static_cast<index_t>(sizeof(Range) / sizeof(std::int32_t));

template <class Lane>
QGRAIN_ELEMENTWISE void raise_range(const Lane& lane, std::int32_t* words, float absmax) noexcept {
  lane.raise(words, magnitude_bits(absmax));
}
template <class Lane>
QGRAIN_ELEMENTWISE void raise_range(const Lane& lane, std::int32_t* words, signed_range range) noexcept {
  lane.raise(words, magnitude_bits(range.below));
  lane.raise(words + 1, magnitude_bits(range.above));
}

template <class Range>
[[nodiscard]] QGRAIN_ELEMENTWISE Range range_from_words(const std::int32_t* words) noexcept;
template <>
[[nodiscard]] QGRAIN_ELEMENTWISE float range_from_words<float>(const std::int32_t* words) noexcept {
  return float_from_magnitude(words[0]);
}
template <>
[[nodiscard]] QGRAIN_ELEMENTWISE signed_range range_from_words<signed_range>(const std::int32_t* words) noexcept {
  return {float_from_magnitude(words[0]), float_from_magnitude(words[1])};
}

/// How a grid walks over a matrix of packs: blocks along x take parts of rows, blocks along y rows; the warps of a
/// block stand `warps_per_row` on a row (a power of two). A warp's part of a row is `Packs` times one pack per lane.
struct strip_walk {
  shape2d shape;
  int warps_per_row;

  /// Calls visit(row, first column) for every part of this lane's warp: the same calls in all its lanes.
  template <index_t Columns, class Lane, class Visit>
  QGRAIN_ELEMENTWISE void for_each_strip(const Lane& lane, const Visit& visit) const {
    const int warp = lane.thread() / warp_lanes;
    const int block_rows = block_warps / warps_per_row;
    const index_t row_step = static_cast<index_t>(lane.grid_y()) * block_rows;
    const index_t step = static_cast<index_t>(lane.grid_x()) * warps_per_row * Columns;
    const index_t start = (static_cast<index_t>(lane.block_x()) * warps_per_row + warp % warps_per_row) * Columns;
    const index_t start_row = static_cast<index_t>(lane.block_y()) * block_rows + warp / warps_per_row;
    for (index_t row = start_row; row < shape.rows; row += row_step) {
      for (index_t first = start; first < shape.cols; first += step) visit(row, first);
    }
  }
};

}  // namespace qgrain::detail

#endif
