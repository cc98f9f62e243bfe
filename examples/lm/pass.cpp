#include <common/process.hpp>
#include <common/stopwatch.hpp>
#include <lm/pass.hpp>

#include <qgrain/core/status.hpp>
#include <qgrain/sensitivity/kl_divergence.hpp>

#include <algorithm>
#include <numeric>

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
  void boundary(index_t layer, const_matrix gradient) override {
    const common::stopwatch watch(seconds_);
    inner_.boundary(layer, gradient);
  }

 private:
  backward_visitor& inner_;
  double& seconds_;
};

double product_flops(index_t rows, index_t in, index_t out) {
  return 2.0 * static_cast<double>(rows) * static_cast<double>(in) * static_cast<double>(out);
}

double block_linear_flops(const model& m, index_t layer, index_t rows) {
  const model_config& c = m.config();
  double flops = c.is_sparse(layer)
                     ? static_cast<double>(3 * c.experts_per_token) * product_flops(rows, c.hidden, c.expert_width)
                     : 0;
  for (const block_linear& l : m.layout(layer).linears) flops += product_flops(rows, l.in, l.out);
  return flops;
}

// Two products of [t, head_size] and [t, t] per head; the causal half is not taken out of a block of rows.
double attention_product_flops(const model_config& c, const packed_rows& rows, index_t end_row) {
  double sum = 0;
  for (const sequence_rows& s : rows.sequences) {
    if (s.end() <= end_row) sum += product_flops(s.tokens(), s.tokens(), c.query_width());
  }
  return sum;
}

// Sequences that a chunk may not part: one, or all of a batch.
index_t last_of_unit(const packed_rows& rows, index_t sequence, bool whole_batches) {
  const auto& all = rows.sequences;
  auto last = static_cast<std::size_t>(sequence);
  while (whole_batches && last + 1 < all.size() && all[last + 1].batch == all[last].batch) ++last;
  return static_cast<index_t>(last);
}

// As many rows as fit into `bytes` of intermediate results, but at least the longest unit.
index_t chunk_capacity(const model_config& config, const packed_rows& rows, index_t bytes, bool whole_batches) {
  index_t longest = 0;
  for (index_t s = 0; s < static_cast<index_t>(rows.sequences.size()); ++s) {
    const index_t last = last_of_unit(rows, s, whole_batches);
    longest = std::max(longest, rows.sequences[static_cast<std::size_t>(last)].end() -
                                    rows.sequences[static_cast<std::size_t>(s)].begin);
    s = last;
  }
  const index_t fitting = bytes / (block_workspace::width(config) * static_cast<index_t>(sizeof(float)));
  return std::min(std::max(fitting, longest), rows.rows());
}

}  // namespace

layer_pass::layer_pass(const pass_context& context, index_t batches, linear_override* instead)
    : model_(context.model),
      config_(model_.config()),
      rows_(context.rows),
      pool_(context.pool),
      instead_(instead),
      slabs_(model_, pool_, context.limits),
      angles_(config_, rows_),
      blocks_(model_, context.limits.kept_weight_bytes),
      capacity_(chunk_capacity(config_, rows_, std::max(context.limits.chunk_bytes, blocks_.block_bytes()),
                               instead != nullptr && instead->needs_whole_batches())),
      runner_(model_, rows_, angles_, pool_, capacity_),
      final_weight_(static_cast<std::size_t>(config_.hidden)),
      batches_(batches > 0 ? std::min(batches, rows_.batches()) : rows_.batches()),
      limited_rows_(0) {
  common::use_one_blas_thread();
  model_.read_final_norm(final_weight_);
  for (const sequence_rows& s : rows_.sequences) {
    if (s.batch < batches_) limited_rows_ = s.end();
  }
  for (index_t row = 0; row < limited_rows_; ++row) {
    if (rows_.targets[static_cast<std::size_t>(row)] >= 0) target_rows_.push_back(static_cast<std::int32_t>(row));
  }
}

