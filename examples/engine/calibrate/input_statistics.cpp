#include <engine/calibrate/fake_linear.hpp>
#include <engine/calibrate/input_statistics.hpp>
#include <engine/calibrate/ranges.hpp>

#include <qgrain/calibration/histogram_search.hpp>

#include <cstddef>
#include <utility>

namespace qgrain::engine {
namespace {

constexpr double kept_percent = 99.99;
constexpr index_t most_channel_bins = index_t{1} << 16;  // 0.8 MB for a channel that starts all but silent

// Counts of the magnitudes of rows [begin, end), each row as often as `times` says. Runs of rows of one number are
// counted at once where they lie one after another.
std::vector<std::int64_t> counts_of(const calibration::histogram& bins, lm::const_matrix x,
                                    std::span<const std::int32_t> times, index_t begin, index_t end) {
  std::vector<std::int64_t> sum(bins.counts().size(), 0);
  const bool is_dense = x.outerStride() == x.cols();
  for (index_t row = begin; row < end;) {
    const std::int32_t count = times[static_cast<std::size_t>(row)];
    index_t next = row + 1;
    while (is_dense && next < end && times[static_cast<std::size_t>(next)] == count) ++next;
    const std::vector<std::int64_t> found =
        bins.count({x.data() + row * x.outerStride(), static_cast<std::size_t>((next - row) * x.cols())});
    for (std::size_t b = 0; b < sum.size(); ++b) sum[b] += count * found[b];
    row = next;
  }
  return sum;
}

}  // namespace

input_statistics::input_statistics(index_t channels, bool takes_channel_bins, common::communicator* ranks)
    : channels_(static_cast<std::size_t>(channels), 0.0F), shares_(channels, ranks) {
  const auto parts = static_cast<std::size_t>(ceil_div(channels, columns_per_task));
  means_.resize(parts);
  if (takes_channel_bins) {
    const calibration::histogram_observer none(calibration::range_axis::columns, {.most_bins = most_channel_bins});
    channel_bins_.assign(parts, none);
  }
}

void input_statistics::observe_bins(lm::const_matrix x, std::span<const std::int32_t> times, float top,
                                    thread_pool& pool) {
  prepare_bins(top);
  count_bins(x, times, pool);
}

void input_statistics::count_bins(lm::const_matrix x, std::span<const std::int32_t> times, thread_pool& pool) {
  std::vector<std::vector<std::int64_t>> parts(static_cast<std::size_t>(ceil_div(x.rows(), task_rows)));
  for_each_chunk(pool, x.rows(), task_rows, [&](index_t begin, index_t end) {
    parts[static_cast<std::size_t>(begin / task_rows)] = counts_of(bins_, x, times, begin, end);
  });
  for (const std::vector<std::int64_t>& part : parts) bins_.add(part);
}

void input_statistics::observe_channel_bins(lm::const_matrix x, std::span<const std::int32_t> times,
                                            thread_pool& pool) {
  shares_.for_each_own(pool, [&](index_t begin, index_t end) {
    channel_bins_[static_cast<std::size_t>(begin / columns_per_task)].observe(columns_of(x, begin, end), times);
  });
}

void input_statistics::observe_means(lm::const_matrix x, std::span<const std::int32_t> times, thread_pool& pool) {
  for_each_chunk(pool, x.cols(), columns_per_task, [&](index_t begin, index_t end) {
    means_[static_cast<std::size_t>(begin / columns_per_task)].observe(columns_of(x, begin, end), times);
  });
}

void input_statistics::widen(lm::const_matrix x, thread_pool& pool) { widen_columns(x, channels_, pool); }

std::vector<float> input_statistics::histogram_amax(const fake_recipe& recipe, calibration_method method,
                                                    thread_pool& pool) const {
  const int levels = 1 << (recipe.elements.code_bits - 1);
  const auto range_of = [&](const calibration::histogram& bins) {
    return method == calibration_method::percentile
               ? calibration::percentile_amax(bins.counts(), bins.edges(), kept_percent)
               : calibration::entropy_amax(bins.counts(), bins.edges(), levels);
  };
  if (!recipe.needs_column_range()) return {range_of(bins_)};
  std::vector<float> amax(channels_.size());
  shares_.for_each_own(pool, [&](index_t begin, index_t end) {
    const auto& bins = channel_bins_[static_cast<std::size_t>(begin / columns_per_task)].histograms();
    for (index_t c = begin; c < end; ++c)
      amax[static_cast<std::size_t>(c)] = range_of(bins[static_cast<std::size_t>(c - begin)]);
  });
  shares_.share(amax);
  return amax;
}

void input_statistics::drop_bins() {
  bins_ = {};
  channel_bins_.clear();
}

std::vector<float> input_statistics::mean() const {
  if (!mean_of_ranks_.empty()) return mean_of_ranks_;
  std::vector<float> all;
  for (const calibration::mean_magnitude_observer& part : means_) {
    const std::vector<float> values = part.mean();
    all.insert(all.end(), values.begin(), values.end());
  }
  return all;
}

}  // namespace qgrain::engine
