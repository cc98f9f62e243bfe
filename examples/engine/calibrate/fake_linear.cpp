#include <engine/calibrate/fake_linear.hpp>

#include <qgrain/core/arithmetic.hpp>

#include <algorithm>

namespace qgrain::engine {
namespace {

constexpr index_t rows_per_band = 128;

// What the recipe asks its caller for.
std::span<const float> asked_for(const fake_recipe& recipe, const known_ranges& ranges) {
  if (recipe.needs_column_range()) return ranges.columns;
  if (recipe.needs_tensor_range()) return {&ranges.tensor, 1};
  return {};
}

}  // namespace

void scale_columns(lm::const_matrix in, std::span<const float> scale, lm::matrix out) {
  for (index_t r = 0; r < in.rows(); ++r) {
    for (index_t c = 0; c < in.cols(); ++c) out(r, c) = mul_rn(in(r, c), scale[static_cast<std::size_t>(c)]);
  }
}

std::vector<float> reciprocals(std::span<const float> scale) {
  std::vector<float> inverse;
  for (const float s : scale) inverse.push_back(div_rn(1.0F, s));
  return inverse;
}

std::vector<float> scaled_columns(std::span<const float> columns, std::span<const float> scale) {
  std::vector<float> scaled;
  for (std::size_t c = 0; c < columns.size(); ++c) scaled.push_back(mul_rn(columns[c], scale[c]));
  return scaled;
}

input_range input_range_of(const fake_recipe& activation) {
  if (!activation.needs_column_range() && !activation.needs_tensor_range()) return input_range::rows;
  const bool is_own = activation.groups.source == range_source::own;
  return is_own && activation.groups.kind == granularity_kind::per_tensor ? input_range::batch
                                                                          : input_range::calibrated;
}

index_t band_rows(const fake_recipe& recipe) {
  return ceil_div(rows_per_band, recipe.row_alignment()) * recipe.row_alignment();
}

void quantize_weight_band(const fake_recipe& recipe, const known_ranges& ranges, index_t first_output,
                          lm::const_matrix w, lm::matrix out) {
  fake_quantize(recipe, view_of(w), view_of(out), asked_for(recipe, ranges), first_output);
}

void quantize_weight(const fake_recipe& recipe, const known_ranges& ranges, index_t first_output, lm::const_matrix w,
                     lm::matrix out, thread_pool& pool) {
  for_each_chunk(pool, w.rows(), band_rows(recipe), [&](index_t begin, index_t end) {
    quantize_weight_band(recipe, ranges, first_output + begin, lm::rows_of(w, begin, end),
                         lm::rows_of(out, begin, end));
  });
}

void quantize_input(const fake_recipe& recipe, const known_ranges& ranges, std::span<const std::int32_t> batches,
                    lm::const_matrix x, lm::matrix out) {
  if (input_range_of(recipe) != input_range::batch) {
    return fake_quantize(recipe, view_of(x), view_of(out), asked_for(recipe, ranges));
  }
  for (index_t begin = 0; begin < x.rows();) {
    const std::int32_t batch = batches[static_cast<std::size_t>(begin)];
    index_t end = begin + 1;
    while (end < x.rows() && batches[static_cast<std::size_t>(end)] == batch) ++end;
    fake_quantize(recipe, view_of(lm::rows_of(x, begin, end)), view_of(lm::rows_of(out, begin, end)),
                  {&ranges.batches[static_cast<std::size_t>(batch)], 1});
    begin = end;
  }
}

}  // namespace qgrain::engine
