#include "engine.hpp"

#include "ranges.hpp"

#include <lm/operations.hpp>

#include <qgrain/core/status.hpp>
#include <qgrain/sensitivity/gradient_score.hpp>

#include <algorithm>
#include <chrono>
#include <set>
#include <string>

namespace qgrain::sweep {
namespace {

constexpr index_t task_rows = 128;
constexpr index_t weight_rows_per_task = 128;

class stopwatch {
 public:
  explicit stopwatch(double& total) : total_(total) {}
  stopwatch(const stopwatch&) = delete;
  stopwatch& operator=(const stopwatch&) = delete;
  ~stopwatch() { total_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count(); }

 private:
  double& total_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

matrix_view<const float> view_of(lm::const_matrix m) { return {m.data(), {m.rows(), m.cols()}, m.outerStride()}; }
matrix_view<float> view_of(lm::matrix m) { return {m.data(), {m.rows(), m.cols()}, m.outerStride()}; }

// What a recipe's granularity asks of the role that it is used in, or empty.
std::string role_fault(const grouping& groups, bool is_weight) {
  using enum granularity_kind;
  if (is_weight) {
    if (groups.kind == per_token || groups.source == range_source::calibrated) return "is for activations";
  } else {
    if (groups.kind == per_out_channel || groups.kind == per_tile) return "is for weights";
    if (groups.kind == per_in_channel && groups.source == range_source::own)
      return "is for weights; per_hidden_channel is meant?";
  }
  return {};
}

// Every recipe must suit every Linear; all faults in one sentence.
void check_shapes(const lm::model& model, const job_plan& plan) {
  std::set<std::string> faults;
  const auto check = [&](const std::optional<fake_recipe>& recipe, bool is_weight) {
    if (!recipe) return;
    if (const std::string fault = role_fault(recipe->groups, is_weight); !fault.empty()) {
      faults.insert("recipe \"" + recipe->name + "\" " + fault);
      return;
    }
    for (const lm::linear_info& l : model.linears()) {
      const status verdict = recipe->check({is_weight ? l.out : 1, l.in});
      if (!verdict) {
        faults.insert("recipe \"" + recipe->name + "\" asks for rows of at least " + std::to_string(verdict.wanted()) +
                      " elements, but those of " + l.name + " have " + std::to_string(verdict.found()));
      }
    }
  };
  for (const auto& recipe : plan.weights) check(recipe, true);
  for (const auto& recipe : plan.activations) check(recipe, false);
  if (faults.empty()) return;
  std::string sentence;
  for (const std::string& fault : faults) sentence += (sentence.empty() ? "" : "; ") + fault;
  throw error(errc::invalid_shape, sentence);
}

// How much of the matrix products is done. The forward pass has 2 N rows of them, the backward pass 4 N and 2 N per
// job.
class progress_meter {
 public:
  progress_meter(const lm::model& model, index_t rows, index_t scored_rows, std::size_t scored_jobs,
                 const std::function<void(double)>& report)
      : per_row_(4.0 + 2.0 * static_cast<double>(scored_jobs)), report_(report) {
    double weights = 0;
    for (const lm::linear_info& l : model.linears()) weights += static_cast<double>(l.elements());
    total_ = weights * (2.0 * static_cast<double>(rows) + per_row_ * static_cast<double>(scored_rows));
  }
  void forward(index_t rows, index_t weights) { add(2.0 * static_cast<double>(rows) * static_cast<double>(weights)); }
  void backward(index_t rows, index_t weights) {
    add(per_row_ * static_cast<double>(rows) * static_cast<double>(weights));
  }

 private:
  void add(double work) {
    done_ += work;
    if (report_) report_(std::min(done_ / total_, 1.0));
  }
  double per_row_;
  double total_ = 0;
  double done_ = 0;
  const std::function<void(double)>& report_;
};

// Collects ranges and reports progress.
class calibration final : public lm::forward_observer {
 public:
  calibration(const lm::model& model, input_ranges& ranges, progress_meter& meter)
      : model_(model), ranges_(ranges), meter_(meter) {}
  void observe(const lm::linear_input& input) override {
    ranges_.observe(input);
    index_t weights = 0;
    for (index_t l = 0; l < input.linears; ++l) {
      weights += model_.linears()[static_cast<std::size_t>(input.first_linear + l)].elements();
    }
    meter_.forward(input.x.rows(), weights);
  }

 private:
  const lm::model& model_;
  input_ranges& ranges_;
  progress_meter& meter_;
};

// Jobs of one activation variant, each with the weight variant it takes.
struct activation_jobs {
  std::size_t activation = 0;
  std::vector<std::size_t> jobs;
};

class scorer final : public lm::backward_visitor {
 public:
  scorer(const job_plan& plan, const std::vector<weight_range>& weights, const input_ranges& inputs, thread_pool& pool,
         const engine_options& options, progress_meter& meter, engine_result& result)
      : plan_(plan), weight_ranges_(weights), inputs_(inputs), pool_(pool), options_(options), meter_(meter), result_(result) {}

