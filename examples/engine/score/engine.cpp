#include <common/stopwatch.hpp>
#include <engine/calibrate/input_calibration.hpp>
#include <engine/calibrate/ranges.hpp>
#include <engine/score/checkpoint.hpp>
#include <engine/score/engine.hpp>
#include <engine/score/expert_groups.hpp>
#include <engine/score/progress.hpp>
#include <engine/score/scorer.hpp>

#include <qgrain/core/status.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <span>
#include <string>

namespace qgrain::engine {
namespace {

// Why a recipe does not suit the model's Linears, or nothing.
std::string fault_of(const lm::model& model, const std::optional<fake_recipe>& recipe, recipe_role role) {
  if (!recipe) return {};
  if (const std::string fault = role_fault(recipe->groups, role); !fault.empty())
    return "recipe \"" + recipe->name + "\" " + fault;
  std::string sentence;
  std::size_t more = 0;
  for (const lm::linear_info& l : model.linears()) {
    const status verdict = recipe->check({role == recipe_role::weight ? l.out : 1, l.in});
    if (verdict) continue;
    if (!sentence.empty()) {
      ++more;
      continue;
    }
    sentence = "recipe \"" + recipe->name + "\" asks for rows of at least " + std::to_string(verdict.wanted()) +
               " elements, but those of " + l.name + " have " + std::to_string(verdict.found());
  }
  return more == 0 ? sentence : sentence + " (and " + std::to_string(more) + " Linears more are too short)";
}

// All faults of shape of a plan in one sentence.
std::string faults_of(const lm::model& model, const job_plan& plan) {
  std::string sentence;
  const auto add = [&](const std::string& fault) {
    if (!fault.empty()) sentence += (sentence.empty() ? "" : "; ") + fault;
  };
  for (const auto& recipe : plan.weights) add(fault_of(model, recipe, recipe_role::weight));
  for (const auto& recipe : plan.activations) add(fault_of(model, recipe, recipe_role::activation));
  return sentence;
}

std::string unsupported_faults(const job_plan& plan) {
  std::string sentence;
  for (const std::string& fault : plan.faults) sentence += (sentence.empty() ? "" : "; ") + fault;
  return sentence;
}

void check_plan(const lm::model& model, const job_plan& plan) {
  if (const std::string faults = faults_of(model, plan); !faults.empty()) throw error(errc::invalid_shape, faults);
  if (const std::string faults = unsupported_faults(plan); !faults.empty()) throw error(errc::unsupported, faults);
}

// The first calibration pass: collects ranges and reports progress.
class first_calibration_pass final : public lm::forward_observer {
 public:
  first_calibration_pass(const lm::model& model, input_calibration& inputs, progress_meter& meter,
                         const std::function<bool()>& stop, double& seconds)
      : model_(model), inputs_(inputs), meter_(meter), stop_(stop), seconds_(seconds) {}
  void layer_end() override { inputs_.layer_end(); }
  [[nodiscard]] bool needs_all_rows() const override { return inputs_.needs_all_rows(); }
  void observe(const lm::linear_input& input) override {
    if (stop_ && stop_()) throw interrupted();
    {
      const common::stopwatch watch(seconds_);
      inputs_.observe(input);
    }
    index_t weights = 0;
    for (index_t l = 0; l < input.linears; ++l) {
      weights += model_.linears()[static_cast<std::size_t>(input.first_linear + l)].elements();
    }
    meter_.forward(input.x.rows(), weights);
  }

