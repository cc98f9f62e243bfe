// Weights and inputs of Linears under a recipe, with ranges that are known beforehand.
#ifndef QGRAIN_ENGINE_CALIBRATE_FAKE_LINEAR_HPP
#define QGRAIN_ENGINE_CALIBRATE_FAKE_LINEAR_HPP

#include <lm/buffer.hpp>

#include <qgrain/core/matrix_view.hpp>
#include <qgrain/host/fake_recipe.hpp>
#include <qgrain/host/parallel.hpp>

#include <cstdint>
#include <span>
#include <vector>

namespace qgrain::engine {

using lm::task_rows;

[[nodiscard]] inline matrix_view<const float> view_of(lm::const_matrix m) {
  return {m.data(), {m.rows(), m.cols()}, m.outerStride()};
}
[[nodiscard]] inline matrix_view<float> view_of(lm::matrix m) {
  return {m.data(), {m.rows(), m.cols()}, m.outerStride()};
}

/// Largest magnitudes of a tensor, as far as they are known.
struct known_ranges {
  std::span<const float> columns;  ///< [in]
  float tensor = 0;
  std::span<const float> batches;  ///< of an input: by batch
};

/// out [rows, cols] := in with each column multiplied by its scale, on the calling thread. out may be in.
void scale_columns(lm::const_matrix in, std::span<const float> scale, lm::matrix out);
/// 1 / scale.
[[nodiscard]] std::vector<float> reciprocals(std::span<const float> scale);
/// Largest magnitudes of a tensor by column, from those in front of scale_columns.
[[nodiscard]] std::vector<float> scaled_columns(std::span<const float> columns, std::span<const float> scale);

/// Where the ranges of an activation recipe come from.
enum class input_range : std::uint8_t {
  rows,        ///< the rows themselves
  batch,       ///< all rows of a batch
  calibrated,  ///< collected beforehand
};
[[nodiscard]] input_range input_range_of(const fake_recipe& activation);

/// Rows of a weight that a task takes: whole tiles.
[[nodiscard]] index_t band_rows(const fake_recipe& recipe);

/// out [rows, in] := a band of a weight, from row `first_output` on, under the recipe, on the calling thread.
void quantize_weight_band(const fake_recipe& recipe, const known_ranges& ranges, index_t first_output,
                          lm::const_matrix w, lm::matrix out);

/// out [out, in] := rows [first_output, ...) of a weight under the recipe. A slab of a weight begins at a multiple of
/// the recipe's row_alignment().
void quantize_weight(const fake_recipe& recipe, const known_ranges& ranges, index_t first_output, lm::const_matrix w,
                     lm::matrix out, thread_pool& pool);

/// out := x under the recipe, on the calling thread. `batches` [rows]: the batch of each row, ascending; only read
/// where the range is that of a batch. out may be x.
void quantize_input(const fake_recipe& recipe, const known_ranges& ranges, std::span<const std::int32_t> batches,
                    lm::const_matrix x, lm::matrix out);

}  // namespace qgrain::engine

#endif
