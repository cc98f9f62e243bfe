#include <engine/calibrate/fake_linear.hpp>
#include <engine/calibrate/input_calibration.hpp>
#include <engine/measure/verification.hpp>
#include <engine/mix/mix_override.hpp>
#include <lm/chunk.hpp>
#include <lm/operations.hpp>
#include <recipes/unquantized.hpp>

#include <qgrain/core/status.hpp>

#include <algorithm>
#include <cmath>

namespace qgrain::engine {
namespace {

/// Another model's head behind the states that it made. The comparison norms them by its own model's last norm: where
/// the other one's differs (an input scale of the head lies folded in it), the ratio is made up for.
class other_head final : public lm::linear_override {
 public:
  other_head(const lm::model& own, const lm::model& other, thread_pool& pool) : other_(other), pool_(pool) {
    std::vector<float> norm(static_cast<std::size_t>(own.config().hidden)), changed(norm.size());
    own.read_final_norm(norm);
    other.read_final_norm(changed);
    if (norm == changed) return;
    for (std::size_t i = 0; i < norm.size(); ++i) ratios_.push_back(norm[i] == 0 ? 1.0F : changed[i] / norm[i]);
  }

  [[nodiscard]] bool replaces(index_t linear) const override { return linear == other_.head_linear(); }
  void compute(const lm::linear_call& call) override {
    lm::buffer memory_of_x(call.x.size());
    lm::matrix x = memory_of_x.view(call.x.rows(), call.x.cols());
    for (index_t r = 0; r < x.rows(); ++r) {
      for (index_t c = 0; c < x.cols(); ++c)
        x(r, c) = ratios_.empty() ? call.x(r, c) : call.x(r, c) * ratios_[static_cast<std::size_t>(c)];
    }
    for (const lm::linear_product& product : call.outputs) {
      lm::buffer memory(product.weight.size());
      const lm::matrix weight = memory.view(product.weight.rows(), product.weight.cols());
      other_.read_head(product.first_output, weight, pool_);
      lm::for_each_task(pool_, x.rows(), call.bundles, [&](index_t begin, index_t end) {
        lm::linear(lm::as_const(lm::rows_of(x, begin, end)), lm::as_const(weight), product.bias,
                   lm::rows_of(product.y, begin, end));
      });
    }
  }