  void visit(const lm::linear_sample& sample) override {
    // Rows with a gradient at any of the outputs.
    std::vector<index_t> rows;
    for (index_t i = 0; i < sample.x.rows(); ++i) {
      const auto has_gradient = [&](const lm::linear_output& o) { return (o.gradient.row(i).array() != 0.0F).any(); };
      if (std::any_of(sample.outputs.begin(), sample.outputs.end(), has_gradient)) rows.push_back(i);
    }
    for (const lm::linear_output& output : sample.outputs) {
      if (!rows.empty()) score_linear(sample, output, rows);
      meter_.backward(sample.x.rows(), output.weight.size());
    }
  }

 private:
  // The weight variants that fit into memory at once, then their jobs; until all are done.
  void score_linear(const lm::linear_sample& sample, const lm::linear_output& output,
                    const std::vector<index_t>& rows) {
    const index_t elements = output.weight.size();
    const index_t bytes = elements * static_cast<index_t>(sizeof(float));
    const auto at_once = static_cast<std::size_t>(std::max<index_t>(options_.variant_bytes / bytes, 1));
    for (std::size_t first = 0; first < plan_.weights.size(); first += at_once) {
      const std::size_t end = std::min(first + at_once, plan_.weights.size());
      const std::vector<activation_jobs> groups = jobs_between(first, end);
      if (groups.empty()) continue;
      std::vector<lm::const_matrix> variants;
      quantize_weights(output, first, end, variants);
      score_rows(sample, output, rows, groups, first, variants);
    }
  }

  [[nodiscard]] std::vector<activation_jobs> jobs_between(std::size_t first, std::size_t end) const {
    std::vector<activation_jobs> groups(plan_.activations.size());
    for (std::size_t j = 0; j < plan_.jobs.size(); ++j) {
      const job_plan::pair& pair = plan_.jobs[j];
      groups[pair.activation].activation = pair.activation;
      if (plan_.is_scored(pair) && pair.weight >= first && pair.weight < end) groups[pair.activation].jobs.push_back(j);
    }
    std::erase_if(groups, [](const activation_jobs& g) { return g.jobs.empty(); });
    return groups;
  }

  // variants[i]: weight variant `first` + i; the unquantized one is the weight itself.
  void quantize_weights(const lm::linear_output& output, std::size_t first, std::size_t end,
                        std::vector<lm::const_matrix>& variants) {
    const stopwatch watch(result_.costs.weight_seconds);
    const index_t elements = output.weight.size();
    const index_t needed = static_cast<index_t>(end - first) * elements;
    if (variant_memory_.size() < needed) variant_memory_ = lm::buffer(needed);
    const weight_range& range = weight_ranges_[static_cast<std::size_t>(output.linear)];
    const index_t out = output.weight.rows();
    const index_t bands = ceil_div(out, weight_rows_per_task);
    for (std::size_t v = first; v < end; ++v) {
      float* memory = variant_memory_.data() + static_cast<index_t>(v - first) * elements;
      variants.push_back(plan_.weights[v] ? lm::as_matrix(static_cast<const float*>(memory), out, output.weight.cols())
                                          : output.weight);
    }
    pool_.run(bands * static_cast<index_t>(end - first), [&](index_t task) {
      const std::size_t v = first + static_cast<std::size_t>(task / bands);
      if (!plan_.weights[v]) return;
      const fake_recipe& recipe = *plan_.weights[v];
      // Bands of whole tiles.
      const index_t step = ceil_div(weight_rows_per_task, recipe.row_alignment()) * recipe.row_alignment();
      const index_t begin = task % bands * step;
      if (begin >= out) return;
      const index_t count = std::min(step, out - begin);
      float* memory = variant_memory_.data() + static_cast<index_t>(v - first) * elements;
      const lm::matrix variant = lm::as_matrix(memory, out, output.weight.cols());
      const std::span<const float> ranges = recipe.needs_column_range()   ? std::span<const float>(range.columns)
                                            : recipe.needs_tensor_range() ? std::span<const float>(&range.tensor, 1)
                                                                          : std::span<const float>();
      fake_quantize(recipe, view_of(lm::rows_of(output.weight, begin, begin + count)),
                    view_of(lm::rows_of(variant, begin, begin + count)), ranges, output.first_output + begin);
    });
  }

  // x [n, in] := the listed rows of the sample, quantized. Rows of one batch at a time where the range is the batch's.
  void quantize_inputs(const lm::linear_sample& sample, index_t linear, std::span<const index_t> rows,
                       const std::optional<fake_recipe>& recipe, lm::matrix x) const {
    for (index_t i = 0; i < x.rows(); ++i) x.row(i) = sample.x.row(rows[static_cast<std::size_t>(i)]);
    if (!recipe) return;
    const bool per_batch =
        recipe->groups.kind == granularity_kind::per_tensor && recipe->groups.source == range_source::own;
    if (!per_batch) {
      const float tensor = inputs_.tensor(linear);
      const std::span<const float> ranges = recipe->needs_column_range()
                                                ? std::span<const float>(inputs_.channels(linear))
                                            : recipe->needs_tensor_range() ? std::span<const float>(&tensor, 1)
                                                                           : std::span<const float>();
      return fake_quantize(*recipe, view_of(lm::as_const(x)), view_of(x), ranges);
    }
    const auto batch_of = [&](index_t i) {
      return inputs_.batch_of(sample.rows[static_cast<std::size_t>(rows[static_cast<std::size_t>(i)])]);
    };
    for (index_t begin = 0; begin < x.rows();) {
      index_t end = begin + 1;
      while (end < x.rows() && batch_of(end) == batch_of(begin)) ++end;
      const float range = inputs_.batch(linear, batch_of(begin));
      const lm::matrix part = lm::rows_of(x, begin, end);
      fake_quantize(*recipe, view_of(lm::as_const(part)), view_of(part), {&range, 1});
      begin = end;
    }
  }

