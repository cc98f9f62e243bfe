// The vocabulary of kernel bodies: how many lanes work together, what one lane loads at once, how lanes agree on a
// range.
//
// A body is a struct whose call operator is run by every lane of every block. It gets a Lane, which says where the
// lane is and lets lanes exchange values: a thread of a GPU (launch.cuh), or a lane of an emulated block that tests run
// on the host. Everything else, indices and tails included, is in the body and therefore the same in both.
#ifndef QGRAIN_CUDA_DETAIL_LANES_HPP
#define QGRAIN_CUDA_DETAIL_LANES_HPP

#include <qgrain/core/bits.hpp>
#include <qgrain/core/config.hpp>
#include <qgrain/core/half.hpp>
#include <qgrain/core/matrix_view.hpp>
#include <qgrain/scale/range.hpp>

#include <concepts>
#include <cstdint>
#include <type_traits>

namespace qgrain::detail {

inline constexpr int warp_lanes = 32;
inline constexpr int block_warps = 8;
inline constexpr int block_lanes = warp_lanes * block_warps;

/// A lane. It is one of block_lanes of a block; blocks form a grid, in layers for stacks of matrices.
/// exchange_xor: the value of the lane of its warp whose number differs by `mask`; all lanes of the warp must take
/// part. sync_block: waits for all lanes of the block. raise: atomic maximum.
template <class L>
concept kernel_lane = requires(const L& lane, std::int32_t* word, std::int32_t value, int mask) {
  { lane.thread() } -> std::same_as<int>;
  { lane.block_x() } -> std::same_as<unsigned>;
  { lane.block_y() } -> std::same_as<unsigned>;
  { lane.block_z() } -> std::same_as<unsigned>;
  { lane.grid_x() } -> std::same_as<unsigned>;
  { lane.grid_y() } -> std::same_as<unsigned>;
  { lane.grid_z() } -> std::same_as<unsigned>;
  { lane.exchange_xor(value, mask) } -> std::same_as<std::int32_t>;
  lane.sync_block();
  lane.raise(word, value);
};

/// For bodies whose blocks share no memory.
struct no_shared_memory {};

/// Elements of a tensor of T that a lane handles at once: 16 bytes, the widest load there is.
template <storage_element T>
inline constexpr int pack_size = 16 / static_cast<int>(sizeof(T));

/// a / b for a >= 0, b > 0. A GPU divides numbers of 64 bits in many times the time of 32.
[[nodiscard]] QGRAIN_ELEMENTWISE constexpr index_t quotient(index_t a, index_t b) noexcept {
  if (((a | b) >> 32) != 0) return a / b;
  return static_cast<index_t>(static_cast<std::uint32_t>(a) / static_cast<std::uint32_t>(b));
}

/// Unsigned integers of the size of an element.
template <class T>
using bits_like =
    std::conditional_t<sizeof(T) == 1, std::uint8_t, std::conditional_t<sizeof(T) == 2, std::uint16_t, std::uint32_t>>;

/// Whether anything writes, while a kernel runs, to the memory that it reads: if not, loads take the path for that.
enum class memory_use : std::uint8_t { read_only, read_write };

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
  template <memory_use Use>
  QGRAIN_ELEMENTWISE void load(const T* from) noexcept {
    static_assert(alignment > 0);
#if defined(__CUDA_ARCH__)
    if constexpr (bytes < 4) {
      words_.at[0] = fetched<Use>(reinterpret_cast<const vector*>(from));
    } else if constexpr (bytes == 32) {
      const auto* const halves = reinterpret_cast<const vector*>(from);
      words_ = __builtin_bit_cast(words, two_vectors{{fetched<Use>(halves), fetched<Use>(halves + 1)}});
    } else {
      words_ = __builtin_bit_cast(words, fetched<Use>(reinterpret_cast<const vector*>(from)));
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
  template <memory_use Use>
  __device__ static vector fetched(const vector* from) {
    if constexpr (Use == memory_use::read_only) return __ldg(from);
    return *from;
  }
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
template <int Size, memory_use Use, class T>
[[nodiscard]] QGRAIN_ELEMENTWISE pack<T, Size> load_pack(const T* from, index_t left, bool whole) noexcept {
  pack<T, Size> values;
  if constexpr (pack<T, Size>::alignment > 0) {
    if (whole && left >= Size) {
      values.template load<Use>(from);
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
template <kernel_lane Lane>
[[nodiscard]] QGRAIN_ELEMENTWISE float joined(const Lane& lane, float absmax, int mask) noexcept {
  const std::int32_t own = magnitude_bits(absmax);
  return float_from_magnitude(larger_of(own, lane.exchange_xor(own, mask)));
}
template <kernel_lane Lane>
[[nodiscard]] QGRAIN_ELEMENTWISE signed_range joined(const Lane& lane, signed_range range, int mask) noexcept {
  return {joined(lane, range.below, mask), joined(lane, range.above, mask)};
}

/// The range of `lanes` neighbours, a power of two, in each of them.
template <kernel_lane Lane, class Range>
[[nodiscard]] QGRAIN_ELEMENTWISE Range team_range(const Lane& lane, Range range, int lanes) noexcept {
  for (int mask = 1; mask < lanes; mask *= 2) range = joined(lane, range, mask);
  return range;
}

/// The range of a block, in each of its lanes. `of_warp`: memory of the block, which nothing else uses meanwhile.
template <kernel_lane Lane, class Range>
[[nodiscard]] QGRAIN_ELEMENTWISE Range block_range(const Lane& lane, Range range,
                                                   Range (&of_warp)[block_warps]) noexcept {
  range = team_range(lane, range, warp_lanes);
  if (lane.thread() % warp_lanes == 0) of_warp[lane.thread() / warp_lanes] = range;
  lane.sync_block();
  range = of_warp[0];
  for (int w = 1; w < block_warps; ++w) range = widened(range, of_warp[w]);
  return range;
}

// Ranges in memory that several blocks widen are words: patterns of magnitudes, whose order is that of integers, so
// that an atomic maximum needs no order. All zeros is the range of nothing.
template <class Range>
inline constexpr index_t range_words = static_cast<index_t>(sizeof(Range) / sizeof(std::int32_t));

template <kernel_lane Lane>
QGRAIN_ELEMENTWISE void raise_range(const Lane& lane, std::int32_t* words, float absmax) noexcept {
  lane.raise(words, magnitude_bits(absmax));
}
template <kernel_lane Lane>
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

/// Lanes, a power of two and at most a block, that share `columns` elements with up to `packs` packs of `size` each.
/// Not fewer than fetch a cache line side by side, as long as each has a pack.
[[nodiscard]] constexpr int team_lanes(index_t columns, int size, int packs) noexcept {
  constexpr int line_lanes = 8;
  int lanes = 1;
  while (lanes < block_lanes && index_t{lanes} * size * (lanes < line_lanes ? 1 : packs) < columns) lanes *= 2;
  return lanes;
}

/// How a grid walks over a matrix of packs: blocks along x take parts of rows, blocks along y rows; the lanes of a
/// block stand `lanes_per_row` on a row (a power of two). A strip of a row is `Packs` packs of `Size` elements for each
/// lane of a warp, or of the lanes on the row where those are fewer, side by side.
struct strip_walk {
  shape2d shape;
  int lanes_per_row;

  /// Lanes side by side.
  [[nodiscard]] QGRAIN_ELEMENTWISE int width() const { return smaller_of(lanes_per_row, warp_lanes); }

  /// Calls visit(row, column of the lane's first pack) for every strip that this lane takes part in; the next pack is
  /// width() * Size columns on. With a warp or more on each row: the same calls in all lanes of a warp.
  template <int Packs, int Size, kernel_lane Lane, class Visit>
  QGRAIN_ELEMENTWISE void for_each_strip(const Lane& lane, const Visit& visit) const {
    const int side_by_side = width();
    const index_t strip = index_t{Packs} * Size * side_by_side;
    const int strips = lanes_per_row / side_by_side;
    const int of_row = lane.thread() % lanes_per_row;
    const index_t row_step = static_cast<index_t>(lane.grid_y()) * (block_lanes / lanes_per_row);
    const index_t step = static_cast<index_t>(lane.grid_x()) * strips * strip;
    const index_t start = (static_cast<index_t>(lane.block_x()) * strips + of_row / side_by_side) * strip;
    const index_t lane_first = index_t{of_row % side_by_side} * Size;
    const index_t start_row =
        static_cast<index_t>(lane.block_y()) * (block_lanes / lanes_per_row) + lane.thread() / lanes_per_row;
    for (index_t row = start_row; row < shape.rows; row += row_step) {
      for (index_t first = start; first < shape.cols; first += step) visit(row, first + lane_first);
    }
  }
};

/// How a grid goes down columns: `lanes_per_row` lanes of a block (a power of two) stand side by side on a row, the
/// others on rows below; blocks along x take other columns, blocks along y other rows.
struct column_walk {
  int lanes_per_row;

  /// What one lane sees.
  struct part {
    index_t first_column, column_step, first_row, row_step;
  };
  template <kernel_lane Lane>
  [[nodiscard]] QGRAIN_ELEMENTWISE part part_of(const Lane& lane, int size, int rows_at_once) const {
    const index_t block_columns = index_t{lanes_per_row} * size;
    const index_t block_rows = index_t{block_lanes / lanes_per_row} * rows_at_once;
    return {static_cast<index_t>(lane.block_x()) * block_columns + index_t{lane.thread() % lanes_per_row} * size,
            static_cast<index_t>(lane.grid_x()) * block_columns,
            static_cast<index_t>(lane.block_y()) * block_rows + index_t{lane.thread() / lanes_per_row} * rows_at_once,
            static_cast<index_t>(lane.grid_y()) * block_rows};
  }
};

}  // namespace qgrain::detail

#endif
