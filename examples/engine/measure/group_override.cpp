#include <engine/calibrate/fake_linear.hpp>
#include <engine/measure/group_override.hpp>
#include <lm/chunk.hpp>
#include <lm/operations.hpp>

#include <span>
#include <utility>

namespace qgrain::engine {

group_override::group_override(const job_plan& plan, const linear_group& group, std::vector<std::size_t> jobs,
                               index_t rows, const variant_quantizer& quantizer, const input_calibration& inputs,
                               thread_pool& pool)
    : plan_(plan), group_(group), jobs_(std::move(jobs)), rows_(rows), quantizer_(quantizer), pool_(pool) {
  for (index_t row = 0; row < rows; ++row) batches_.push_back(inputs.batch_of(static_cast<std::int32_t>(row)));
  for (const std::size_t j : jobs_) {
    const std::size_t weight = plan_.jobs[j].weight;
    if (std::find(variants_.begin(), variants_.end(), weight) == variants_.end()) variants_.push_back(weight);
  }
}

void group_override::compute(const lm::linear_call& call) {
  quantize_weights(call);
  struct unit {
    std::size_t job;
    index_t begin;
    index_t end;
  };
  // A bundle, the rows of an expert and those of the head are one copy's.
  std::vector<unit> units;
  const std::vector<index_t> tasks = lm::task_bounds(call.x.rows(), call.bundles);
  for (std::size_t t = 0; t + 1 < tasks.size(); ++t) {
    const index_t copy = call.rows[static_cast<std::size_t>(tasks[t])] / rows_;
    units.push_back({jobs_[static_cast<std::size_t>(copy)], tasks[t], tasks[t + 1]});
  }
  pool_.run(static_cast<index_t>(units.size()), [&](index_t u) {
    const unit& task = units[static_cast<std::size_t>(u)];
    compute_task(call, task.job, task.begin, task.end);
  });
}

// Once for a Linear or a slab of the head, for the jobs of the copies that the call is of.
void group_override::quantize_weights(const lm::linear_call& call) {
  const lm::linear_product& first = call.outputs.front();
  const std::size_t variants = variants_.size();
  if (made_linear_ != first.linear || made_output_ != first.first_output) {
    made_linear_ = first.linear;
    made_output_ = first.first_output;
    index_t needed = 0;
    for (const lm::linear_product& p : call.outputs) needed += p.weight.size() * static_cast<index_t>(variants);
    if (memory_.size() < needed) memory_ = lm::buffer(needed);
    is_made_.assign(variants, false);
    quantized_.clear();
    float* memory = memory_.data();
    for (const lm::linear_product& p : call.outputs) {
      for (const std::size_t v : variants_) {
        const bool is_plain = !replaces(p.linear) || !plan_.weights[v];
        quantized_.push_back(is_plain ? p.weight
                                      : lm::as_const(lm::as_matrix(memory, p.weight.rows(), p.weight.cols())));
        memory += p.weight.size();
      }
    }
  }
  for (index_t copy = call.rows.front() / rows_; copy <= call.rows.back() / rows_; ++copy) {
    const std::size_t place = place_of(jobs_[static_cast<std::size_t>(copy)]);
    if (is_made_[place]) continue;
    is_made_[place] = true;
    for (std::size_t o = 0; o < call.outputs.size(); ++o) {
      const lm::linear_product& p = call.outputs[o];
      const std::size_t v = variants_[place];
      if (!replaces(p.linear) || !plan_.weights[v]) continue;
      float* const memory = memory_.data() + (quantized_[o * variants + place].data() - memory_.data());
      const lm::matrix out = lm::as_matrix(memory, p.weight.rows(), p.weight.cols());
      for_each_chunk(pool_, p.weight.rows(), band_rows(*plan_.weights[v]), [&](index_t begin, index_t end) {
        quantizer_.weight_band(v, p.linear, p.first_output + begin, lm::rows_of(p.weight, begin, end),
                               lm::rows_of(out, begin, end));
      });
    }
  }
}

std::size_t group_override::place_of(std::size_t job) const {
  const auto found = std::find(variants_.begin(), variants_.end(), plan_.jobs[job].weight);
  return static_cast<std::size_t>(found - variants_.begin());
}

void group_override::compute_task(const lm::linear_call& call, std::size_t job, index_t begin, index_t end) const {
  const job_plan::pair& pair = plan_.jobs[job];
  const std::size_t variant = place_of(job);
  const lm::const_matrix x = lm::rows_of(call.x, begin, end);
  lm::buffer memory(x.size());
  const lm::matrix quantized = memory.view(x.rows(), x.cols());
  std::vector<std::int32_t> batches;
  for (index_t i = begin; i < end; ++i)
    batches.push_back(batches_[static_cast<std::size_t>(call.rows[static_cast<std::size_t>(i)] % rows_)]);
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

}  // namespace qgrain::engine