const_matrix layer_pass::state(index_t layer) const {
  if (layer == config_.layers) return current_.view(rows_.rows(), config_.hidden);
  return states_.at(static_cast<std::size_t>(layer)).view(limited_rows_, config_.hidden);
}

// Whole units up to `end_row`, as many to a chunk as fit.
std::vector<chunk> layer_pass::chunks(index_t end_row) const {
  const bool whole_batches = instead_ != nullptr && instead_->needs_whole_batches();
  std::vector<chunk> parts;
  for (index_t s = 0; s < static_cast<index_t>(rows_.sequences.size()); ++s) {
    const index_t begin = rows_.sequences[static_cast<std::size_t>(s)].begin;
    const index_t last = last_of_unit(rows_, s, whole_batches);
    const index_t end = rows_.sequences[static_cast<std::size_t>(last)].end();
    if (end > end_row) break;
    if (parts.empty() || end - parts.back().begin > capacity_) parts.push_back({s, s, begin, begin});
    parts.back().end_sequence = last + 1;
    parts.back().end = end;
    s = last;
  }
  return parts;
}

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
  model_.read_embeddings(rows_.ids, x, pool_);
  for (index_t layer = 0; layer < config_.layers; ++layer) {
    if (what == keep::all_states) {
      states_.emplace_back(limited_rows_ * config_.hidden);
      states_.back().view(limited_rows_, config_.hidden) = rows_of(x, 0, limited_rows_);
    }
    const auto next = layer + 1 < config_.layers ? std::optional(layer + 1) : std::nullopt;
    const block_weights& weights = blocks_.read(layer, next, pool_);
    for (const chunk& part : chunks(rows_.rows())) runner_.forward(weights, part, layer, x, {observer, instead_});
    costs_.linear_flops += block_linear_flops(model_, layer, rows_.rows());
    costs_.attention_flops += 2 * attention_product_flops(config_, rows_, rows_.rows());
  }
  if (observer == nullptr && !replaces_head()) return;
  buffer normed(capacity_ * config_.hidden);
  for (index_t begin = 0; begin < rows_.rows(); begin += capacity_) {
    const index_t end = std::min(begin + capacity_, rows_.rows());
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

// out [rows, hidden]: the final norm of some rows.
void layer_pass::gather_normed(std::span<const std::int32_t> rows, matrix out) const {
  const const_matrix last = state(config_.layers);
  for_each_chunk(pool_, out.rows(), task_rows, [&](index_t b, index_t e) {
    for (index_t i = b; i < e; ++i) {
      const index_t row = rows[static_cast<std::size_t>(i)];
      rms_norm(rows_of(last, row, row + 1), final_weight_, config_.norm_epsilon, rows_of(out, i, i + 1));
    }
  });
}

void layer_pass::replaced_head(std::span<const std::int32_t> rows, index_t first_output, const_matrix weight,
                               const_matrix x, matrix y) {
  const linear_product product{model_.head_linear(), first_output, weight, {}, y};
  instead_->compute({x, rows, {&product, 1}});
}

loss_report layer_pass::loss(const std::optional<label_draw>& draw) {
  const common::stopwatch watch(costs_.loss_seconds);
  const index_t targets = static_cast<index_t>(target_rows_.size());
  if (targets == 0)
    throw error(errc::invalid_argument, "no token has a successor to predict: every sequence is one token long");
  // Per target row over the slabs so far: the softmax's denominator, the logit of the target.
  std::vector<sensitivity::running_log_sum> denominators(target_rows_.size());
  std::vector<float> target_logits(target_rows_.size(), 0.0F);
  std::vector<drawn_label> drawn;
  for (const std::int32_t row : target_rows_) {
    if (draw) drawn.emplace_back(*draw, row);
  }
  buffer normed;
  buffer logits;
  slabs_.for_each(targets, [&](index_t first_output, const_matrix w, index_t first, index_t end) {
    const index_t n = end - first;
    if (normed.size() < n * config_.hidden) normed = buffer(n * config_.hidden);
    if (logits.size() < n * w.rows()) logits = buffer(n * w.rows());
    const matrix x = normed.view(n, config_.hidden);
    const matrix y = logits.view(n, w.rows());
    const auto rows = std::span(target_rows_).subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(n));
    gather_normed(rows, x);
    if (replaces_head()) replaced_head(rows, first_output, w, as_const(x), y);
    for_each_chunk(pool_, n, task_rows, [&](index_t b, index_t e) {
      if (!replaces_head()) linear(as_const(rows_of(x, b, e)), w, {}, rows_of(y, b, e));
      soft_cap(rows_of(y, b, e), config_.logit_cap);
      for (index_t i = b; i < e; ++i) {
        const auto t = static_cast<std::size_t>(first + i);
        denominators[t].add(y.row(i).data(), w.rows());
        const index_t target = rows_.targets[static_cast<std::size_t>(target_rows_[t])] - first_output;
        if (target >= 0 && target < w.rows()) target_logits[t] = y(i, target);
        if (draw) drawn[t].add(y.row(i).data(), w.rows(), first_output);
      }
    });
  });
  costs_.linear_flops += product_flops(targets, config_.hidden, config_.vocabulary);
  labels_.clear();
  for (std::size_t i = 0; i < target_rows_.size(); ++i) {
    labels_.push_back(draw ? drawn[i].id() : rows_.targets[static_cast<std::size_t>(target_rows_[i])]);
  }

  loss_report report;
  report.batches.resize(static_cast<std::size_t>(batches_));
  log_sums_.resize(target_rows_.size());
  std::size_t t = 0;
  for (const sequence_rows& s : rows_.sequences) {
    if (s.batch >= batches_) break;
    loss_report::batch& batch = report.batches[static_cast<std::size_t>(s.batch)];
    for (; t < target_rows_.size() && target_rows_[t] < s.end(); ++t) {
      const double log_sum = denominators[t].value();
      log_sums_[t] = static_cast<float>(log_sum);
      batch.loss += log_sum - static_cast<double>(target_logits[t]);
      ++batch.targets;
    }
  }
  for (loss_report::batch& batch : report.batches) {
    report.mean_over_targets += batch.loss / static_cast<double>(targets);
    batch.loss /= static_cast<double>(batch.targets);  // NaN for a batch without targets, as a mean of nothing
    report.mean_of_batches += batch.loss / static_cast<double>(report.batches.size());
  }
  return report;
}

