#include "engine.hpp"

#include "progress.hpp"
#include "ranges.hpp"
#include "scorer.hpp"

#include <lm/stopwatch.hpp>

#include <qgrain/core/status.hpp>

#include <algorithm>
#include <set>
#include <string>

namespace qgrain::sweep {
namespace {

// Every recipe must suit every Linear; all faults in one sentence.
void check_shapes(const lm::model& model, const job_plan& plan) {
  std::set<std::string> faults;
  const auto check = [&](const std::optional<fake_recipe>& recipe, recipe_role role) {
    if (!recipe) return;
    if (const std::string fault = role_fault(recipe->groups, role); !fault.empty()) {
      faults.insert("recipe \"" + recipe->name + "\" " + fault);
      return;
    }
    for (const lm::linear_info& l : model.linears()) {
      const status verdict = recipe->check({role == recipe_role::weight ? l.out : 1, l.in});
      if (!verdict) {
        faults.insert("recipe \"" + recipe->name + "\" asks for rows of at least " + std::to_string(verdict.wanted()) +
                      " elements, but those of " + l.name + " have " + std::to_string(verdict.found()));
      }
    }
  };
  for (const auto& recipe : plan.weights) check(recipe, recipe_role::weight);
  for (const auto& recipe : plan.activations) check(recipe, recipe_role::activation);
  if (faults.empty()) return;
  std::string sentence;
  for (const std::string& fault : faults) sentence += (sentence.empty() ? "" : "; ") + fault;
  throw error(errc::invalid_shape, sentence);
}

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

}  // namespace

void check_jobs(const lm::model& model, std::span<const job> jobs) { check_shapes(model, plan_jobs(jobs)); }

engine_result score_jobs(const lm::model& model, const lm::packed_rows& rows, std::span<const job> jobs,
                         thread_pool& pool, const engine_options& options) {
  const job_plan plan = plan_jobs(jobs);
  check_shapes(model, plan);
  engine_result result;
  result.scores.assign(plan.jobs.size(), std::vector<double>(model.linears().size(), 0.0));
  {
    const lm::stopwatch total(result.costs.total_seconds);
    std::vector<weight_range> weights;
    {
      const lm::stopwatch watch(result.costs.weight_range_seconds);
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
    result.loss = pass.loss(options.labels);
    scorer visitor(plan, weights, inputs, pool, options.variant_bytes, meter, result);
    pass.backward(visitor);
    result.costs.pass = pass.costs();
    for (std::size_t l = 0; l < model.linears().size(); ++l)
      result.input_amax.push_back(inputs.channels(static_cast<index_t>(l)));
  }
  return result;
}

}  // namespace qgrain::sweep
