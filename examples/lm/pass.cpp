#include <common/process.hpp>
#include <common/stopwatch.hpp>
#include <lm/pass.hpp>
#include <lm/product_flops.hpp>

#include <qgrain/core/status.hpp>

#include <algorithm>

namespace qgrain::lm {
namespace {

// Passes samples on and keeps the time that the visitor takes.
class timed_visitor final : public backward_visitor {
 public:
  timed_visitor(backward_visitor& inner, double& seconds) : inner_(inner), seconds_(seconds) {}
  void visit(const linear_sample& sample) override {
    const common::stopwatch watch(seconds_);
    inner_.visit(sample);
  }
  void visit_expert(const expert_sample& expert) override {
    const common::stopwatch watch(seconds_);
    inner_.visit_expert(expert);
  }
  void experts_begin(const expert_rows& rows) override {
    const common::stopwatch watch(seconds_);
    inner_.experts_begin(rows);
  }
  void experts_end() override {
    const common::stopwatch watch(seconds_);
    inner_.experts_end();
  }
  void boundary(index_t layer, const_matrix gradient) override {
    const common::stopwatch watch(seconds_);
    inner_.boundary(layer, gradient);
  }

 private:
  backward_visitor& inner_;
  double& seconds_;
};

// Two products of [t, head_size] and [t, t] per head; the causal half is not taken out of a block of rows.
double attention_product_flops(const model_config& c, const packed_rows& rows, index_t end_row) {
  double sum = 0;
  for (const sequence_rows& s : rows.sequences) {
    if (s.end() <= end_row) sum += product_flops(s.tokens(), s.tokens(), c.query_width());
  }
  return sum;
}

index_t rows_in(std::span<const chunk> parts) {
  index_t rows = 0;
  for (const chunk& part : parts) rows += part.rows();
  return rows;
}

index_t rows_of_batches(const packed_rows& rows, index_t batches) {
  index_t end = 0;
  for (const sequence_rows& s : rows.sequences) {
    if (s.batch < batches) end = s.end();
  }
  return end;
}

// How a pass divides its rows. Sums over the rows of a call that an override replaces may be of its whole
// chunk, as products of an expert's rows are.
row_division::choices choices_of(const pass_context& context, index_t scored_rows, index_t block_bytes,
                                 const linear_override* instead) {
  const index_t fitting =
      block_workspace::fitting_rows(context.model.config(), std::max(context.limits.chunk_bytes, block_bytes));
  return {scored_rows,
          fitting,
          rows_of_bundle(scored_rows, context.model.config().hidden, context.limits, fitting),
          instead != nullptr && instead->needs_whole_batches(),
          context.model.config().experts > 0 || (instead != nullptr && !instead->takes_bundles()),
          context.ranks,
          context.load};
}

}  // namespace

layer_pass::layer_pass(const pass_context& context, index_t batches, linear_override* instead)
    : model_(context.model),
      config_(model_.config()),
      rows_(context.rows),
      pool_(context.pool),
      instead_(instead),
      ranks_(context.ranks),
      slabs_(model_, pool_, context.limits),
      angles_(config_, rows_),
      blocks_(model_, context.limits.kept_weight_bytes),
      batches_(batches > 0 ? std::min(batches, rows_.batches()) : rows_.batches()),
      limited_rows_(rows_of_batches(rows_, batches_)),
      division_(rows_, choices_of(context, limited_rows_, blocks_.block_bytes(), instead)),
      runner_(model_, rows_, angles_, pool_, division_.capacity()),
      final_weight_(static_cast<std::size_t>(config_.hidden)) {
  common::use_one_blas_thread();
  model_.read_final_norm(final_weight_);
  for (index_t row = 0; row < limited_rows_; ++row) {
    if (rows_.targets[static_cast<std::size_t>(row)] >= 0) target_rows_.push_back(static_cast<std::int32_t>(row));
  }
}

const_matrix layer_pass::state(index_t layer) const {
  if (layer == config_.layers) return current_.view(rows_.rows(), config_.hidden);
  return states_.at(static_cast<std::size_t>(layer)).view(limited_rows_, config_.hidden);
}

index_t layer_pass::own_rows() const { return rows_in(division_.own()); }

index_t layer_pass::own_scored_rows() const { return rows_in(division_.own_scored()); }

void layer_pass::forward(keep what, forward_observer* observer) {
  if (instead_ != nullptr) {
    if (what == keep::all_states)
      throw error(errc::unsupported, "a pass whose Linears are replaced has no gradients, so it keeps no states");
    instead_->begin(rows_);
  }
  const common::stopwatch watch(costs_.forward_seconds);
  current_ = buffer(rows_.rows() * config_.hidden);
  states_.clear();
  const matrix x = current_.view(rows_.rows(), config_.hidden);
  const bool all_rows = observer != nullptr && observer->needs_all_rows();
  const std::span<const chunk> taken = all_rows ? division_.all() : division_.own();
  for (const chunk& part : taken) {
    const auto ids =
        std::span(rows_.ids).subspan(static_cast<std::size_t>(part.begin), static_cast<std::size_t>(part.rows()));
    model_.read_embeddings(ids, rows_of(x, part.begin, part.end), pool_);
  }
  for (index_t layer = 0; layer < config_.layers; ++layer) {
    if (what == keep::all_states) {
      states_.emplace_back(limited_rows_ * config_.hidden);
      matrix kept = states_.back().view(limited_rows_, config_.hidden);
      for (const chunk& part : division_.own_scored())
        rows_of(kept, part.begin, part.end) = rows_of(x, part.begin, part.end);
    }
    const block_weights& weights = blocks_.read(layer, layer + 1, pool_);
    for (const chunk& part : taken) runner_.forward(weights, part, layer, x, {observer, instead_});
    end_layer(observer);
    costs_.linear_flops += block_linear_flops(model_, layer, rows_.rows());
    costs_.attention_flops += 2 * attention_product_flops(config_, rows_, rows_.rows());
  }
  if (observer != nullptr || replaces_head()) {
    for (const chunk& part : taken) observe_head(part, observer);
    end_layer(observer);
  }
  // The head's rows are divided another way than those of the blocks.
  if (is_divided() && !all_rows)
    common::share_elements(*ranks_, current_.all(), row_bounds(rank_count()), config_.hidden);
}

void layer_pass::end_layer(forward_observer* observer) const {
  if (observer != nullptr) observer->layer_end();
  if (instead_ != nullptr) instead_->layer_end();
}

// The head's input, a bundle at a time.
void layer_pass::observe_head(const chunk& part, forward_observer* observer) {
  buffer normed(part.rows() * config_.hidden);
  for (std::size_t b = 0; b + 1 < part.bundles.size(); ++b) {
    const index_t begin = part.begin + part.bundles[b];
    const index_t end = part.begin + part.bundles[b + 1];
    const matrix out = normed.view(end - begin, config_.hidden);
    final_norm(begin, end, out);
    const linear_input input{model_.head_linear(), 1, begin, as_const(out), {}};
    if (observer != nullptr) observer->observe(input);
    if (replaces_head()) instead_->observe(input);
  }
}

void layer_pass::final_norm(index_t begin, index_t end, matrix out) const {
  const const_matrix last = state(config_.layers);
  for_each_chunk(pool_, end - begin, task_rows, [&](index_t b, index_t e) {
    rms_norm(rows_of(last, begin + b, begin + e), final_weight_, config_.norm_epsilon, rows_of(out, b, e));
  });
}

void layer_pass::backward(backward_visitor& visitor, const backward_start* start) {
  if (static_cast<index_t>(states_.size()) != config_.layers || log_sums_.empty()) {
    throw error(errc::invalid_argument, "backward needs a forward pass that kept all states, and the loss");
  }
  const bool fits =
      start == nullptr || (start->layer >= 1 && start->layer <= config_.layers &&
                           start->gradient.cols() == config_.hidden && start->gradient.rows() == limited_rows_);
  if (!fits) throw error(errc::invalid_shape, "the gradient to go on from is not one of this pass");
  const double visited = costs_.visitor_seconds;
  {
    const common::stopwatch watch(costs_.backward_seconds);
    timed_visitor timed(visitor, costs_.visitor_seconds);
    const index_t layers = start != nullptr ? start->layer : config_.layers;
    matrix gradient = rows_of(current_.view(rows_.rows(), config_.hidden), 0, limited_rows_);
    if (start != nullptr) {
      gradient = start->gradient;
      states_.resize(static_cast<std::size_t>(layers));
    } else {
      backward_head(timed);
      timed.boundary(layers, as_const(gradient));
    }
    for (index_t layer = layers - 1; layer >= 0; --layer) {
      const block_weights& weights = blocks_.read(layer, layer - 1, pool_);
      const matrix x = states_.back().view(limited_rows_, config_.hidden);
      for (const chunk& part : division_.own_scored()) {
        runner_.backward(weights, part, layer, x, current_.view(rows_.rows(), config_.hidden), timed);
      }
      states_.pop_back();
      costs_.linear_flops += 2 * block_linear_flops(model_, layer, limited_rows_);
      costs_.attention_flops += 7 * attention_product_flops(config_, rows_, limited_rows_);
      if (layer > 0) timed.boundary(layer, as_const(gradient));
    }
    // The first block's queries, keys and values need no gradient at their input.
    costs_.linear_flops -=
        product_flops(limited_rows_, config_.hidden, config_.query_width() + 2 * config_.key_width());
  }
  costs_.backward_seconds -= costs_.visitor_seconds - visited;
}

}  // namespace qgrain::lm
