// Fake quantization chosen at run time: an element stage (format, scale rule, rounding) under any granularity.
#ifndef QGRAIN_HOST_FAKE_RECIPE_HPP
#define QGRAIN_HOST_FAKE_RECIPE_HPP

#include <qgrain/core/matrix_view.hpp>
#include <qgrain/core/status.hpp>
#include <qgrain/granularity/grouping.hpp>
#include <qgrain/granularity/per_group.hpp>
#include <qgrain/host/detail/blocks.hpp>
#include <qgrain/host/element_stage.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace qgrain {

/// A named fake quantizer, to be called by many threads on bands of rows. A value: copies are cheap and share nothing.
struct fake_recipe {
  std::string name;
  element_stage elements;
  grouping groups;

  /// Whether the caller has to find one range for the whole tensor before the first band.
  [[nodiscard]] constexpr bool needs_tensor_range() const noexcept {
    return groups.kind == granularity_kind::per_tensor || elements.tensor_bits > 0;
  }
  /// Whether the caller has to find one range per column before the first band.
  [[nodiscard]] constexpr bool needs_column_range() const noexcept {
    return groups.kind == granularity_kind::per_in_channel;
  }
  /// How many ranges the caller passes to `fake_quantize`: the tensor's (1), one per column, or none.
  [[nodiscard]] constexpr index_t range_count(index_t cols) const noexcept {
    return needs_column_range() ? cols : needs_tensor_range() ? 1 : 0;
  }
  /// Bands begin at multiples of this many rows (and end there, or at the last row).
  [[nodiscard]] constexpr index_t row_alignment() const noexcept {
    return groups.kind == granularity_kind::per_tile ? groups.size.rows : 1;
  }
  /// What a quantized matrix costs: see grouping::stored_bytes.
  [[nodiscard]] constexpr index_t stored_bytes(shape2d shape) const noexcept {
    return groups.stored_bytes(shape, elements.code_bits, elements.scale_bits, elements.tensor_bits);
  }
  /// The same in bits per element.
  [[nodiscard]] constexpr double bits_per_element(shape2d shape) const noexcept {
    return 8 * static_cast<double>(stored_bytes(shape)) / static_cast<double>(shape.elements());
  }
  /// Whether the matrix suits the recipe: see grouping::check.
  [[nodiscard]] constexpr status check(shape2d shape) const noexcept { return groups.check(shape); }
};

/// Widens the ranges that `fake_quantize` will ask for by the magnitudes of some rows: call it for every batch, or for
/// every band of a matrix, in any order. `ranges` has recipe.range_count(cols) floats, zero at the start. A NaN stays.
/// @throws error errc::invalid_shape where the count of ranges is wrong
inline void widen_ranges(const fake_recipe& recipe, matrix_view<const float> in, std::span<float> ranges) {
  const index_t wanted = recipe.range_count(in.shape.cols);
  if (static_cast<index_t>(ranges.size()) != wanted) {
    qgrain::detail::raise(errc::invalid_shape, recipe.name + " takes " + std::to_string(wanted) + " ranges for " +
                                                   std::to_string(in.shape.cols) + " columns, found " +
                                                   std::to_string(ranges.size()));
  }
  if (ranges.empty() || in.shape.elements() == 0) return;
  const shape2d group{in.shape.rows, recipe.needs_column_range() ? 1 : in.shape.cols};
  detail::widen_ranges(in, group, matrix_view<float>{ranges.data(), {1, wanted}});
}

/// The ranges of a whole matrix, such as a weight; empty for recipes whose groups find their own.
[[nodiscard]] inline std::vector<float> absmax_ranges(const fake_recipe& recipe, matrix_view<const float> in) {
  std::vector<float> ranges(static_cast<std::size_t>(recipe.range_count(in.shape.cols)), 0.0F);
  widen_ranges(recipe, in, ranges);
  return ranges;
}

/// Fake-quantizes the band of a matrix that begins at `first_row`. Bands of one matrix may run at the same time in
/// different threads; no thread is started here and no memory allocated. `out` may be `in`.
///
/// in, out: [rows of the band, cols], any leading dimension; ranges: recipe.range_count(cols) largest magnitudes (see
/// absmax_ranges). Ranges of rows, groups and tiles are found within. The bits do not depend on how the matrix is cut.
/// Values beyond a given range saturate; NaN stays NaN.
/// @throws error errc::invalid_shape where shapes or counts differ, errc::invalid_argument where the band does not
/// begin at a multiple of recipe.row_alignment(); nothing has been written then
inline void fake_quantize(const fake_recipe& recipe, matrix_view<const float> in, matrix_view<float> out,
                          std::span<const float> ranges = {}, index_t first_row = 0) {
  const index_t wanted = recipe.range_count(in.shape.cols);
  if (in.shape != out.shape) {
    qgrain::detail::raise(errc::invalid_shape, recipe.name + ": the input is " + std::to_string(in.shape.rows) + " x " +
                                                   std::to_string(in.shape.cols) + ", the output " +
                                                   std::to_string(out.shape.rows) + " x " +
                                                   std::to_string(out.shape.cols));
  }
  if (static_cast<index_t>(ranges.size()) != wanted) {
    qgrain::detail::raise(errc::invalid_shape, recipe.name + " takes " + std::to_string(wanted) + " ranges for " +
                                                   std::to_string(in.shape.cols) + " columns, found " +
                                                   std::to_string(ranges.size()));
  }
  if (first_row % recipe.row_alignment() != 0) {
    qgrain::detail::raise(errc::invalid_argument, recipe.name + ": a band begins at a multiple of " +
                                                      std::to_string(recipe.row_alignment()) + " rows, found row " +
                                                      std::to_string(first_row));
  }
  if (in.shape.elements() == 0) return;
  const bool two_level = recipe.elements.tensor_bits > 0;
  const float tensor_scale = two_level ? recipe.elements.tensor_scale(ranges.front()) : 1.0F;
  const detail::range_view given =
      two_level || wanted == 0 ? detail::range_view{} : detail::range_view{ranges.data(), {1, wanted}};
  detail::fake_quantize_band(recipe.elements.block, in, out, recipe.groups.group_shape(in.shape), given, tensor_scale);
}

}  // namespace qgrain

#endif
