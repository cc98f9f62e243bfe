// What brings a piece of a matrix into the form that the loops take, and back, with the instructions that they run
// with.
#ifndef QGRAIN_HOST_DETAIL_PIECE_KERNELS_HPP
#define QGRAIN_HOST_DETAIL_PIECE_KERNELS_HPP

#include <qgrain/core/config.hpp>
#include <qgrain/core/half.hpp>
#include <qgrain/core/matrix_view.hpp>
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
struct round_piece {
  QGRAIN_ALWAYS_INLINE static void run(matrix_view<const float> in, matrix_view<T> out) {
    for (index_t r = 0; r < in.shape.rows; ++r) {
      const float* const x = in.row(r);
      T* const y = out.row(r);
      QGRAIN_INDEPENDENT_ITERATIONS
      for (index_t c = 0; c < in.shape.cols; ++c) y[c] = from_float<T>(x[c]);
    }
  }
};

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
