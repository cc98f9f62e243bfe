#include "output_scores.hpp"

#include "engine.hpp"
#include "fake_linear.hpp"
#include "head_comparison.hpp"
#include "input_calibration.hpp"
#include "ranges.hpp"
#include "variants.hpp"

#include <lm/copies_pass.hpp>
#include <lm/linear_override.hpp>
#include <lm/operations.hpp>
#include <lm/pass.hpp>
#include <lm/stopwatch.hpp>

#include <qgrain/core/status.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

namespace qgrain::sweep {
namespace {

// Which input of the model a Linear reads: four a block, then the head's.
index_t input_of(const lm::model& model, std::size_t linear) {
  const auto l = static_cast<index_t>(linear);
  if (l == model.head_linear()) return 4 * model.config().layers;
  constexpr std::array<index_t, lm::linears_per_block> inputs{0, 0, 0, 1, 2, 2, 3};
  return l / lm::linears_per_block * 4 + inputs[static_cast<std::size_t>(l % lm::linears_per_block)];
}

void check_groups(const lm::model& model, std::span<const linear_group> groups) {
  for (const linear_group& group : groups) {
    const auto is_stray = [&](std::size_t l) { return l >= model.linears().size(); };
    if (group.empty() || std::any_of(group.begin(), group.end(), is_stray))
      throw error(errc::invalid_argument, "a group of Linears is empty or names one that the model does not have");
    for (const std::size_t l : group) {
      if (input_of(model, l) == input_of(model, group.front())) continue;
      throw error(errc::invalid_argument, model.linears()[group.front()].name + " and " + model.linears()[l].name +
                                              " are of one group but have different inputs");
    }
  }
}

// Quantizes one group of Linears, in each copy of the rows by another job.
class group_override final : public lm::linear_override {
 public:
  group_override(const job_plan& plan, const linear_group& group, std::vector<std::size_t> jobs, index_t rows,
                 const std::vector<weight_range>& weights, const input_calibration& inputs, thread_pool& pool)
      : plan_(plan),
        group_(group),
        jobs_(std::move(jobs)),
        rows_(rows),
        quantizer_(plan, weights, inputs),
        pool_(pool) {
    for (index_t row = 0; row < rows; ++row) batches_.push_back(inputs.batch_of(static_cast<std::int32_t>(row)));
    for (const std::size_t j : jobs_) {
      const std::size_t weight = plan_.jobs[j].weight;
      if (std::find(variants_.begin(), variants_.end(), weight) == variants_.end()) variants_.push_back(weight);
    }
  }

  [[nodiscard]] bool replaces(index_t linear) const override {
    return std::find(group_.begin(), group_.end(), static_cast<std::size_t>(linear)) != group_.end();
  }

  void compute(const lm::linear_call& call) override {
    quantize_weights(call);
    struct unit {
      std::size_t job;
      index_t begin;
      index_t end;
    };
    // Tasks within a copy, whose rows lie one after another.
    std::vector<unit> units;
    const index_t n = call.x.rows();
    for (index_t begin = 0; begin < n;) {
      const index_t copy = call.rows[static_cast<std::size_t>(begin)] / rows_;
      const index_t end = std::min(n, begin + (copy + 1) * rows_ - call.rows[static_cast<std::size_t>(begin)]);
      for (index_t b = begin; b < end; b += task_rows)
        units.push_back({jobs_[static_cast<std::size_t>(copy)], b, std::min(b + task_rows, end)});
      begin = end;
    }
    pool_.run(static_cast<index_t>(units.size()), [&](index_t u) {
      const unit& task = units[static_cast<std::size_t>(u)];
      compute_task(call, task.job, task.begin, task.end);
    });
  }

 private:
  // Once for a Linear or a slab of the head.
  void quantize_weights(const lm::linear_call& call) {
    const lm::linear_product& first = call.outputs.front();
    if (made_linear_ == first.linear && made_output_ == first.first_output) return;
    made_linear_ = first.linear;
    made_output_ = first.first_output;
    index_t needed = 0;
    for (const lm::linear_product& p : call.outputs) needed += p.weight.size() * static_cast<index_t>(variants_.size());
    if (memory_.size() < needed) memory_ = lm::buffer(needed);
    float* memory = memory_.data();
    quantized_.clear();
    for (const lm::linear_product& p : call.outputs) {
      for (const std::size_t v : variants_) {
        const bool is_plain = !replaces(p.linear) || !plan_.weights[v];
        if (is_plain) {
          quantized_.push_back(p.weight);
          continue;
        }
        const lm::matrix out = lm::as_matrix(memory, p.weight.rows(), p.weight.cols());
        for_each_chunk(pool_, p.weight.rows(), band_rows(*plan_.weights[v]), [&](index_t begin, index_t end) {
          quantizer_.weight_band(v, p.linear, p.first_output + begin, lm::rows_of(p.weight, begin, end),
                                 lm::rows_of(out, begin, end));
        });
        quantized_.push_back(lm::as_const(out));
        memory += p.weight.size();
      }
    }
  }

