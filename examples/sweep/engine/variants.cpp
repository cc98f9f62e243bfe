#include "variants.hpp"

#include <qgrain/host/fake_recipe.hpp>

#include <algorithm>

namespace qgrain::sweep {
namespace {

constexpr index_t weight_rows_per_band = 128;

matrix_view<const float> view_of(lm::const_matrix m) { return {m.data(), {m.rows(), m.cols()}, m.outerStride()}; }
matrix_view<float> view_of(lm::matrix m) { return {m.data(), {m.rows(), m.cols()}, m.outerStride()}; }

// The ranges that a recipe asks its caller for.
std::span<const float> ranges_for(const fake_recipe& recipe, std::span<const float> columns, const float& tensor) {
  if (recipe.needs_column_range()) return columns;
  if (recipe.needs_tensor_range()) return {&tensor, 1};
  return {};
}

// Whole tiles in a band.
index_t band_rows(const fake_recipe& recipe) {
  return ceil_div(weight_rows_per_band, recipe.row_alignment()) * recipe.row_alignment();
}

}  // namespace

std::vector<std::vector<lm::const_matrix>> variant_maker::weights(const lm::linear_sample& sample, std::size_t first,
                                                                  std::size_t end, kind what) {
  struct band_task {
    const lm::linear_output* output;
    const fake_recipe* recipe;
    index_t band;
    float* memory;
  };
  std::vector<band_task> tasks;
  std::vector<std::vector<lm::const_matrix>> variants;
  index_t needed = 0;
  for (const lm::linear_output& output : sample.outputs)
    needed += static_cast<index_t>(end - first) * output.weight.size();
  if (memory_.size() < needed) memory_ = lm::buffer(needed);
  float* memory = memory_.data();
  for (const lm::linear_output& output : sample.outputs) {
    variants.emplace_back();
    for (std::size_t v = first; v < end; ++v, memory += output.weight.size()) {
      if (!plan_.weights[v]) {
        variants.back().push_back(what == kind::value ? output.weight
                                                      : lm::as_matrix(static_cast<const float*>(nullptr), 0, 0));
        continue;
      }
      const fake_recipe& recipe = *plan_.weights[v];
      variants.back().push_back(
          lm::as_matrix(static_cast<const float*>(memory), output.weight.rows(), output.weight.cols()));
      const index_t bands = ceil_div(output.weight.rows(), band_rows(recipe));
      for (index_t band = 0; band < bands; ++band) tasks.push_back({&output, &recipe, band, memory});
    }
  }
  pool_.run(static_cast<index_t>(tasks.size()), [&](index_t t) {
    const band_task& task = tasks[static_cast<std::size_t>(t)];
    quantize_band(*task.output, *task.recipe, task.band, task.memory);
    if (what == kind::value) return;
    const index_t begin = task.band * band_rows(*task.recipe);
    const index_t last = std::min(begin + band_rows(*task.recipe), task.output->weight.rows());
    lm::matrix all = lm::as_matrix(task.memory, task.output->weight.rows(), task.output->weight.cols());
    lm::rows_of(all, begin, last) -= lm::rows_of(task.output->weight, begin, last);
  });
  return variants;
}

void variant_maker::quantize_band(const lm::linear_output& output, const fake_recipe& recipe, index_t band,
                                  float* memory) const {
  const weight_range& range = weight_ranges_[static_cast<std::size_t>(output.linear)];
  const index_t begin = band * band_rows(recipe);
  const index_t end = std::min(begin + band_rows(recipe), output.weight.rows());
  const lm::matrix variant = lm::as_matrix(memory, output.weight.rows(), output.weight.cols());
  fake_quantize(recipe, view_of(lm::rows_of(output.weight, begin, end)), view_of(lm::rows_of(variant, begin, end)),
                ranges_for(recipe, range.columns, range.tensor), output.first_output + begin);
}

void variant_maker::inputs(const lm::linear_sample& sample, std::span<const index_t> rows, std::size_t activation,
                           lm::matrix x) const {
  for (index_t i = 0; i < x.rows(); ++i) x.row(i) = sample.x.row(rows[static_cast<std::size_t>(i)]);
  if (!plan_.activations[activation]) return;
  const fake_recipe& recipe = *plan_.activations[activation];
  const index_t linear = sample.outputs.front().linear;
  if (recipe.groups.kind != granularity_kind::per_tensor || recipe.groups.source == range_source::calibrated) {
    const float tensor = inputs_.tensor(linear);
    return fake_quantize(recipe, view_of(lm::as_const(x)), view_of(x),
                         ranges_for(recipe, inputs_.channels(linear), tensor));
  }
  const auto batch_of = [&](index_t i) {
    return inputs_.batch_of(sample.rows[static_cast<std::size_t>(rows[static_cast<std::size_t>(i)])]);
  };
  for (index_t begin = 0; begin < x.rows();) {
    index_t end = begin + 1;
    while (end < x.rows() && batch_of(end) == batch_of(begin)) ++end;
    const float range = inputs_.batch(linear, batch_of(begin));
    const lm::matrix part = lm::rows_of(x, begin, end);
    fake_quantize(recipe, view_of(lm::as_const(part)), view_of(part), {&range, 1});
    begin = end;
  }
}

}  // namespace qgrain::sweep
