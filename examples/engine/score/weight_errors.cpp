#include <engine/calibrate/fake_linear.hpp>
#include <engine/calibrate/ordered_addends.hpp>
#include <engine/calibrate/ranges.hpp>
#include <engine/score/engine.hpp>
#include <engine/score/weight_errors.hpp>
#include <recipes/unquantized.hpp>

#include <qgrain/sensitivity/output_error.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace qgrain::engine {
namespace {

// Sums of squared errors of each weight variant of a plan, [variant][Linear]. Ranks that have some of the weights each
// write them down until all have added them.
class error_adder {
 public:
  error_adder(const job_plan& plan, const std::vector<weight_range>& ranges, thread_pool& pool,
              common::communicator* ranks)
      : plan_(plan),
        ranges_(ranges),
        pool_(pool),
        ranks_(ranks),
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
    std::vector<std::vector<double>> sums(plan_.weights.size());
    for (const band& task : bands) sums[task.variant].push_back(task.sum);
    for (std::size_t v = 0; v < sums.size(); ++v) {
      const std::size_t target = v * ranges_.size() + linear;
      if (common::is_divided(ranks_)) {
        written_.write({static_cast<std::int64_t>(target), first_output, 0}, sums[v]);
      } else {
        add_to(target, sums[v]);
      }
    }
  }
  /// Once all weights were there.
  void finish() {
    if (!common::is_divided(ranks_)) return;
    written_.exchange(*ranks_, [this](const ordered_addends::place& at, std::span<const double> values) {
      add_to(static_cast<std::size_t>(at.target), values);
    });
  }

  [[nodiscard]] double sum(std::size_t variant, std::size_t linear) const { return sums_[variant][linear]; }

 private:
  void add_to(std::size_t target, std::span<const double> values) {
    double& sum = sums_[target / ranges_.size()][target % ranges_.size()];
    for (const double value : values) sum += value;
  }

  const job_plan& plan_;
  const std::vector<weight_range>& ranges_;
  thread_pool& pool_;
  common::communicator* ranks_;
  ordered_addends written_;
  std::vector<std::vector<double>> sums_;
};

}  // namespace

std::vector<std::vector<double>> weight_errors(const lm::model& model, std::span<const job> jobs, thread_pool& pool,
                                               const lm::pass_limits& limits, bool shared_ranges,
                                               common::communicator* ranks) {
  check_jobs(model, jobs);
  std::vector<job> recipes;  // without what does not touch the weight
  std::vector<std::size_t> recipe_of;
  for (const job& wanted : jobs) {
    const job alone{wanted.weight, std::string(recipes::unquantized)};
    recipe_of.push_back(static_cast<std::size_t>(std::find(recipes.begin(), recipes.end(), alone) - recipes.begin()));
    if (recipe_of.back() == recipes.size()) recipes.push_back(alone);
  }
  const job_plan plan = plan_jobs(recipes);
  std::vector<weight_range> ranges = find_weight_ranges(model, pool, ranks);
  if (shared_ranges) share_tensor_ranges(model, ranges);
  error_adder errors(plan, ranges, pool, ranks);
  for_each_weight(model, pool, limits, ranks, [&](std::size_t linear, index_t first_output, lm::const_matrix w) {
    errors.add(linear, first_output, w);
  });
  errors.finish();

  std::vector<std::vector<double>> means(jobs.size());
  for (std::size_t j = 0; j < jobs.size(); ++j) {
    for (std::size_t l = 0; l < ranges.size(); ++l)
      means[j].push_back(errors.sum(plan.jobs[recipe_of[j]].weight, l) /
                         static_cast<double>(model.linears()[l].elements()));
  }
  return means;
}

}  // namespace qgrain::engine
