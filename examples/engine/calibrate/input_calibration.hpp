// Ranges and scales of Linear inputs, as the calibration methods of a job list ask for them.
#ifndef QGRAIN_ENGINE_CALIBRATE_INPUT_CALIBRATION_HPP
#define QGRAIN_ENGINE_CALIBRATE_INPUT_CALIBRATION_HPP

#include <engine/calibrate/batch_collector.hpp>
#include <engine/calibrate/divided_statistics.hpp>
#include <engine/calibrate/fake_linear.hpp>
#include <engine/calibrate/input_statistics.hpp>
#include <engine/calibrate/ranges.hpp>
#include <engine/score/job.hpp>
#include <lm/buffer.hpp>
#include <lm/limits.hpp>
#include <lm/model.hpp>
#include <lm/pass_context.hpp>
#include <lm/rows.hpp>
#include <lm/visitor.hpp>

#include <qgrain/host/parallel.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace qgrain::engine {

/// What a Linear needs besides its recipes.
struct linear_calibration {
  /// Static range of the (scaled) input: one value, one per channel, or none where the recipe asks for none.
  std::vector<float> amax;
  /// [in] what the input's channels are multiplied by, and the weight's columns divided by; or none.
  std::vector<float> input_scale;

  friend bool operator==(const linear_calibration&, const linear_calibration&) = default;
};

/// By job and Linear. Jobs that share their inputs' recipe and calibration share an entry.
struct calibration_table {
  std::vector<std::size_t> entry_of_job;                 ///< [job]
  std::vector<std::vector<linear_calibration>> entries;  ///< [entry][Linear]
  /// [Linear] the weight's range per tensor where Linears share theirs; empty: each has its own.
  std::vector<float> weight_amax = {};

  [[nodiscard]] const linear_calibration& at(std::size_t job, std::size_t linear) const {
    return entries.at(entry_of_job.at(job)).at(linear);
  }
  friend bool operator==(const calibration_table&, const calibration_table&) = default;
};

struct calibration_costs {
  int passes = 0;           ///< forward passes over the blocks besides the one that collects the largest magnitudes
  double linear_flops = 0;  ///< their products and those of searches
  double seconds = 0;
};

/// Calibrates all jobs of a plan at once. The first forward pass collects largest magnitudes, and where a job asks for
/// them histograms and means. mse and awq_lite need a second calibration pass: for them, and only for them, `finish`
/// runs one. The same bits for any number of threads. The plan must outlive it.
///
/// Histograms and means take whole batches, a padding row as often as it stands for one; rows of a batch that a pass
/// cuts are held back in memory until it is complete. Histograms live while their block is run: 24 KB each, one for an
/// input or, where a recipe has a range per channel, one for each of its channels. Experts are calibrated on the rows
/// that are sent to them; one that gets none has the largest range of its layer's. awq_lite sees the first max(1,
/// batches / 4) batches alone (ModelOpt 0.47's AutoQuantize does so), for the range behind it as well.
class input_calibration final : public lm::forward_observer {
 public:
  /// `shared_experts`: the static ranges of each projection are the largest of the layer's experts for all of them.
  /// `copied_rows`: of the first so many rows another rank takes histograms and means.
  input_calibration(const lm::pass_context& context, const job_plan& plan, bool shared_experts = false,
                    index_t copied_rows = 0);
  ~input_calibration() override;
  /// Of the first pass.
  void observe(const lm::linear_input& input) override;
  void layer_end() override;
  /// Histograms of channels are too large to be sent, and how many rows of a batch an expert gets is known to none:
  /// every rank counts all rows.
  [[nodiscard]] bool needs_all_rows() const override {
    return takes_channel_bins_ || (model_.config().experts > 0 && (takes_bins_ || takes_means_));
  }

  /// Rows that the products of `finish` amount to.
  [[nodiscard]] index_t second_pass_rows() const;
  /// Called for each input of a second pass with its share of second_pass_rows(); may throw.
  using second_pass_observer = std::function<void(index_t rows, index_t weights)>;
  /// Once the first pass is over, on all ranks of a divided run. Throws errc::non_finite where an input is not finite.
  void finish(const std::vector<weight_range>& weights, const second_pass_observer& observed = {});
  [[nodiscard]] const calibration_costs& costs() const noexcept { return costs_; }

  /// Of the unscaled input.
  [[nodiscard]] const std::vector<float>& channels(index_t linear) const { return ranges_.channels(linear); }
  [[nodiscard]] std::int32_t batch_of(std::int32_t row) const { return ranges_.batch_of(row); }
  /// Ranges of an activation variant, behind its input scale.
  [[nodiscard]] known_ranges ranges(std::size_t activation, index_t linear) const;
  /// [in] a scale of the plan; empty for job_plan::unscaled.
  [[nodiscard]] std::span<const float> scale(std::size_t scale, index_t linear) const;
  [[nodiscard]] calibration_table table() const;
  /// Experts without a row, by name: their ranges are the largest of their layer's. Once `finish` was called.
  [[nodiscard]] std::vector<std::string> unseen_experts() const;

 private:
  class second_pass;
  [[nodiscard]] bool divides_second_pass() const;
  void observe_batch(index_t batch, const lm::linear_input& whole);
  void finish_experts();
  void complete_experts();
  [[nodiscard]] input_statistics& statistics_of(index_t linear) const;
  void find_finite_ranges(index_t first_linear, index_t linears);
  void find_histogram_ranges(index_t first_linear, index_t linears);
  void scale_ranges(std::size_t scale);

  const lm::model& model_;
  const lm::packed_rows& rows_;
  const job_plan& plan_;
  thread_pool& pool_;
  lm::pass_limits limits_;
  common::communicator* ranks_;
  index_t copied_rows_;
  input_ranges ranges_;
  std::vector<std::int32_t> multiplicities_;
  bool takes_bins_ = false;          // percentile or entropy, per tensor
  bool takes_channel_bins_ = false;  // the same, per channel
  bool takes_means_ = false;         // awq_lite
  bool needs_second_pass_ = false;
  index_t awq_batches_ = 0;
  index_t awq_rows_ = 0;
  bool shared_experts_;
  index_t layer_ = 0;                         // of the last input
  std::map<index_t, index_t> expert_inputs_;  // of this layer that have histograms: first Linear, how many
  batch_collector collector_;
  std::unique_ptr<divided_statistics> divided_;  // where the ranks have parts of the rows
  index_t ended_layers_ = 0;
  std::vector<std::unique_ptr<input_statistics>> statistics_;  // [Linear], by the first Linear of an input
  std::vector<index_t> input_of_;                              // [Linear] first Linear of its input
  std::vector<std::vector<linear_calibration>> found_;         // [activation variant][Linear]; none: as ranges_ has it
  std::vector<std::vector<std::vector<float>>> scales_;        // [scale][Linear][in]
  calibration_costs costs_;
};

/// The calibration of jobs on its own: one forward pass, and a second calibration pass where a job needs it. Throws
/// what check_jobs throws, and errc::non_finite.
[[nodiscard]] calibration_table calibrate_jobs(const lm::model& model, const lm::packed_rows& rows,
                                               std::span<const job> jobs, thread_pool& pool,
                                               const lm::pass_limits& limits = {});

}  // namespace qgrain::engine

#endif
