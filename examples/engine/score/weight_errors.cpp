#include <engine/calibrate/fake_linear.hpp>
#include <engine/calibrate/ranges.hpp>
#include <engine/score/engine.hpp>
#include <engine/score/weight_errors.hpp>
#include <lm/block_source.hpp>
#include <lm/head_slabs.hpp>
#include <recipes/unquantized.hpp>

#include <qgrain/sensitivity/output_error.hpp>

#include <algorithm>
#include <cstddef>

namespace qgrain::engine {
namespace {

// Sums of squared errors of each weight variant of a plan, [variant][Linear].
class error_adder {
 public:
  error_adder(const job_plan& plan, const std::vector<weight_range>& ranges, thread_pool& pool)
      : plan_(plan),
        ranges_(ranges),
        pool_(pool),
        sums_(plan.weights.size(), std::vector<double>(ranges.size(), 0.0)) {}

  /// Rows [first_output, ...) of a weight.
  void add(std::size_t linear, index_t first_output, lm::const_matrix w) {
    struct band {
      std::size_t variant;
      index_t begin;
      index_t end;
      double sum = 0;
    };
    std::vector<band> bands;
    for (std::size_t v = 0; v < plan_.weights.size(); ++v) {
      if (!plan_.weights[v]) continue;
      const index_t step = band_rows(*plan_.weights[v]);
      for (index_t begin = 0; begin < w.rows(); begin += step)
        bands.push_back({v, begin, std::min(begin + step, w.rows())});
    }
    const weight_range& range = ranges_[linear];
    pool_.run(static_cast<index_t>(bands.size()), [&](index_t b) {
      band& task = bands[static_cast<std::size_t>(b)];
      const lm::const_matrix rows = lm::rows_of(w, task.begin, task.end);
      lm::buffer memory(rows.size());
      const lm::matrix quantized = memory.view(rows.rows(), rows.cols());
      quantize_weight_band(*plan_.weights[task.variant], {range.columns, range.tensor, {}}, first_output + task.begin,
                           rows, quantized);
      for (index_t r = 0; r < rows.rows(); ++r) {
        task.sum += sensitivity::squared_distance(quantized.data() + r * quantized.outerStride(),
                                                  rows.data() + r * rows.outerStride(), rows.cols());
      }
    });
    for (const band& task : bands) sums_[task.variant][linear] += task.sum;
  }

  [[nodiscard]] double sum(std::size_t variant, std::size_t linear) const { return sums_[variant][linear]; }

 private:
  const job_plan& plan_;
  const std::vector<weight_range>& ranges_;
  thread_pool& pool_;
  std::vector<std::vector<double>> sums_;
};

}  // namespace

std::vector<std::vector<double>> weight_errors(const lm::model& model, std::span<const job> jobs, thread_pool& pool,
                                               const lm::pass_limits& limits, bool shared_ranges) {
  check_jobs(model, jobs);
  std::vector<job> recipes;  // without what does not touch the weight
  std::vector<std::size_t> recipe_of;
  for (const job& wanted : jobs) {
    const job alone{wanted.weight, std::string(recipes::unquantized)};
    recipe_of.push_back(static_cast<std::size_t>(std::find(recipes.begin(), recipes.end(), alone) - recipes.begin()));
    if (recipe_of.back() == recipes.size()) recipes.push_back(alone);
  }
  const job_plan plan = plan_jobs(recipes);
  std::vector<weight_range> ranges = find_weight_ranges(model, pool);
  if (shared_ranges) share_tensor_ranges(model, ranges);
  error_adder errors(plan, ranges, pool);
  lm::block_source blocks(model);
  for (index_t layer = 0; layer < model.config().layers; ++layer) {
    const auto next = layer + 1 < model.config().layers ? std::optional(layer + 1) : std::nullopt;
    const lm::block_weights& block = blocks.read(layer, next, pool);
    for (std::size_t i = 0; i < block.linears.size(); ++i)
      errors.add(static_cast<std::size_t>(model.linear_of(layer, i)), 0, block.linears[i]);
  }
  lm::head_slabs(model, pool, limits).for_each(1, [&](index_t first, lm::const_matrix w, index_t, index_t) {
    errors.add(static_cast<std::size_t>(model.head_linear()), first, w);
  });

  std::vector<std::vector<double>> means(jobs.size());
  for (std::size_t j = 0; j < jobs.size(); ++j) {
    for (std::size_t l = 0; l < ranges.size(); ++l)
      means[j].push_back(errors.sum(plan.jobs[recipe_of[j]].weight, l) /
                         static_cast<double>(model.linears()[l].elements()));
  }
  return means;
}

}  // namespace qgrain::engine