// The head: gradient_ := gradient at the last hidden state.
void layer_pass::backward_head(backward_visitor& visitor) {
  const index_t targets = static_cast<index_t>(target_rows_.size());
  buffer normed;
  buffer logits;
  buffer d_logits;
  buffer d_normed(targets * config_.hidden);
  matrix dx_all = d_normed.view(targets, config_.hidden);
  dx_all.setZero();
  std::vector<float> weight_of(target_rows_.size());  // of each target in the summed loss
  std::size_t t = 0;
  for (const sequence_rows& s : rows_.sequences) {
    for (; t < target_rows_.size() && target_rows_[t] < s.end(); ++t) {
      weight_of[t] = 1.0F / static_cast<float>(rows_.batch_targets[static_cast<std::size_t>(s.batch)]);
    }
  }
  slabs_.for_each(targets, [&](index_t first_output, const_matrix w, index_t first, index_t end) {
    const index_t n = end - first;
    if (normed.size() < n * config_.hidden) normed = buffer(n * config_.hidden);
    if (logits.size() < n * w.rows()) {
      logits = buffer(n * w.rows());
      d_logits = buffer(n * w.rows());
    }
    const matrix x = normed.view(n, config_.hidden);
    const matrix y = logits.view(n, w.rows());
    matrix g = d_logits.view(n, w.rows());
    const auto rows = std::span(target_rows_).subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(n));
    gather_normed(rows, x);
    for_each_chunk(pool_, n, task_rows, [&](index_t b, index_t e) {
      linear(as_const(rows_of(x, b, e)), w, {}, rows_of(y, b, e));
      if (config_.logit_cap != 0) rows_of(g, b, e) = rows_of(y, b, e);
      soft_cap(rows_of(g, b, e), config_.logit_cap);
      for (index_t i = b; i < e; ++i) {
        const auto target_row = static_cast<std::size_t>(first + i);
        const matrix z = config_.logit_cap != 0 ? g : y;
        g.row(i).array() = (z.row(i).array() - log_sums_[target_row]).exp();
        const index_t target = labels_[target_row] - first_output;
        if (target >= 0 && target < w.rows()) g(i, target) -= 1.0F;
        g.row(i).array() *= weight_of[target_row];
      }
      soft_cap_backward(as_const(rows_of(y, b, e)), config_.logit_cap, rows_of(g, b, e));
      linear_backward_add(as_const(rows_of(g, b, e)), w, rows_of(dx_all, first + b, first + e));
    });
    const linear_output output{model_.head_linear(), first_output, w, {}, as_const(y), as_const(g)};
    visitor.visit({as_const(x), rows, {&output, 1}});
  });
  costs_.linear_flops += 2 * product_flops(targets, config_.hidden, config_.vocabulary);

  // The last state's memory takes the gradient.
  matrix state_and_gradient = current_.view(rows_.rows(), config_.hidden);
  for_each_chunk(pool_, rows_.rows(), task_rows, [&](index_t b, index_t e) {
    auto target = std::lower_bound(target_rows_.begin(), target_rows_.end(), b) - target_rows_.begin();
    for (index_t row = b; row < e; ++row) {
      matrix one = rows_of(state_and_gradient, row, row + 1);
      if (target < targets && target_rows_[static_cast<std::size_t>(target)] == row) {
        rms_norm_backward(as_const(one), final_weight_, config_.norm_epsilon,
                          as_const(rows_of(dx_all, target, target + 1)), one);
        ++target;
      } else {
        one.setZero();
      }
    }
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
      const auto next = layer > 0 ? std::optional(layer - 1) : std::nullopt;
      const block_weights& weights = blocks_.read(layer, next, pool_);
      const matrix x = states_.back().view(limited_rows_, config_.hidden);
      for (const chunk& part : chunks(limited_rows_)) {
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

void layer_pass::logits(index_t first_row, const logits_sink& sink) {
  buffer normed;
  buffer out;
  slabs_.for_each(rows_.rows() - first_row, [&](index_t first_output, const_matrix w, index_t first, index_t end) {
    const index_t n = end - first;
    if (normed.size() < n * config_.hidden) normed = buffer(n * config_.hidden);
    if (out.size() < n * w.rows()) out = buffer(n * w.rows());
    const matrix x = normed.view(n, config_.hidden);
    const matrix y = out.view(n, w.rows());
    final_norm(first_row + first, first_row + end, x);
    if (replaces_head()) {
      std::vector<std::int32_t> rows(static_cast<std::size_t>(n));
      std::iota(rows.begin(), rows.end(), static_cast<std::int32_t>(first_row + first));
      replaced_head(rows, first_output, w, as_const(x), y);
    } else {
      for_each_chunk(pool_, n, task_rows,
                     [&](index_t b, index_t e) { linear(as_const(rows_of(x, b, e)), w, {}, rows_of(y, b, e)); });
    }
    if (config_.logit_cap != 0) {
      for_each_chunk(pool_, n, task_rows, [&](index_t b, index_t e) { soft_cap(rows_of(y, b, e), config_.logit_cap); });
    }
    sink(first_row + first, first_output, as_const(y));
  });
}

}  // namespace qgrain::lm
