#include "variants.hpp"

#include "fake_linear.hpp"

#include <qgrain/host/fake_recipe.hpp>

#include <algorithm>

namespace qgrain::sweep {

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
  quantize_weight_band(recipe, {range.columns, range.tensor, {}}, output.first_output + begin,
                       lm::rows_of(output.weight, begin, end), lm::rows_of(variant, begin, end));
}

void variant_maker::inputs(const lm::linear_sample& sample, std::span<const index_t> rows, std::size_t activation,
                           lm::matrix x) const {
  for (index_t i = 0; i < x.rows(); ++i) x.row(i) = sample.x.row(rows[static_cast<std::size_t>(i)]);
  if (!plan_.activations[activation]) return;
  const fake_recipe& recipe = *plan_.activations[activation];
  const index_t linear = sample.outputs.front().linear;
  std::vector<std::int32_t> batches;
  if (input_range_of(recipe) == input_range::batch) {
    for (const index_t row : rows) batches.push_back(inputs_.batch_of(sample.rows[static_cast<std::size_t>(row)]));
  }
  quantize_input(recipe, {inputs_.channels(linear), inputs_.tensor(linear), inputs_.batches(linear)}, batches,
                 lm::as_const(x), x);
}

}  // namespace qgrain::sweep
