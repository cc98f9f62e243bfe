// One scale per rectangular block.
#ifndef QGRAIN_GRANULARITY_PER_TILE_HPP
#define QGRAIN_GRANULARITY_PER_TILE_HPP

#include <qgrain/core/config.hpp>
#include <qgrain/core/matrix_view.hpp>
#include <qgrain/core/short_name.hpp>

#include <string_view>

namespace qgrain {

/// Blocks of `Rows` x `Cols` elements, shorter at the right and lower edge (DeepSeek's fp8 weights: 128 x 128).
template <int Rows, int Cols>
struct per_tile {
  static_assert(Rows >= 1 && Cols >= 1,
                "qgrain::per_tile: a tile has at least one row and one column; use positive sizes");

  [[nodiscard]] static constexpr std::string_view name() noexcept { return name_.view(); }
  [[nodiscard]] QGRAIN_HOST_DEVICE static constexpr shape2d group_shape(shape2d) noexcept { return {Rows, Cols}; }

 private:
  static constexpr detail::short_name name_ = detail::short_name{}.text("tile").number(Rows).text("x").number(Cols);
};

}  // namespace qgrain

#endif
