#include <engine/calibrate/column_tasks.hpp>
#include <engine/calibrate/fake_linear.hpp>
#include <engine/calibrate/mse_range_search.hpp>
#include <lm/operations.hpp>

#include <qgrain/core/arithmetic.hpp>

#include <algorithm>

namespace qgrain::engine {
namespace {

double squared_error(float quantized, float x) {
  const float error = sub_rn(quantized, x);
  return static_cast<double>(mul_rn(error, error));
}

}  // namespace

calibration::multiplier_losses& mse_range_search::losses_of(index_t first_linear, const input_ranges& ranges) {
  std::optional<calibration::multiplier_losses>& losses = losses_[static_cast<std::size_t>(first_linear)];
  if (!losses) {
    losses.emplace(recipe_.needs_column_range() ? ranges.channels(first_linear)
                                                : std::vector<float>{ranges.tensor(first_linear)});
  }
  return *losses;
}

void mse_range_search::observe(const lm::linear_input& input, const input_ranges& ranges,
                               std::span<const std::int32_t> times, thread_pool& pool, ordered_addends* written,
                               std::int64_t target) {
  calibration::multiplier_losses& losses = losses_of(input.first_linear, ranges);
  if (recipe_.needs_column_range()) return add_by_column(losses, input.x, times, pool);
  const std::vector<double> errors = errors_by_rows(losses, input.x, times, pool);
  if (written != nullptr) return written->write({target, 0, input.first_row}, errors);
  add(input.first_linear, ranges, errors);
}

void mse_range_search::add(index_t first_linear, const input_ranges& ranges, std::span<const double> errors) {
  calibration::multiplier_losses& losses = losses_of(first_linear, ranges);
  const std::size_t multipliers = losses.multipliers().size();
  for (std::size_t unit = 0; unit < errors.size(); ++unit) losses.add(unit % multipliers, 0, errors[unit]);
}

std::vector<float> mse_range_search::amax(index_t first_linear) const {
  const auto& losses = losses_[static_cast<std::size_t>(first_linear)];
  if (!losses) return {};
  std::vector<float> found = losses->amax();
  if (!is_of_tensor()) column_shares(static_cast<index_t>(found.size()), ranks_).share(found);
  return found;
}

// A task has some columns: their sums are nobody else's.
void mse_range_search::add_by_column(calibration::multiplier_losses& losses, lm::const_matrix all,
                                     std::span<const std::int32_t> times, thread_pool& pool) const {
  const index_t n = all.rows();
  column_shares(all.cols(), ranks_).for_each_own(pool, [&](index_t begin, index_t end) {
    const matrix_view<const float> x = columns_of(all, begin, end);
    lm::buffer memory(n * (end - begin));
    const matrix_view<float> out{memory.data(), {n, end - begin}};
    std::vector<float> ranges(static_cast<std::size_t>(end - begin));
    for (std::size_t m = 0; m < losses.multipliers().size(); ++m) {
      for (index_t c = begin; c < end; ++c)
        ranges[static_cast<std::size_t>(c - begin)] = losses.candidate(m, static_cast<std::size_t>(c));
      fake_quantize(recipe_, x, out, ranges);
      for (index_t c = begin; c < end; ++c) {
        double sum = 0;
        for (index_t r = 0; r < n; ++r) {
          sum += static_cast<double>(times[static_cast<std::size_t>(r)]) *
                 squared_error(out(r, c - begin), x(r, c - begin));
        }
        losses.add(m, static_cast<std::size_t>(c), sum);
      }
    }
  });
}

// [task][multiplier]: a task has some rows under one candidate.
std::vector<double> mse_range_search::errors_by_rows(const calibration::multiplier_losses& losses, lm::const_matrix all,
                                                     std::span<const std::int32_t> times, thread_pool& pool) const {
  const std::size_t multipliers = losses.multipliers().size();
  const auto tasks = static_cast<std::size_t>(ceil_div(all.rows(), task_rows));
  std::vector<double> partial(tasks * multipliers, 0.0);
  pool.run(static_cast<index_t>(partial.size()), [&](index_t unit) {
    const std::size_t m = static_cast<std::size_t>(unit) % multipliers;
    const index_t begin = unit / static_cast<index_t>(multipliers) * task_rows;
    const lm::const_matrix x = lm::rows_of(all, begin, std::min(begin + task_rows, all.rows()));
    lm::buffer memory(x.size());
    const lm::matrix out = memory.view(x.rows(), x.cols());
    const float range = losses.candidate(m, 0);
    fake_quantize(recipe_, view_of(x), view_of(out), {&range, 1});
    double& sum = partial[static_cast<std::size_t>(unit)];
    for (index_t r = 0; r < x.rows(); ++r) {
      double row = 0;
      for (index_t c = 0; c < x.cols(); ++c) row += squared_error(out(r, c), x(r, c));
      sum += static_cast<double>(times[static_cast<std::size_t>(begin + r)]) * row;
    }
  });
  return partial;
}

}  // namespace qgrain::engine
