// What brings a piece of a matrix into the form that the loops take, and back, with the instructions that they run
// with.
#ifndef QGRAIN_HOST_DETAIL_PIECE_KERNELS_HPP
#define QGRAIN_HOST_DETAIL_PIECE_KERNELS_HPP

#include <qgrain/core/config.hpp>
#include <qgrain/core/half.hpp>
#include <qgrain/core/matrix_view.hpp>
#include <qgrain/host/detail/lane_kernels.hpp>
#include <qgrain/quantizer/packing.hpp>

#include <cstdint>

namespace qgrain::detail {

/// 16-bit elements to floats.
template <class T>
struct widen_piece {
  QGRAIN_ALWAYS_INLINE static void run(matrix_view<const T> in, matrix_view<float> out) {
    for (index_t r = 0; r < in.shape.rows; ++r) {
      const T* const x = in.row(r);
      float* const y = out.row(r);
      QGRAIN_INDEPENDENT_ITERATIONS
      for (index_t c = 0; c < in.shape.cols; ++c) y[c] = to_float(x[c]);
    }
  }
};

/// Floats, rounded to 16-bit elements.
template <class T>
struct round_piece : round_lane_loops<T> {
  QGRAIN_ALWAYS_INLINE static void run(matrix_view<const float> in, matrix_view<T> out) {
    for (index_t r = 0; r < in.shape.rows; ++r) {
      const float* const x = in.row(r);
      T* const y = out.row(r);
      QGRAIN_INDEPENDENT_ITERATIONS
      for (index_t c = 0; c < in.shape.cols; ++c) y[c] = from_float<T>(x[c]);
    }
  }
};

/// `count` codes of fewer than 8 bits, whose bits and order are constants; whole runs of eight first. For 4 bits a loop
/// that compilers vectorize. pack_codes, which is inlined into code with small buffers, does without it: g++ 12 warns
/// of a vector beyond their end that is never written.
template <int Bits, bit_order Order, class Code>
QGRAIN_ALWAYS_INLINE void pack_all(const Code* codes, index_t count, std::uint8_t* out) {
  const index_t runs = count / 8;
  if constexpr (Bits == 4) {
    constexpr int first = Order == bit_order::low_first ? 0 : 4;
    for (index_t i = 0; i < 4 * runs; ++i) {
      out[i] =
          static_cast<std::uint8_t>(low_bits(codes[2 * i], 4) << first | low_bits(codes[2 * i + 1], 4) << (4 - first));
    }
  } else {
    index_t run = 0;
    if constexpr (sizeof(Code) == 1) run = pack_runs(codes, count, Bits, Order, out, packed_bytes(count, Bits));
    for (; run < runs; ++run) pack_run(codes + 8 * run, 8, Bits, Order, out + run * Bits);
  }
  pack_run(codes + 8 * runs, static_cast<int>(count % 8), Bits, Order, out + runs * Bits);
}

/// The way back.
template <int Bits, bit_order Order, class Code>
QGRAIN_ALWAYS_INLINE void unpack_all(const std::uint8_t* packed, index_t count, Code* codes) {
  const index_t runs = count / 8;
  if constexpr (Bits == 4) {
    constexpr int first = Order == bit_order::low_first ? 0 : 4;
    constexpr std::uint32_t sign = Code(-1) < Code(0) ? 8 : 0;  // (bits ^ 8) - 8 extends the sign
    for (index_t i = 0; i < 4 * runs; ++i) {
      codes[2 * i] = static_cast<Code>((low_bits(packed[i] >> first, 4) ^ sign) - sign);
      codes[2 * i + 1] = static_cast<Code>((low_bits(packed[i] >> (4 - first), 4) ^ sign) - sign);
    }
  } else {
    index_t run = 0;
    if constexpr (sizeof(Code) == 1) run = unpack_runs(packed, count, Bits, Order, codes, packed_bytes(count, Bits));
    for (; run < runs; ++run) unpack_run(packed + run * Bits, 8, Bits, Order, codes + 8 * run);
  }
  unpack_run(packed + runs * Bits, static_cast<int>(count % 8), Bits, Order, codes + 8 * runs);
}

/// Codes to bytes; rows of bytes begin `pitch` apart.
template <class Code, int Bits>
struct pack_piece {
  QGRAIN_ALWAYS_INLINE static void run(matrix_view<const Code> codes, bit_order order, std::uint8_t* out,
                                       index_t pitch) {
    for (index_t r = 0; r < codes.shape.rows; ++r) {
      if (order == bit_order::low_first) {
        pack_all<Bits, bit_order::low_first>(codes.row(r), codes.shape.cols, out + r * pitch);
      } else {
        pack_all<Bits, bit_order::high_first>(codes.row(r), codes.shape.cols, out + r * pitch);
      }
    }
  }
};

/// The way back.
template <class Code, int Bits>
struct unpack_piece {
  QGRAIN_ALWAYS_INLINE static void run(const std::uint8_t* in, index_t pitch, bit_order order,
                                       matrix_view<Code> codes) {
    for (index_t r = 0; r < codes.shape.rows; ++r) {
      if (order == bit_order::low_first) {
        unpack_all<Bits, bit_order::low_first>(in + r * pitch, codes.shape.cols, codes.row(r));
      } else {
        unpack_all<Bits, bit_order::high_first>(in + r * pitch, codes.shape.cols, codes.row(r));
      }
    }
  }
};

}  // namespace qgrain::detail

#endif
