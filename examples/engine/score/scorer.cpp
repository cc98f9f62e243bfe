#include <common/stopwatch.hpp>
#include <engine/score/scorer.hpp>
#include <lm/chunk.hpp>

#include <qgrain/core/status.hpp>
#include <qgrain/sensitivity/output_error.hpp>

#include <algorithm>

namespace qgrain::engine {
namespace {

std::string layer_text(const pass_place& place) {
  return "layer " + std::to_string(place.layer) + " samples " + std::to_string(place.samples) + " variants " +
         std::to_string(place.variants);
}

}  // namespace

scorer::scorer(const lm::pass_context& context, const job_plan& plan, variant_maker& variants,
               expert_group_scorer& experts, const engine_options& options, const results& into, index_t rows,
               pass_identity identity, rank_rows ranks)
    : plan_(plan),
      variants_(variants),
      experts_(experts),
      pool_(context.pool),
      options_(options),
      meter_(into.meter),
      costs_(into.costs),
      sums_(into.sums),
      identity_(std::move(identity)),
      ranks_(std::move(ranks)),
      products_(plan, variants, pool_, options.limits.chunk_bytes, [this] { return is_stopped(); }),
      terms_(plan, variants, pool_, rows, [this] { return is_stopped(); }),
      place_{context.model.config().layers + 1, 0, 0},
      boundary_sums_(sums_.values) {
  sums_.is_divided = is_divided();
}

void scorer::resume(pass_checkpoint state) {
  if (state.sums.size() != sums_.values.size())
    throw error(errc::bad_file, options_.checkpoint.string() + ": the number of scores is not that of this pass");
  sums_.values = std::move(state.sums);
  costs_.scoring_flops = state.scoring_flops;
  boundary_sums_ = std::move(state.boundary_sums);
  boundary_flops_ = costs_.scoring_flops;
  gradient_ = std::move(state.gradient);
  place_ = state.place;
  resumed_ = state.place;
  if (options_.log) options_.log("resume " + layer_text(place_));
}

void scorer::boundary(index_t layer, lm::const_matrix gradient) {
  samples_ = 0;
  place_ = {layer, 0, 0};
  if (is_divided()) return divided_boundary(gradient);
  if (options_.checkpoint.empty()) return;
  boundary_sums_ = sums_.values;
  keep_gradient(gradient);
}

void scorer::divided_boundary(lm::const_matrix gradient) {
  const rank_news news = exchange();
  if (news.save || news.stop) {
    keep_gradient(gradient);
    common::share_elements(*ranks_.ranks, gradient_.all(), ranks_.bounds, gradient.cols());
    if (!options_.checkpoint.empty()) save();
  }
  if (news.stop) throw interrupted();
}

void scorer::keep_gradient(lm::const_matrix gradient) {
  if (gradient_.size() < gradient.size()) gradient_ = lm::buffer(gradient.size());
  gradient_.view(gradient.rows(), gradient.cols()) = gradient;
}

rank_news scorer::exchange() {
  const rank_news mine{options_.stop_requested && options_.stop_requested(), is_due(),
                       costs_.scoring_flops - boundary_flops_};
  const std::int64_t sent_before = ranks_.ranks->sent_bytes();
  const rank_news all = add_written(*ranks_.ranks, sums_, mine);
  costs_.block_bytes += ranks_.ranks->sent_bytes() - sent_before;
  boundary_sums_ = sums_.values;
  boundary_flops_ += all.flops;
  costs_.scoring_flops = boundary_flops_;
  return all;
}

void scorer::visit(const lm::linear_sample& whole) {
  // Without Linears that are scored with others at the output of their block, but for the errors of their own outputs.
  std::vector<lm::linear_output> own;
  for (const lm::linear_output& o : whole.outputs) {
    if (options_.output_errors || !experts_.has(o.linear)) own.push_back(o);
  }
  const lm::linear_sample sample{whole.x, whole.rows, own, whole.bundles};
  sums_.begin_slab(whole.outputs.front().first_output);
  index_t elements = 0;
  for (const lm::linear_output& output : whole.outputs) elements += output.weight.size();
  const bool is_resumed_block = resumed_.layer == place_.layer;
  if (!own.empty() && (!is_resumed_block || samples_ >= resumed_.samples)) {
    std::vector<index_t> rows;  // with a gradient at any of the outputs
    for (index_t i = 0; i < sample.x.rows(); ++i) {
      const auto has_gradient = [&](const lm::linear_output& o) { return (o.gradient.row(i).array() != 0.0F).any(); };
      if (std::any_of(sample.outputs.begin(), sample.outputs.end(), has_gradient)) rows.push_back(i);
    }
    const index_t fitting = options_.variant_bytes / (elements * static_cast<index_t>(sizeof(float)));
    const auto at_once = static_cast<std::size_t>(std::max<index_t>(fitting, 1));
    std::size_t first = is_resumed_block && samples_ == resumed_.samples ? resumed_.variants : 0;
    for (; first < plan_.weights.size() && !rows.empty(); first += at_once) {
      const std::size_t end = std::min(first + at_once, plan_.weights.size());
      const std::vector<std::size_t> jobs = jobs_between(first, end);
      if (!jobs.empty()) score_portion(sample, rows, first, end, jobs);
      if (first == 0 && options_.output_errors && ranks_.adds_outputs) add_outputs(sample, rows);
      if (end < plan_.weights.size()) scored({place_.layer, samples_, end});
    }
    scored({place_.layer, samples_ + 1, 0});
  }
  ++samples_;
  meter_.backward(sample.x.rows(), elements);
}

void scorer::experts_begin(const lm::expert_rows& rows) {
  if (experts_.empty()) return;
  before_experts_ = safe_state{place_, sums_.values, costs_.scoring_flops};
  experts_.begin(rows);
}

void scorer::visit_expert(const lm::expert_sample& expert) {
  const bool is_done = resumed_.layer == place_.layer && samples_ < resumed_.samples;
  if (before_experts_ && !is_done) {
    if (is_stopped()) stop_here();
    const common::stopwatch watch(costs_.scoring_seconds);
    sums_.begin_slab(0);
    costs_.scoring_flops += experts_.add(expert, sums_);
    if (is_stopped()) stop_here();
  }
  visit(expert.activated);
  visit(expert.input);
}

void scorer::experts_end() {
  if (!before_experts_) return;
  before_experts_.reset();
  const bool is_done = resumed_.layer == place_.layer && samples_ <= resumed_.samples;
  if (is_done) return;
  sums_.begin_slab(0);
  experts_.end(sums_);
  scored({place_.layer, samples_, 0});
}

// Saves what can be gone on from.
void scorer::stop_here() {
  if (before_experts_) {
    place_ = before_experts_->place;
    sums_.values = std::move(before_experts_->sums);
    costs_.scoring_flops = before_experts_->flops;
  }
  if (!options_.checkpoint.empty()) save();
  throw interrupted();
}

// What the errors of all jobs are compared with.
void scorer::add_outputs(const lm::linear_sample& sample, const std::vector<index_t>& rows) {
  const auto count = static_cast<index_t>(rows.size());
  for (const lm::linear_output& output : sample.outputs) {
    const std::vector<float> zeros(static_cast<std::size_t>(output.y.cols()), 0.0F);
    const std::vector<index_t> bounds = lm::task_bounds(count, lm::bounds_among<index_t>(rows, sample.bundles));
    std::vector<double> partial(bounds.size() - 1, 0.0);
    pool_.run(static_cast<index_t>(partial.size()), [&](index_t task) {
      const auto t = static_cast<std::size_t>(task);
      double& sum = partial[t];
      for (index_t i = bounds[t]; i < bounds[t + 1]; ++i) {
        const index_t row = rows[static_cast<std::size_t>(i)];
        sum += sensitivity::squared_distance(output.y.data() + row * output.y.outerStride(), zeros.data(),
                                             output.y.cols());
      }
    });
    const auto l = static_cast<std::size_t>(output.linear);
    for (const double sum : partial) sums_.add_squared_outputs(l, sum);
    sums_.add_outputs(l, static_cast<double>(count) * static_cast<double>(output.y.cols()));
  }
}

void scorer::finish() {
  if (is_divided()) static_cast<void>(exchange());
  place_ = {0, 0, 0};
  gradient_ = lm::buffer();
  boundary_sums_ = sums_.values;
  if (!options_.checkpoint.empty()) save();
}

void scorer::scored(const pass_place& place) {
  place_ = place;
  if (options_.log) options_.log("scored " + layer_text(place));
  if (!is_divided() && !before_experts_ && is_due()) save();
}

bool scorer::is_due() const {
  const std::chrono::duration<double> since = std::chrono::steady_clock::now() - saved_;
  return !options_.checkpoint.empty() && since.count() >= options_.checkpoint_seconds;
}

void scorer::save() {
  if (options_.log) options_.log("saving " + layer_text(place_));
  save_checkpoint(options_.checkpoint, identity_, place_, sums_.values, costs_.scoring_flops, gradient_,
                  boundary_sums_);
  saved_ = std::chrono::steady_clock::now();
  if (options_.log) options_.log("checkpoint " + layer_text(place_));
}

std::vector<std::size_t> scorer::jobs_between(std::size_t first, std::size_t end) const {
  std::vector<std::size_t> jobs;
  for (std::size_t j = 0; j < plan_.jobs.size(); ++j) {
    const job_plan::pair& pair = plan_.jobs[j];
    if (plan_.is_scored(j) && pair.weight >= first && pair.weight < end) jobs.push_back(j);
  }
  return jobs;
}

// Leaves the state as it was in front of the portion where a stop is asked for.
void scorer::score_portion(const lm::linear_sample& sample, const std::vector<index_t>& rows, std::size_t first,
                           std::size_t end, const std::vector<std::size_t>& jobs) {
  if (is_stopped()) stop_here();
  const bool is_exact = options_.cross == cross_term::exact;
  std::vector<std::vector<lm::const_matrix>> variants;
  {
    const common::stopwatch watch(costs_.weight_seconds);
    variants =
        variants_.weights(sample, first, end, is_exact ? variant_maker::kind::transposed : variant_maker::kind::change);
  }
  const common::stopwatch watch(costs_.scoring_seconds);
  if (is_exact) {
    if (!score_exactly(sample, rows, jobs, {first, variants})) stop_here();
    return;
  }
  score_sums before = sums_;
  const double flops = terms_.score(sample, rows, first, variants, sums_);
  if (is_stopped()) {
    sums_ = std::move(before);
    stop_here();
  }
  costs_.scoring_flops += flops;
}

bool scorer::score_exactly(const lm::linear_sample& sample, const std::vector<index_t>& rows,
                           const std::vector<std::size_t>& jobs, const exact_products::weights& weights) {
  const auto found = products_.score({sample, rows, jobs, weights, options_.output_errors}, costs_.scoring);
  if (is_stopped()) return false;
  for (std::size_t o = 0; o < sample.outputs.size(); ++o) {
    const lm::linear_output& output = sample.outputs[o];
    const auto l = static_cast<std::size_t>(output.linear);
    for (std::size_t place = 0; place < jobs.size(); ++place) {
      for (index_t part = 0; part < found.tasks(); ++part) {
        const output_sums& sums = found.at(part, place, o);
        if (!experts_.has(output.linear)) sums_.add(score_sums::score, jobs[place], l, sums.score);
        if (options_.output_errors) sums_.add(score_sums::output_error, jobs[place], l, sums.error);
      }
    }
    costs_.scoring_flops += 2.0 * static_cast<double>(jobs.size()) * static_cast<double>(rows.size()) *
                            static_cast<double>(output.weight.size());
  }
  return true;
}

}  // namespace qgrain::engine
