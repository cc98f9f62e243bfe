// How many bits each layer got: blocks by kinds of layers.
#ifndef QGRAIN_SWEEP_SUMMARY_BITS_PICTURE_HPP
#define QGRAIN_SWEEP_SUMMARY_BITS_PICTURE_HPP

#include <sweep/results/format_choice.hpp>

#include <span>
#include <string>
#include <vector>

namespace qgrain::sweep {

struct bits_cell {
  std::string text;   ///< "4.125", "4.125-8" where layers of the cell differ, "?" where unknown; empty: no such layer
  std::string title;  ///< the layer with its format, or how many layers there are
  double bits = 0;    ///< the most of them
};

struct bits_picture {
  std::vector<std::string> columns;           ///< kinds of layers, in order of appearance
  std::vector<std::string> rows;              ///< "block 0", and "outside" at the end for layers outside of blocks
  std::vector<std::vector<bits_cell>> cells;  ///< [row][column]
};

/// Numbers of bits with up to 4 digits: "4.125", "16".
[[nodiscard]] std::string bits_text(double bits);

/// Experts of a block share a cell.
[[nodiscard]] bits_picture bits_picture_of(std::span<const layer_choice> choices);

/// One <svg> with title and description (<id>-title, <id>-text); a cell's tint repeats its number.
[[nodiscard]] std::string svg_bits(const bits_picture& picture, const std::string& id, const std::string& description);

}  // namespace qgrain::sweep

#endif
