// compressed-tensors' "pack-quantized" weights: codes and zero points in 32-bit words.
#ifndef QGRAIN_INTEROP_COMPRESSED_TENSORS_HPP
#define QGRAIN_INTEROP_COMPRESSED_TENSORS_HPP

#include <qgrain/core/config.hpp>
#include <qgrain/core/matrix_view.hpp>
#include <qgrain/quantizer/packing.hpp>

#include <cstdint>

namespace qgrain::interop {

/// Words per row of `cols` codes: 32 / bits codes each, whatever is left of the 32 bits unused.
[[nodiscard]] QGRAIN_HOST_DEVICE constexpr index_t compressed_tensors_words(index_t cols, int bits) noexcept {
  return ceil_div(cols, 32 / bits);
}

/// Packs signed codes of 2 to 8 bits, row by row, the first code in the lowest bits, each offset by 2^(bits - 1).
/// Unused bits are 0.
///
/// codes: [rows, cols]; words: [rows, compressed_tensors_words(cols, bits)], all written. For zero points, which the
/// tool packs along dimension 0, give both matrices transposed.
QGRAIN_HOST_DEVICE constexpr void pack_to_int32(matrix_view<const std::int8_t> codes, int bits,
                                                matrix_view<std::int32_t> words) noexcept {
  const int per_word = 32 / bits;
  const int offset = 1 << (bits - 1);
  for (index_t r = 0; r < codes.shape.rows; ++r) {
    for (index_t w = 0; w * per_word < codes.shape.cols; ++w) {
      std::uint32_t value = 0;
      for (int place = 0; place < per_word && w * per_word + place < codes.shape.cols; ++place) {
        value |= low_bits(codes(r, w * per_word + place) + offset, bits) << (place * bits);
      }
      words(r, w) = static_cast<std::int32_t>(value);
    }
  }
}

/// The way back.
QGRAIN_HOST_DEVICE constexpr void unpack_from_int32(matrix_view<const std::int32_t> words, int bits,
                                                    matrix_view<std::int8_t> codes) noexcept {
  const int per_word = 32 / bits;
  for (index_t r = 0; r < codes.shape.rows; ++r) {
    for (index_t c = 0; c < codes.shape.cols; ++c) {
      const auto word = static_cast<std::uint32_t>(words(r, c / per_word));
      const std::uint32_t value = low_bits(word >> (static_cast<int>(c % per_word) * bits), bits);
      codes(r, c) = static_cast<std::int8_t>(static_cast<std::int32_t>(value) - (1 << (bits - 1)));
    }
  }
}

}  // namespace qgrain::interop

#endif