  void compute_task(const lm::linear_call& call, std::size_t job, index_t begin, index_t end) const {
    const job_plan::pair& pair = plan_.jobs[job];
    const auto variant =
        static_cast<std::size_t>(std::find(variants_.begin(), variants_.end(), pair.weight) - variants_.begin());
    const lm::const_matrix x = lm::rows_of(call.x, begin, end);
    lm::buffer memory(x.size());
    const lm::matrix quantized = memory.view(x.rows(), x.cols());
    const index_t row = call.rows[static_cast<std::size_t>(begin)] % rows_;
    const auto batches =
        std::span(batches_).subspan(static_cast<std::size_t>(row), static_cast<std::size_t>(end - begin));
    const bool is_kept = quantizer_.keeps(pair.activation);
    const lm::const_matrix changed = is_kept ? x : lm::as_const(quantized);
    for (std::size_t o = 0; o < call.outputs.size(); ++o) {
      const lm::linear_product& p = call.outputs[o];
      if (!is_kept && (o == 0 || (quantizer_.is_scaled(pair.activation) && replaces(p.linear))))
        quantizer_.input(pair.activation, p.linear, batches, x, quantized);
      lm::linear(replaces(p.linear) ? changed : x, quantized_[o * variants_.size() + variant], p.bias,
                 lm::rows_of(p.y, begin, end));
    }
  }

  const job_plan& plan_;
  const linear_group& group_;
  std::vector<std::size_t> jobs_;  // of each copy
  index_t rows_;                   // of a copy
  variant_quantizer quantizer_;
  thread_pool& pool_;
  std::vector<std::int32_t> batches_;        // [rows of a copy]
  std::vector<std::size_t> variants_;        // weight variants of these jobs
  std::vector<lm::const_matrix> quantized_;  // [output][variant]
  lm::buffer memory_;
  index_t made_linear_ = -1;
  index_t made_output_ = -1;
};

// Jobs in an order that keeps those of a weight variant together, in portions that fit into memory.
std::vector<std::vector<std::size_t>> portions(const job_plan& plan, std::size_t most_jobs, std::size_t most_variants) {
  std::vector<std::size_t> order;
  for (std::size_t j = 0; j < plan.jobs.size(); ++j) {
    if (plan.is_scored(plan.jobs[j])) order.push_back(j);
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return plan.jobs[a].weight < plan.jobs[b].weight; });
  std::vector<std::vector<std::size_t>> parts;
  std::size_t variants = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const bool is_new = i == 0 || plan.jobs[order[i]].weight != plan.jobs[order[i - 1]].weight;
    if (parts.empty() || parts.back().size() == most_jobs || (is_new && variants == most_variants)) {
      parts.emplace_back();
      variants = 0;
    }
    if (is_new || parts.back().empty()) ++variants;
    parts.back().push_back(order[i]);
  }
  return parts;
}

// Shares of the products for the progress: rows and jobs cancel out.
double group_work(const lm::model& model, const linear_group& group) {
  const index_t layers = model.config().layers;
  const auto layer = std::min(static_cast<index_t>(group.front()) / lm::linears_per_block, layers);
  double block = 0;
  for (index_t l = 0; l < lm::linears_per_block && layers > 0; ++l)
    block += static_cast<double>(model.linears()[static_cast<std::size_t>(l)].elements());
  return block * static_cast<double>(layers - layer) + static_cast<double>(model.linears().back().elements());
}

std::size_t fitting(index_t bytes, index_t floats) {
  return static_cast<std::size_t>(std::max<index_t>(bytes / (floats * static_cast<index_t>(sizeof(float))), 1));
}

// Everything that the groups share.
class output_scorer {
 public:
  output_scorer(const lm::model& model, const lm::packed_rows& rows, const job_plan& plan, thread_pool& pool,
                const output_options& options, output_result& result)
      : model_(model),
        plan_(plan),
        pool_(pool),
        options_(options),
        result_(result),
        weights_(find_weight_ranges(model, pool)),
        inputs_(model, rows, plan, pool),
        pass_(model, rows, pool, options.limits, options.score_batches),
        multiplicities_(rows.multiplicities()),
        rows_(forward()),
        comparison_(model, rows, last_state(), pool, options.limits),
        base_flops_(comparison_.linear_flops()),
        most_jobs_(std::min(fitting(options.state_bytes, rows_ * model.config().hidden),
                            std::max<std::size_t>(plan.scored_jobs(), 1))),
        rest_(model, rows, pool, options.limits, options.score_batches, static_cast<index_t>(most_jobs_)),
        states_(static_cast<index_t>(most_jobs_) * rows_ * model.config().hidden) {
    result_.model_fingerprint = model_fingerprint(model, weights_);
    for (std::size_t l = 0; l < model.linears().size(); ++l)
      result_.input_amax.push_back(inputs_.channels(static_cast<index_t>(l)));
    result_.mean_loss = comparison_.mean_loss();
  }