 private:
  const lm::model& model_;
  input_calibration& inputs_;
  progress_meter& meter_;
  const std::function<bool()>& stop_;
  double& seconds_;
};

std::string gradient_fingerprint(const std::string& model, const lm::packed_rows& rows, std::span<const job> jobs,
                                 const engine_options& options) {
  std::vector<index_t> settings{
      options.limits.chunk_bytes,          options.limits.slab_bytes,    options.limits.slab_output_bytes,
      options.limits.bundle_rows,          options.score_batches,        options.variant_bytes,
      static_cast<index_t>(options.cross), options.output_errors ? 1 : 0};
  if (options.labels) {
    settings.push_back(static_cast<index_t>(options.labels->seed));
    settings.push_back(static_cast<index_t>(options.labels->number));
  }
  if (options.shared_ranges) settings.push_back(1);
  if (options.shared_experts) settings.push_back(-1);
  append_groups(settings, options.expert_groups);
  return pass_fingerprint("gradient", model, rows, jobs, settings);
}

// The backward pass from its start, or from where a checkpoint of the same pass stands.
void score_backward(lm::layer_pass& pass, const lm::model& model, scorer& visitor, const engine_options& options,
                    const std::string& fingerprint) {
  std::optional<pass_checkpoint> state;
  if (!options.checkpoint.empty()) state = load_checkpoint(options.checkpoint, fingerprint);
  if (common::is_divided(options.ranks)) spread_state(*options.ranks, state);
  std::optional<lm::backward_start> start;
  if (state) {
    const index_t layer = state->place.layer;
    const index_t hidden = model.config().hidden;
    const lm::buffer& gradient = state->gradient;
    // The view stays good: the gradient's memory moves into the visitor.
    if (layer <= model.config().layers)
      start.emplace(lm::backward_start{layer, gradient.view(gradient.size() / hidden, hidden)});
    visitor.resume(*std::move(state));
    if (layer == 0) return;
  }
  pass.backward(visitor, start ? &*start : nullptr);
  visitor.finish();
}

void finish_output_errors(const score_sums& sums, std::size_t jobs, engine_result& result) {
  const std::size_t linears = sums.linears;
  for (std::size_t l = 0; l < linears; ++l) result.scored_outputs.push_back(sums.outputs(l));
  result.mse.assign(jobs, std::vector<double>(linears, 0.0));
  result.sqnr_db.assign(jobs, std::vector<double>(linears, std::numeric_limits<double>::infinity()));
  for (std::size_t j = 0; j < jobs; ++j) {
    for (std::size_t l = 0; l < linears; ++l) {
      const double sum = sums.at(score_sums::output_error, j, l);
      if (sum == 0) continue;
      result.mse[j][l] = sum / sums.outputs(l);
      result.sqnr_db[j][l] = 10 * std::log10(sums.squared_outputs(l) / sum);
    }
  }
}

}  // namespace

lm::pass_limits limits_of(lm::pass_limits limits, cross_term cross) {
  constexpr index_t rows_to_sample = 512;
  if (cross != cross_term::exact) limits.bundle_rows = std::max(limits.bundle_rows, rows_to_sample);
  return limits;
}

void check_jobs(const lm::model& model, std::span<const job> jobs) { check_plan(model, plan_jobs(jobs)); }

std::string job_fault(const lm::model& model, const job& wanted) {
  const job_plan plan = plan_jobs({&wanted, 1});
  const std::string shapes = faults_of(model, plan);
  return shapes.empty() ? unsupported_faults(plan) : shapes;
}

lm::job_load load_of(const job_plan& plan, cross_term cross) {
  if (cross != cross_term::exact) return {};
  const auto made =
      std::count_if(plan.weights.begin(), plan.weights.end(), [](const auto& recipe) { return recipe.has_value(); });
  return {static_cast<index_t>(plan.scored_jobs()), made};
}

engine_result score_jobs(const lm::model& model, const lm::packed_rows& rows, std::span<const job> jobs,
                         thread_pool& pool, const engine_options& options) {
  const job_plan plan = plan_jobs(jobs);
  check_plan(model, plan);
  check_expert_groups(model, options.expert_groups);
  if (options.output_errors && options.cross != cross_term::exact) {
    throw error(errc::invalid_argument,
                "output errors (mse, sqnr_db) need the product of every job: they go with the exact cross term only");
  }
  engine_result result;
  {
    const common::stopwatch total(result.costs.total_seconds);
    std::vector<weight_range> weights;
    {
      const common::stopwatch watch(result.costs.weight_range_seconds);
      weights = find_weight_ranges(model, pool, options.ranks);
    }
    result.model_fingerprint = model_fingerprint(model, weights);
    if (options.shared_ranges) share_tensor_ranges(model, weights);
    const lm::pass_context context{
        model, rows, pool, limits_of(options.limits, options.cross), options.ranks, load_of(plan, options.cross)};
    const bool is_divided = common::is_divided(options.ranks);
    const auto stop = is_divided ? std::function<bool()>() : options.stop_requested;
    index_t scored_rows = 0;
    for (const lm::sequence_rows& s : rows.sequences) {
      if (options.score_batches == 0 || s.batch < options.score_batches) scored_rows = s.end();
    }
    lm::layer_pass pass(context, options.score_batches);
    const index_t ranks = is_divided ? options.ranks->size() : 1;
    const lm::rank_grid grid = pass.grid(ranks);
    const index_t share = is_divided ? grid.job_share(options.ranks->rank()) : 0;
    const job_plan own = job_share(plan, static_cast<std::size_t>(share), static_cast<std::size_t>(grid.job_shares));
    input_calibration inputs(context, plan, options.shared_experts, share > 0 ? scored_rows : 0);
    progress_meter meter(model, (inputs.needs_all_rows() ? rows.rows() : pass.own_rows()) + inputs.second_pass_rows(),
                         pass.own_scored_rows(), own.scored_jobs(), options.progress);
    first_calibration_pass observer(model, inputs, meter, stop, result.costs.calibration_seconds);
    pass.forward(lm::layer_pass::keep::all_states, &observer);
    inputs.finish(weights, [&](index_t seen, index_t elements) {
      if (stop && stop()) throw interrupted();
      meter.forward(seen, elements);
    });
    result.costs.calibration = inputs.costs();
    result.loss = pass.loss(options.labels);
    const std::string fingerprint = gradient_fingerprint(result.model_fingerprint, rows, jobs, options);
    score_sums sums(options.cross, plan.jobs.size(), model.linears().size(), options.output_errors);
    variant_maker variants(own, weights, inputs, pool);
    expert_group_scorer experts(context, own, weights, inputs, options.expert_groups, options.variant_bytes, stop);
    scorer visitor(context, own, variants, experts, options, {sums, result.costs, meter}, scored_rows,
                   {fingerprint, {jobs.begin(), jobs.end()}}, {options.ranks, pass.row_bounds(ranks), share == 0});
    score_backward(pass, model, visitor, options, fingerprint);
    result.scores = finished_scores(sums, options.cross, plan, result.cross_term_errors);
    if (options.output_errors) finish_output_errors(sums, plan.jobs.size(), result);
    result.costs.pass = pass.costs();
    for (std::size_t l = 0; l < model.linears().size(); ++l)
      result.input_amax.push_back(inputs.channels(static_cast<index_t>(l)));
    result.calibrations = inputs.table();
    result.unseen_experts = inputs.unseen_experts();
    if (options.shared_ranges) result.calibrations.weight_amax = tensor_ranges(weights);
  }
  return result;
}

}  // namespace qgrain::engine
