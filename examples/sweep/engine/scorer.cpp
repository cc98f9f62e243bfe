#include "scorer.hpp"

#include <lm/operations.hpp>
#include <lm/stopwatch.hpp>

#include <qgrain/sensitivity/gradient_score.hpp>

#include <algorithm>

namespace qgrain::sweep {
namespace {

constexpr index_t task_rows = 128;
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

double score_of(const lm::linear_output& output, std::span<const index_t> rows, lm::const_matrix changed) {
  double sum = 0;
  for (index_t i = 0; i < changed.rows(); ++i) {
    const index_t row = rows[static_cast<std::size_t>(i)];
    sum += sensitivity::gradient_score(output.gradient.data() + row * output.gradient.outerStride(),
                                       changed.data() + i * changed.outerStride(),
                                       output.y.data() + row * output.y.outerStride(), changed.cols());
  }
  return sum;
}

}  // namespace

// Weight variants as many as fit into memory at once, then their jobs; until all are done.
void scorer::visit(const lm::linear_sample& sample) {
  std::vector<index_t> rows;  // with a gradient at any of the outputs
  for (index_t i = 0; i < sample.x.rows(); ++i) {
    const auto has_gradient = [&](const lm::linear_output& o) { return (o.gradient.row(i).array() != 0.0F).any(); };
    if (std::any_of(sample.outputs.begin(), sample.outputs.end(), has_gradient)) rows.push_back(i);
  }
  index_t elements = 0;
  for (const lm::linear_output& output : sample.outputs) elements += output.weight.size();
  const index_t fitting = variant_bytes_ / (elements * static_cast<index_t>(sizeof(float)));
  const auto at_once = static_cast<std::size_t>(std::max<index_t>(fitting, 1));
  for (std::size_t first = 0; first < plan_.weights.size() && !rows.empty(); first += at_once) {
    portion p = jobs_between(first, std::min(first + at_once, plan_.weights.size()));
    if (p.groups.empty()) continue;
    quantize_weights(sample, p);
    score_rows(sample, rows, p);
  }
  meter_.backward(sample.x.rows(), elements);
}

scorer::portion scorer::jobs_between(std::size_t first, std::size_t end) const {
  portion p{first, end, {}, {}};
  p.groups.resize(plan_.activations.size());
  for (std::size_t j = 0; j < plan_.jobs.size(); ++j) {
    const job_plan::pair& pair = plan_.jobs[j];
    p.groups[pair.activation].activation = pair.activation;
    if (plan_.is_scored(pair) && pair.weight >= first && pair.weight < end) p.groups[pair.activation].jobs.push_back(j);
  }
  std::erase_if(p.groups, [](const portion::activation_jobs& g) { return g.jobs.empty(); });
  return p;
}

void scorer::quantize_weights(const lm::linear_sample& sample, portion& p) {
  const lm::stopwatch watch(result_.costs.weight_seconds);
  struct band_task {
    const lm::linear_output* output;
    const fake_recipe* recipe;
    index_t band;
    float* memory;
  };
  std::vector<band_task> tasks;
  index_t needed = 0;
  for (const lm::linear_output& output : sample.outputs)
    needed += static_cast<index_t>(p.end - p.first) * output.weight.size();
  if (variant_memory_.size() < needed) variant_memory_ = lm::buffer(needed);
  float* memory = variant_memory_.data();
  for (const lm::linear_output& output : sample.outputs) {
    p.variants.emplace_back();
    for (std::size_t v = p.first; v < p.end; ++v, memory += output.weight.size()) {
      if (!plan_.weights[v]) {
        p.variants.back().push_back(output.weight);
        continue;
      }
      const fake_recipe& recipe = *plan_.weights[v];
      p.variants.back().push_back(
          lm::as_matrix(static_cast<const float*>(memory), output.weight.rows(), output.weight.cols()));
      const index_t bands = ceil_div(output.weight.rows(), band_rows(recipe));
      for (index_t band = 0; band < bands; ++band) tasks.push_back({&output, &recipe, band, memory});
    }
  }
  pool_.run(static_cast<index_t>(tasks.size()), [&](index_t t) {
    const band_task& task = tasks[static_cast<std::size_t>(t)];
    quantize_weight_band(*task.output, *task.recipe, task.band, task.memory);
  });
}

void scorer::quantize_weight_band(const lm::linear_output& output, const fake_recipe& recipe, index_t band,
                                  float* memory) const {
  const weight_range& range = weight_ranges_[static_cast<std::size_t>(output.linear)];
  const index_t begin = band * band_rows(recipe);
  const index_t end = std::min(begin + band_rows(recipe), output.weight.rows());
  const lm::matrix variant = lm::as_matrix(memory, output.weight.rows(), output.weight.cols());
  fake_quantize(recipe, view_of(lm::rows_of(output.weight, begin, end)), view_of(lm::rows_of(variant, begin, end)),
                ranges_for(recipe, range.columns, range.tensor), output.first_output + begin);
}

// x [n, in] := the listed rows of the sample, quantized. Rows of one batch at a time where the range is the batch's.
void scorer::quantize_inputs(const lm::linear_sample& sample, std::span<const index_t> rows, std::size_t activation,
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

// A unit of work is a task of rows with one activation variant: quantized once, then multiplied for every job that
// takes it.
void scorer::score_rows(const lm::linear_sample& sample, const std::vector<index_t>& rows, const portion& p) {
  const lm::stopwatch watch(result_.costs.scoring_seconds);
  const auto count = static_cast<index_t>(rows.size());
  const index_t in = sample.x.cols();
  const std::size_t outputs = sample.outputs.size();
  index_t widest = 0;
  for (const lm::linear_output& output : sample.outputs) widest = std::max(widest, output.weight.rows());
  const index_t tasks = ceil_div(count, task_rows);
  const auto groups = static_cast<index_t>(p.groups.size());
  std::vector<double> partial(static_cast<std::size_t>(tasks) * plan_.jobs.size() * outputs, 0.0);
  const auto partial_of = [&](index_t task, std::size_t job, std::size_t output) -> double& {
    return partial[(static_cast<std::size_t>(task) * plan_.jobs.size() + job) * outputs + output];
  };
  pool_.run(tasks * groups, [&](index_t unit) {
    const index_t task = unit / groups;
    const portion::activation_jobs& group = p.groups[static_cast<std::size_t>(unit % groups)];
    const index_t n = std::min(task_rows, count - task * task_rows);
    const auto part = std::span(rows).subspan(static_cast<std::size_t>(task * task_rows), static_cast<std::size_t>(n));
    lm::buffer scratch(n * (in + widest));
    const lm::matrix x = lm::as_matrix(scratch.data(), n, in);
    quantize_inputs(sample, part, group.activation, x);
    for (std::size_t o = 0; o < outputs; ++o) {
      const lm::linear_output& output = sample.outputs[o];
      const lm::matrix changed = lm::as_matrix(scratch.data() + n * in, n, output.weight.rows());
      for (const std::size_t j : group.jobs) {
        lm::linear(lm::as_const(x), p.variants[o][plan_.jobs[j].weight - p.first], output.bias, changed);
        partial_of(task, j, o) = score_of(output, part, lm::as_const(changed));
      }
    }
  });
  std::size_t products = 0;
  for (const portion::activation_jobs& group : p.groups) products += group.jobs.size();
  for (std::size_t o = 0; o < outputs; ++o) {
    const lm::linear_output& output = sample.outputs[o];
    for (std::size_t j = 0; j < plan_.jobs.size(); ++j) {
      for (index_t task = 0; task < tasks; ++task) {
        result_.scores[j][static_cast<std::size_t>(output.linear)] += partial_of(task, j, o);
      }
    }
    result_.costs.scoring_flops +=
        2.0 * static_cast<double>(products) * static_cast<double>(count) * static_cast<double>(output.weight.size());
  }
}

}  // namespace qgrain::sweep