 private:
  const lm::model& other_;
  thread_pool& pool_;
  std::vector<float> ratios_;  // [hidden] or empty
};

void require_same_sizes(const lm::model& own, const lm::model& other) {
  const auto sizes = [](const lm::model& m) {
    const lm::model_config& c = m.config();
    return std::to_string(c.layers) + " blocks, hidden size " + std::to_string(c.hidden) + ", vocabulary " +
           std::to_string(c.vocabulary);
  };
  if (sizes(own) == sizes(other)) return;
  throw error(errc::invalid_shape,
              other.tensors().name() + " has " + sizes(other) + ", but " + own.tensors().name() + " has " + sizes(own));
}

}  // namespace

mix_verifier::mix_verifier(const lm::model& model, const lm::packed_rows& rows, thread_pool& pool,
                           const lm::pass_limits& limits, common::communicator* ranks)
    : context_{model, rows, pool, limits, ranks},
      base_(context_),
      comparison_(context_, base_state(), base_.scored_bounds()) {}

lm::const_matrix mix_verifier::base_state() {
  base_.forward(lm::layer_pass::keep::last_state);
  return base_.state(model().config().layers);
}

mix_report mix_verifier::verify(const recipe_mix& mix) {
  mix_override instead(model(), mix, context_.pool, context_.ranks);
  lm::layer_pass changed(context_, 0, &instead);
  changed.forward(lm::layer_pass::keep::last_state);
  return report_of(changed.state(model().config().layers),
                   instead.replaces(model().head_linear()) ? &instead : nullptr);
}

mix_report mix_verifier::verify(const lm::model& other) {
  require_same_sizes(model(), other);
  other_head head(model(), other, context_.pool);
  lm::layer_pass changed({other, context_.rows, context_.pool, context_.limits, context_.ranks});
  changed.forward(lm::layer_pass::keep::last_state);
  return report_of(changed.state(model().config().layers), &head);
}

mix_report mix_verifier::report_of(lm::const_matrix state, lm::linear_override* head) {
  const head_comparison::copy copy{state, head, 0};
  const std::vector<row_comparison> found = comparison_.compare({&copy, 1}, true);

  mix_report report;
  index_t same = 0;
  double increase = 0;
  for (const lm::sequence_rows& s : context_.rows.sequences) {
    for (index_t row = s.begin; row < s.end(); ++row) {
      const row_comparison& r = found[static_cast<std::size_t>(row)];
      increase += r.loss_increase;
      if (row < s.first_token()) continue;
      report.mean_divergence += r.divergence;
      same += r.same_first_choice ? 1 : 0;
      ++report.positions;
    }
  }
  report.targets = comparison_.targets();
  report.base_loss = comparison_.mean_loss();
  report.base_perplexity = std::exp(report.base_loss);
  report.loss = report.base_loss + increase / static_cast<double>(report.targets);
  report.perplexity = std::exp(report.loss);
  report.mean_divergence /= static_cast<double>(report.positions);
  report.top1_agreement = static_cast<double>(same) / static_cast<double>(report.positions);
  return report;
}

mix_report verify_mix(const lm::model& model, const lm::packed_rows& rows, const recipe_mix& mix, thread_pool& pool,
                      const lm::pass_limits& limits) {
  return mix_verifier(model, rows, pool, limits).verify(mix);
}

recipe_mix calibrated_mix(const lm::model& model, const std::vector<std::vector<float>>& input_amax, recipe_mix mix) {
  const std::vector<std::string> missing = missing_ranges(mix, model);
  for (std::size_t l = 0; l < mix.linears.size(); ++l) {
    if (std::find(missing.begin(), missing.end(), model.linears()[l].name) == missing.end()) continue;
    const std::span<const float> scale = mix.scale_of(l);
    if (scale.empty() && mix.linears[l].calibration != calibration_method::max) continue;
    mix.input_amax[l] = scale.empty() ? input_amax[l] : scaled_columns(input_amax[l], scale);
  }
  return mix;
}

recipe_mix calibrated_mix(const lm::model& model, const lm::packed_rows& rows, recipe_mix mix, thread_pool& pool,
                          const lm::pass_limits& limits) {
  const std::vector<std::string> missing = missing_ranges(mix, model);
  if (missing.empty()) return mix;
  std::vector<job> jobs;
  std::vector<std::size_t> job_of(mix.linears.size());
  std::vector<bool> is_missing(mix.linears.size());
  for (std::size_t l = 0; l < mix.linears.size(); ++l) {
    is_missing[l] = std::find(missing.begin(), missing.end(), model.linears()[l].name) != missing.end();
    if (!is_missing[l] || !mix.scale_of(l).empty()) continue;
    const linear_recipes& r = mix.linears[l];
    const job wanted{r.weight ? r.weight->name : std::string(recipes::unquantized),
                     r.activation ? r.activation->name : std::string(recipes::unquantized),
                     std::string(name_of(r.calibration))};
    job_of[l] = static_cast<std::size_t>(std::find(jobs.begin(), jobs.end(), wanted) - jobs.begin());
    if (job_of[l] == jobs.size()) jobs.push_back(wanted);
  }
  // Largest magnitudes of channels, for ranges behind scales that are given.
  const job channels{std::string(recipes::unquantized), "int8/per_hidden_channel"};
  const auto channels_job = static_cast<std::size_t>(std::find(jobs.begin(), jobs.end(), channels) - jobs.begin());
  if (channels_job == jobs.size()) jobs.push_back(channels);
  mix.input_scale.resize(mix.linears.size());
  const calibration_table found = calibrate_jobs(model, rows, jobs, pool, limits);
  for (std::size_t l = 0; l < mix.linears.size(); ++l) {
    if (!is_missing[l]) continue;
    if (mix.scale_of(l).empty()) {
      mix.input_amax[l] = found.at(job_of[l], l).amax;
      mix.input_scale[l] = found.at(job_of[l], l).input_scale;
    } else {
      mix.input_amax[l] = scaled_columns(found.at(channels_job, l).amax, mix.scale_of(l));
    }
  }
  return mix;
}

}  // namespace qgrain::engine
