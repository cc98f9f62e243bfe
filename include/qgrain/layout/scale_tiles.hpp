// Tiles of block scales as matrix units read them: NVIDIA's 128 x 4 and the 8 x 4 of kernels with few rows.
#ifndef QGRAIN_LAYOUT_SCALE_TILES_HPP
#define QGRAIN_LAYOUT_SCALE_TILES_HPP

#include <qgrain/core/config.hpp>
#include <qgrain/core/matrix_view.hpp>
#include <qgrain/layout/layout.hpp>

#include <string_view>

namespace qgrain {

/// Tiles of Rows x 4 scales, one after the other in row-major order. A tile is cut into strips of `Strip` rows that lie
/// side by side: row r of the tile is line r % Strip, where it follows rows r - Strip, r - 2 Strip, ... of four scales
/// each. Rows are those of the quantized matrix, columns its groups; pad with zeros.
template <index_t Rows, index_t Strip>
struct scale_tiles {
  static_assert(Strip > 0 && Rows % Strip == 0,
                "qgrain::scale_tiles: a tile is made of whole strips; choose Rows as a multiple of Strip");
  static constexpr index_t rows = Rows;
  static constexpr index_t cols = 4;
  static constexpr index_t strips = Rows / Strip;

  [[nodiscard]] static constexpr std::string_view name() noexcept {
    if (Rows == 128 && Strip == 32) return "scale_tiles_128x4";
    if (Rows == 8 && Strip == 8) return "scale_tiles_8x4";
    return "scale_tiles";
  }
  [[nodiscard]] QGRAIN_HOST_DEVICE static constexpr shape2d padded(shape2d shape) noexcept {
    return {ceil_div(shape.rows, rows) * rows, ceil_div(shape.cols, cols) * cols};
  }
  [[nodiscard]] QGRAIN_HOST_DEVICE static constexpr index_t index(shape2d shape, matrix_cell at) noexcept {
    const index_t tile = at.row / rows * ceil_div(shape.cols, cols) + at.col / cols;
    const index_t row = at.row % rows;
    return tile * (rows * cols) + (row % Strip * strips + row / Strip) * cols + at.col % cols;
  }
  [[nodiscard]] QGRAIN_HOST_DEVICE static constexpr matrix_cell cell(shape2d shape, index_t position) noexcept {
    const index_t tile = position / (rows * cols);
    const index_t line = position % (rows * cols) / cols;
    const index_t tiles = ceil_div(shape.cols, cols);
    return {tile / tiles * rows + line % strips * Strip + line / strips, tile % tiles * cols + position % cols};
  }
};

/// NVIDIA's layout of block scales (cuBLAS, "1D block scaling factors"; torchao's to_blocked).
using scale_tiles_128x4 = scale_tiles<128, 32>;
/// Eight rows by four groups, row by row: TensorRT-LLM's and FlashInfer's layout for small batches.
using scale_tiles_8x4 = scale_tiles<8, 8>;

}  // namespace qgrain

#endif
