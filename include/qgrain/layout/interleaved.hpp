// Orders of codes inside a word that make unpacking cheap.
#ifndef QGRAIN_LAYOUT_INTERLEAVED_HPP
#define QGRAIN_LAYOUT_INTERLEAVED_HPP

#include <qgrain/core/config.hpp>
#include <qgrain/core/matrix_view.hpp>
#include <qgrain/core/short_name.hpp>
#include <qgrain/layout/layout.hpp>

#include <string_view>

namespace qgrain {

/// In each run of sizeof...(Order) columns, slot s holds element Order[s]. Rows are padded to whole runs. Pack the
/// result with bit_order::low_first: slot 0 is then the lowest bits of a little-endian word.
template <int... Order>
struct interleaved {
  static constexpr int run = sizeof...(Order);

  /// The element that slot s of a run holds.
  [[nodiscard]] QGRAIN_HOST_DEVICE static constexpr int element_in(int slot) noexcept {
    constexpr int order[] = {Order...};
    return order[slot];
  }
  /// The slot of an element of the run; `run` where no slot has it.
  [[nodiscard]] QGRAIN_HOST_DEVICE static constexpr int slot_of(int element) noexcept {
    constexpr int order[] = {Order...};
    int slot = 0;
    while (slot < run && order[slot] != element) ++slot;
    return slot;
  }
  static_assert(
      [] {
        for (int e = 0; e < run; ++e) {
          if (slot_of(e) == run) return false;
        }
        return true;
      }(),
      "qgrain::interleaved: each element of a run has one slot; give the numbers 0 to n - 1 in some order");

  [[nodiscard]] static constexpr std::string_view name() noexcept { return text.view(); }
  [[nodiscard]] QGRAIN_HOST_DEVICE static constexpr shape2d padded(shape2d shape) noexcept {
    return {shape.rows, ceil_div(shape.cols, run) * run};
  }
  [[nodiscard]] QGRAIN_HOST_DEVICE static constexpr index_t index(shape2d shape, matrix_cell at) noexcept {
    const auto element = static_cast<int>(at.col % run);
    return at.row * padded(shape).cols + (at.col - element) + slot_of(element);
  }
  [[nodiscard]] QGRAIN_HOST_DEVICE static constexpr matrix_cell cell(shape2d shape, index_t position) noexcept {
    const index_t col = position % padded(shape).cols;
    const auto slot = static_cast<int>(col % run);
    return {position / padded(shape).cols, col - slot + element_in(slot)};
  }

 private:
  static constexpr detail::short_name text = [] {
    detail::short_name letters = detail::short_name{}.text("interleaved_");
    for (int s = 0; s < run; ++s) letters = letters.number(element_in(s));
    return letters;
  }();
};

/// Eight 4-bit codes: (word >> 4 k) & 0x000F000F is the pair 2 k, 2 k + 1 in the halves of a word, as half2 and bf16x2
/// arithmetic takes it. The order of AWQ and of FasterTransformer's int4 kernels.
using interleaved_pairs = interleaved<0, 2, 4, 6, 1, 3, 5, 7>;
/// Eight 4-bit codes: word & 0x0F0F0F0F is elements 0 to 3 in the bytes of a word, (word >> 4) & 0x0F0F0F0F elements 4
/// to 7, as dp4a and byte shuffles take them. The inverse permutation of interleaved_pairs.
using interleaved_bytes = interleaved<0, 4, 1, 5, 2, 6, 3, 7>;
/// Four 8-bit codes: (word >> 8 k) & 0x00FF00FF is the pair 2 k, 2 k + 1. FasterTransformer's int8 kernels.
using interleaved_byte_pairs = interleaved<0, 2, 1, 3>;

}  // namespace qgrain

#endif
