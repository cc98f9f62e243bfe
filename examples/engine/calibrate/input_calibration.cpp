#include <common/stopwatch.hpp>
#include <engine/calibrate/batch_collector.hpp>
#include <engine/calibrate/input_calibration.hpp>
#include <engine/calibrate/input_statistics.hpp>
#include <engine/calibrate/observed_rows.hpp>
#include <engine/calibrate/second_calibration_pass.hpp>
#include <engine/score/engine.hpp>
#include <lm/pass.hpp>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

namespace qgrain::engine {

input_calibration::input_calibration(const lm::pass_context& context, const job_plan& plan, bool shared_experts,
                                     index_t copied_rows)
    : model_(context.model),
      rows_(context.rows),
      plan_(plan),
      pool_(context.pool),
      limits_(context.limits),
      ranks_(context.ranks),
      copied_rows_(copied_rows),
      ranges_(context),
      multiplicities_(rows_.multiplicities()),
      shared_experts_(shared_experts),
      collector_(rows_),
      statistics_(model_.linears().size()),
      input_of_(model_.linears().size()),
      found_(plan.activations.size()),
      scales_(plan.scales.size(), std::vector<std::vector<float>>(model_.linears().size())) {
  std::iota(input_of_.begin(), input_of_.end(), index_t{0});
  for (std::size_t a = 0; a < plan.ranges.size(); ++a) {
    if (is_of_histogram(plan.ranges[a]))
      (plan.activations[a]->needs_column_range() ? takes_channel_bins_ : takes_bins_) = true;
    needs_second_pass_ = needs_second_pass_ || plan.ranges[a] == calibration_method::mse;
  }
  for (const job_plan::input_scale& s : plan.scales)
    takes_means_ = takes_means_ || s.method == calibration_method::awq_lite;
  needs_second_pass_ = needs_second_pass_ || takes_means_;
  for (std::size_t a = 0; a < found_.size(); ++a) {
    if (plan.ranges[a] != calibration_method::max || plan.activation_scales[a] != job_plan::unscaled)
      found_[a].resize(model_.linears().size());
  }
  if (takes_means_) awq_batches_ = std::max<index_t>(1, rows_.batches() / 4);
  for (const lm::sequence_rows& s : rows_.sequences) {
    if (s.batch < awq_batches_) awq_rows_ = s.end();
  }
  if (!common::is_divided(ranks_)) return;
  input_of_ = first_linears_of_inputs(model_);
  if ((takes_bins_ || takes_means_) && !needs_all_rows()) {
    const divided_statistics::settings what{takes_bins_, awq_batches_};
    divided_ = std::make_unique<divided_statistics>(*ranks_, rows_, multiplicities_, pool_, what);
  }
}

input_calibration::~input_calibration() = default;

input_statistics& input_calibration::statistics_of(index_t linear) const {
  return *statistics_[static_cast<std::size_t>(input_of_[static_cast<std::size_t>(linear)])];
}

void input_calibration::observe(const lm::linear_input& input) {
  const index_t layer = model_.linears()[static_cast<std::size_t>(input.first_linear)].layer;
  if (layer != layer_) finish_experts();
  layer_ = layer;
  ranges_.observe(input);
  std::fill_n(input_of_.begin() + input.first_linear, input.linears, input.first_linear);
  if (!takes_bins_ && !takes_channel_bins_ && !takes_means_) return;
  std::unique_ptr<input_statistics>& of = statistics_[static_cast<std::size_t>(input.first_linear)];
  if (!of) of = std::make_unique<input_statistics>(input.x.cols(), takes_channel_bins_, ranks_);
  if (const index_t searched = rows_in_front(input, awq_rows_); searched > 0)
    of->widen(lm::rows_of(input.x, 0, searched), pool_);
  if (divided_) {
    if (input.first_row >= copied_rows_) divided_->hold(input);
    return;
  }
  collector_.observe(input, observed_rows(input, ranges_.batches_of_rows()).all(),
                     [this](index_t batch, const lm::linear_input& whole) { observe_batch(batch, whole); });
  if (!input.rows.empty()) {
    expert_inputs_[input.first_linear] = input.linears;
  } else if (input.first_row + input.x.rows() == rows_.rows()) {
    find_finite_ranges(input.first_linear, input.linears);
  }
}

void input_calibration::layer_end() {
  if (!divided_) return;
  std::vector<divided_statistics::block_input> inputs;
  const auto linears = static_cast<index_t>(model_.linears().size());
  for (index_t l = 0; l < linears; ++l) {
    const lm::linear_info& info = model_.linears()[static_cast<std::size_t>(l)];
    if (info.layer != ended_layers_ || input_of_[static_cast<std::size_t>(l)] != l) continue;
    std::unique_ptr<input_statistics>& of = statistics_[static_cast<std::size_t>(l)];
    if (!of) of = std::make_unique<input_statistics>(info.in, false);
    inputs.push_back({l, of.get(), ranges_.batches(l)});
  }
  divided_->settle(inputs);
  ++ended_layers_;
  for (const divided_statistics::block_input& input : inputs) {
    const index_t shared = std::count(input_of_.begin(), input_of_.end(), input.first_linear);
    if (std::isfinite(largest(input.tops))) find_histogram_ranges(input.first_linear, shared);
  }
}

// Once all rows of a layer were there.
void input_calibration::finish_experts() {
  collector_.flush([this](index_t batch, const lm::linear_input& whole) { observe_batch(batch, whole); });
  for (const auto& [first_linear, linears] : expert_inputs_) find_finite_ranges(first_linear, linears);
  expert_inputs_.clear();
}

void input_calibration::observe_batch(index_t batch, const lm::linear_input& whole) {
  input_statistics& of = statistics_of(whole.first_linear);
  const observed_rows times(whole, multiplicities_);
  if (takes_means_ && batch < awq_batches_) of.observe_means(whole.x, times.all(), pool_);
  const float top = ranges_.batches(whole.first_linear)[static_cast<std::size_t>(batch)];
  if (!std::isfinite(top)) return;  // reported behind the pass
  if (takes_channel_bins_) of.observe_channel_bins(whole.x, times.all(), pool_);
  if (takes_bins_) of.observe_bins(whole.x, times.all(), top, pool_);
}

void input_calibration::find_finite_ranges(index_t first_linear, index_t linears) {
  if (std::isfinite(ranges_.tensor(first_linear))) find_histogram_ranges(first_linear, linears);  // else reported later
}

// Once all rows of an input were there: its histograms are not needed any more.
void input_calibration::find_histogram_ranges(index_t first_linear, index_t linears) {
  input_statistics& of = statistics_of(first_linear);
  for (std::size_t a = 0; a < found_.size(); ++a) {
    if (!is_of_histogram(plan_.ranges[a])) continue;
    const std::vector<float> amax = of.histogram_amax(*plan_.activations[a], plan_.ranges[a], pool_);
    for (index_t l = 0; l < linears; ++l) found_[a][static_cast<std::size_t>(first_linear + l)].amax = amax;
  }
  of.drop_bins();
}

// What was found of the experts that were seen, for those that were not, or for all.
void input_calibration::complete_experts() {
  for (std::vector<linear_calibration>& found : found_) {
    if (found.empty()) continue;
    for_each_expert_input(model_, [&](std::span<const index_t> linears) {
      std::vector<float> most;
      for (const index_t l : linears) widen_by(found[static_cast<std::size_t>(l)].amax, most);
      for (const index_t l : linears) {
        if (shared_experts_ || !ranges_.has_seen(l)) found[static_cast<std::size_t>(l)].amax = most;
      }
    });
  }
}

std::vector<std::string> input_calibration::unseen_experts() const {
  std::vector<std::string> names;
  const lm::model_config& config = model_.config();
  for (index_t layer = 0; layer < config.layers; ++layer) {
    for (index_t e = 0; e < config.experts && config.is_sparse(layer); ++e) {
      const index_t linear = model_.linear_of(layer, e, lm::expert_part::gate);
      const std::string& name = model_.linears()[static_cast<std::size_t>(linear)].name;
      if (!ranges_.has_seen(linear)) names.push_back(name.substr(0, name.rfind('.')));
    }
  }
  return names;
}

// The ranges of the activation variants behind an input scale.
void input_calibration::scale_ranges(std::size_t scale) {
  const bool is_awq = plan_.scales[scale].method == calibration_method::awq_lite;
  for (std::size_t a = 0; a < found_.size(); ++a) {
    const auto& recipe = plan_.activations[a];
    if (plan_.activation_scales[a] != scale || !recipe || input_range_of(*recipe) != input_range::calibrated) continue;
    for (std::size_t l = 0; l < found_[a].size(); ++l) {
      const auto linear = static_cast<index_t>(l);
      // awq_lite has no scale for an expert without a row among its batches.
      const std::vector<float>& scales = scales_[scale][l];
      std::vector<float> scaled = channels(linear);
      if (!scales.empty()) scaled = scaled_columns(is_awq ? statistics_of(linear).channels() : scaled, scales);
      found_[a][l].amax = recipe->needs_column_range() ? std::move(scaled) : std::vector<float>{largest(scaled)};
    }
  }
}

// Errors of channels are too many to be sent for every bundle of rows, and experts have none.
bool input_calibration::divides_second_pass() const {
  if (!common::is_divided(ranks_) || model_.config().experts > 0) return false;
  for (std::size_t a = 0; a < plan_.ranges.size(); ++a) {
    if (plan_.ranges[a] == calibration_method::mse && plan_.activations[a]->needs_column_range()) return false;
  }
  return true;
}

index_t input_calibration::second_pass_rows() const {
  if (!needs_second_pass_) return 0;
  const auto awq =
      static_cast<index_t>(std::count_if(plan_.scales.begin(), plan_.scales.end(), [](const job_plan::input_scale& s) {
        return s.method == calibration_method::awq_lite;
      }));
  const bool has_mse =
      std::find(plan_.ranges.begin(), plan_.ranges.end(), calibration_method::mse) != plan_.ranges.end();
  const index_t rows =
      (has_mse ? rows_.rows() : awq_rows_) + awq * awq_rows_ * static_cast<index_t>(calibration::awq_alphas().size());
  return divides_second_pass() ? ceil_div(rows, ranks_->size()) : rows;
}

void input_calibration::finish(const std::vector<weight_range>& weights, const second_pass_observer& observed) {
  if (common::is_divided(ranks_)) ranges_.widen(*ranks_);
  finish_experts();
  ranges_.require_finite();
  ranges_.complete_experts(shared_experts_);
  const common::stopwatch watch(costs_.seconds);
  for (std::size_t k = 0; k < scales_.size(); ++k) {
    if (plan_.scales[k].method != calibration_method::smoothquant) continue;
    for (std::size_t l = 0; l < scales_[k].size(); ++l)
      scales_[k][l] = calibration::smoothquant_scale(weights[l].columns, channels(static_cast<index_t>(l)));
  }
  if (needs_second_pass_) second_pass(*this, weights, observed).run();
  for (std::size_t k = 0; k < scales_.size(); ++k) scale_ranges(k);
  complete_experts();
}

known_ranges input_calibration::ranges(std::size_t activation, index_t linear) const {
  if (found_[activation].empty()) return {ranges_.channels(linear), ranges_.tensor(linear), ranges_.batches(linear)};
  const std::vector<float>& amax = found_[activation][static_cast<std::size_t>(linear)].amax;
  return {amax, amax.empty() ? 0.0F : amax.front(), {}};
}

std::span<const float> input_calibration::scale(std::size_t scale, index_t linear) const {
  if (scale == job_plan::unscaled) return {};
  return scales_[scale][static_cast<std::size_t>(linear)];
}

calibration_table input_calibration::table() const {
  calibration_table all;
  for (const job_plan::pair& p : plan_.jobs) all.entry_of_job.push_back(p.activation);
  for (std::size_t a = 0; a < plan_.activations.size(); ++a) {
    const auto& recipe = plan_.activations[a];
    std::vector<linear_calibration>& entry = all.entries.emplace_back(model_.linears().size());
    for (std::size_t l = 0; l < entry.size(); ++l) {
      const auto linear = static_cast<index_t>(l);
      const std::span<const float> factors = scale(plan_.activation_scales[a], linear);
      entry[l].input_scale.assign(factors.begin(), factors.end());
      if (!recipe || input_range_of(*recipe) != input_range::calibrated) continue;
      const known_ranges known = ranges(a, linear);
      if (recipe->needs_column_range()) {
        entry[l].amax.assign(known.columns.begin(), known.columns.end());
      } else {
        entry[l].amax = {known.tensor};
      }
    }
  }
  return all;
}

calibration_table calibrate_jobs(const lm::model& model, const lm::packed_rows& rows, std::span<const job> jobs,
                                 thread_pool& pool, const lm::pass_limits& limits) {
  check_jobs(model, jobs);
  const job_plan plan = plan_jobs(jobs);
  const bool is_scaled = !plan.scales.empty();
  const lm::pass_context context{model, rows, pool, limits};
  input_calibration found(context, plan);
  lm::layer_pass pass(context);
  pass.forward(lm::layer_pass::keep::last_state, &found);
  found.finish(is_scaled ? find_weight_ranges(model, pool) : std::vector<weight_range>());
  return found.table();
}

}  // namespace qgrain::engine
