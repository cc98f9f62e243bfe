// What the first calibration pass keeps of one input besides its largest magnitudes: histograms and means.
#ifndef QGRAIN_ENGINE_CALIBRATE_INPUT_STATISTICS_HPP
#define QGRAIN_ENGINE_CALIBRATE_INPUT_STATISTICS_HPP

#include <common/communicator.hpp>
#include <engine/calibrate/column_tasks.hpp>
#include <engine/score/job.hpp>
#include <lm/buffer.hpp>

#include <qgrain/calibration/histogram.hpp>
#include <qgrain/calibration/histogram_observer.hpp>
#include <qgrain/calibration/input_scale.hpp>
#include <qgrain/host/fake_recipe.hpp>
#include <qgrain/host/parallel.hpp>

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace qgrain::engine {

/// Of one input over the batches so far. `times` [rows]: how many positions a row stands for.
class input_statistics {
 public:
  /// `ranks`: those that see the same batches, and divide the channels' histograms; null: this process has all.
  input_statistics(index_t channels, bool takes_channel_bins, common::communicator* ranks = nullptr);

  /// Adds a batch to the histogram of the whole input; `top`: the largest magnitude of the batch.
  void observe_bins(lm::const_matrix x, std::span<const std::int32_t> times, float top, thread_pool& pool);
  /// The two parts of observe_bins: room for a batch, then any of its rows.
  void prepare_bins(float top) { bins_.prepare(top); }
  void count_bins(lm::const_matrix x, std::span<const std::int32_t> times, thread_pool& pool);
  /// Counts of the whole input's histogram, to which those of others' rows in the same bins can be added.
  [[nodiscard]] const std::vector<std::int64_t>& bin_counts() const noexcept { return bins_.counts(); }
  void add_bins(const std::vector<std::int64_t>& counts) { bins_.add(counts); }
  /// Adds a batch to the histograms of the channels.
  void observe_channel_bins(lm::const_matrix x, std::span<const std::int32_t> times, thread_pool& pool);
  /// Adds a batch to the mean magnitudes of the channels.
  void observe_means(lm::const_matrix x, std::span<const std::int32_t> times, thread_pool& pool);
  /// Widens channels() by the magnitudes of some rows.
  void widen(lm::const_matrix x, thread_pool& pool);
  /// What all ranks have seen: channels() and mean().
  void set_channels(std::vector<float> channels) { channels_ = std::move(channels); }
  void set_mean(std::vector<float> mean) { mean_of_ranks_ = std::move(mean); }

  /// The range of a recipe by percentile or entropy: one value, or one per channel where the recipe has such ranges,
  /// for which all ranks call it.
  [[nodiscard]] std::vector<float> histogram_amax(const fake_recipe& recipe, calibration_method method,
                                                  thread_pool& pool) const;
  /// Gives the histograms' memory back.
  void drop_bins();
  /// [in] mean magnitude of each channel
  [[nodiscard]] std::vector<float> mean() const;
  /// [in] largest magnitude of each channel in the rows that `widen` saw
  [[nodiscard]] const std::vector<float>& channels() const noexcept { return channels_; }

 private:
  std::vector<float> channels_;
  column_shares shares_;              // of the channels' histograms
  std::vector<float> mean_of_ranks_;  // or empty
  calibration::histogram bins_;
  std::vector<calibration::histogram_observer> channel_bins_;  // of each task's columns
  std::vector<calibration::mean_magnitude_observer> means_;    // likewise
};

}  // namespace qgrain::engine

#endif