  void run(std::span<const linear_group> groups) {
    result_.kl_div.assign(plan_.jobs.size(), std::vector<double>(groups.size(), 0.0));
    result_.loss_increase = result_.kl_div;
    double work = 0;
    double done = 0;
    for (const linear_group& group : groups) work += group_work(model_, group);
    for (std::size_t g = 0; g < groups.size(); ++g) {
      for (const std::vector<std::size_t>& part : portions(plan_, most_jobs_, most_variants(groups[g]))) {
        add(part, g, run_portion(part, groups[g]));
        done +=
            group_work(model_, groups[g]) * static_cast<double>(part.size()) / static_cast<double>(plan_.scored_jobs());
        if (options_.progress) options_.progress(std::min(done / work, 1.0));
      }
    }
    result_.linear_flops = rest_.linear_flops() + comparison_.linear_flops() - base_flops_;
  }

 private:
  // How many rows are scored.
  index_t forward() {
    pass_.forward(lm::layer_pass::keep::all_states, &inputs_);
    inputs_.finish(weights_, options_.limits);
    result_.calibrations = inputs_.table();
    return pass_.state(0).rows();
  }
  [[nodiscard]] lm::const_matrix last_state() const {
    return lm::rows_of(pass_.state(model_.config().layers), 0, rows_);
  }

  [[nodiscard]] std::size_t most_variants(const linear_group& group) const {
    index_t elements = 0;
    for (const std::size_t l : group) elements += model_.linears()[l].elements();
    if (static_cast<index_t>(group.front()) == model_.head_linear())
      elements = std::min(elements, options_.limits.slab_bytes / static_cast<index_t>(sizeof(float)));
    return fitting(options_.variant_bytes, std::max<index_t>(elements, 1));
  }

  std::vector<row_comparison> run_portion(const std::vector<std::size_t>& jobs, const linear_group& group) {
    const auto copies = static_cast<index_t>(jobs.size());
    group_override instead(plan_, group, jobs, rows_, weights_, inputs_, pool_);
    std::vector<head_comparison::copy> changed;
    if (static_cast<index_t>(group.front()) == model_.head_linear()) {
      for (index_t c = 0; c < copies; ++c) changed.push_back({last_state(), &instead, c * rows_});
      return comparison_.compare(changed);
    }
    const index_t layer = static_cast<index_t>(group.front()) / lm::linears_per_block;
    const lm::matrix states = states_.view(copies * rows_, model_.config().hidden);
    const auto state_of = [&](index_t c) { return lm::rows_of(states, c * rows_, (c + 1) * rows_); };
    pool_.run(copies, [&](index_t c) {
      lm::matrix state = state_of(c);
      state = pass_.state(layer);
    });
    rest_.forward(layer, copies, states, instead);
    for (index_t c = 0; c < copies; ++c) changed.push_back({lm::as_const(state_of(c)), nullptr, c * rows_});
    return comparison_.compare(changed);
  }

  void add(const std::vector<std::size_t>& jobs, std::size_t group, const std::vector<row_comparison>& found) {
    const auto rows = static_cast<std::size_t>(rows_);
    for (std::size_t c = 0; c < jobs.size(); ++c) {
      double& kl = result_.kl_div[jobs[c]][group];
      double& loss = result_.loss_increase[jobs[c]][group];
      for (std::size_t r = 0; r < rows; ++r) {
        kl += static_cast<double>(multiplicities_[r]) * found[c * rows + r].divergence;
        loss += found[c * rows + r].loss_increase;
      }
      loss /= static_cast<double>(comparison_.targets());
    }
  }

  const lm::model& model_;
  const job_plan& plan_;
  thread_pool& pool_;
  const output_options& options_;
  output_result& result_;
  std::vector<weight_range> weights_;
  input_calibration inputs_;
  lm::layer_pass pass_;
  std::vector<std::int32_t> multiplicities_;
  index_t rows_;  // that are scored
  head_comparison comparison_;
  double base_flops_;
  std::size_t most_jobs_;  // at once
  lm::copies_pass rest_;
  lm::buffer states_;  // [jobs at once * rows, hidden]
};

}  // namespace

output_result score_outputs(const lm::model& model, const lm::packed_rows& rows, std::span<const job> jobs,
                            std::span<const linear_group> groups, thread_pool& pool, const output_options& options) {
  check_jobs(model, jobs);
  check_groups(model, groups);
  const job_plan plan = plan_jobs(jobs);
  output_result result;
  double seconds = 0;
  {
    const lm::stopwatch watch(seconds);
    output_scorer(model, rows, plan, pool, options, result).run(groups);
  }
  result.total_seconds = seconds;
  return result;
}

}  // namespace qgrain::sweep