  void score_rows(const lm::linear_sample& sample, const lm::linear_output& output, const std::vector<index_t>& rows,
                  const std::vector<activation_jobs>& groups, std::size_t first_variant,
                  const std::vector<lm::const_matrix>& variants) {
    const stopwatch watch(result_.costs.scoring_seconds);
    const auto count = static_cast<index_t>(rows.size());
    const index_t in = sample.x.cols();
    const index_t out = output.weight.rows();
    const index_t tasks = ceil_div(count, task_rows);
    std::vector<double> partial(static_cast<std::size_t>(tasks) * plan_.jobs.size(), 0.0);  // [task][job]
    pool_.run(tasks, [&](index_t task) {
      const index_t begin = task * task_rows;
      const index_t n = std::min(task_rows, count - begin);
      const auto part = std::span(rows).subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(n));
      lm::buffer scratch(n * (in + out));
      const lm::matrix x = lm::as_matrix(scratch.data(), n, in);
      const lm::matrix changed = lm::as_matrix(scratch.data() + n * in, n, out);
      for (const activation_jobs& group : groups) {
        quantize_inputs(sample, output.linear, part, plan_.activations[group.activation], x);
        for (const std::size_t j : group.jobs) {
          lm::linear(lm::as_const(x), variants[plan_.jobs[j].weight - first_variant], output.bias, changed);
          double sum = 0;
          for (index_t i = 0; i < n; ++i) {
            const index_t row = part[static_cast<std::size_t>(i)];
            sum += sensitivity::gradient_score(output.gradient.data() + row * output.gradient.outerStride(),
                                               changed.data() + i * out, output.y.data() + row * output.y.outerStride(),
                                               out);
          }
          partial[static_cast<std::size_t>(task) * plan_.jobs.size() + j] = sum;
        }
      }
    });
    for (index_t task = 0; task < tasks; ++task) {
      for (std::size_t j = 0; j < plan_.jobs.size(); ++j) {
        result_.scores[j][static_cast<std::size_t>(output.linear)] +=
            partial[static_cast<std::size_t>(task) * plan_.jobs.size() + j];
      }
    }
    std::size_t products = 0;
    for (const activation_jobs& group : groups) products += group.jobs.size();
    result_.costs.scoring_flops +=
        2.0 * static_cast<double>(products) * static_cast<double>(count * in) * static_cast<double>(out);
  }

  const job_plan& plan_;
  const std::vector<weight_range>& weight_ranges_;
  const input_ranges& inputs_;
  thread_pool& pool_;
  const engine_options& options_;
  progress_meter& meter_;
  engine_result& result_;
  lm::buffer variant_memory_;
};

}  // namespace

engine_result score_jobs(const lm::model& model, const lm::packed_rows& rows, std::span<const job> jobs,
                         thread_pool& pool, const engine_options& options) {
  const job_plan plan = plan_jobs(jobs);
  check_shapes(model, plan);
  engine_result result;
  result.scores.assign(plan.jobs.size(), std::vector<double>(model.linears().size(), 0.0));
  {
    const stopwatch total(result.costs.total_seconds);
    std::vector<weight_range> weights;
    {
      const stopwatch watch(result.costs.weight_range_seconds);
      weights = find_weight_ranges(model, pool);
    }
    result.model_fingerprint = model_fingerprint(model, weights);
    input_ranges inputs(model, rows, pool);
    index_t scored_rows = 0;
    for (const lm::sequence_rows& s : rows.sequences) {
      if (options.score_batches == 0 || s.batch < options.score_batches) scored_rows = s.end();
    }
    progress_meter meter(model, rows.rows(), scored_rows, plan.scored_jobs(), options.progress);
    calibration observer(model, inputs, meter);
    lm::layer_pass pass(model, rows, pool, options.limits, options.score_batches);
    pass.forward(lm::layer_pass::keep::all_states, &observer);
    inputs.require_finite();
    result.loss = pass.loss();
    scorer visitor(plan, weights, inputs, pool, options, meter, result);
    pass.backward(visitor);
    result.costs.pass = pass.costs();
    for (std::size_t l = 0; l < model.linears().size(); ++l)
      result.input_amax.push_back(inputs.channels(static_cast<index_t>(l)));
  }
  return result;
}

}  // namespace qgrain::sweep
