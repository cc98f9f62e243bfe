#include <common/stopwatch.hpp>
#include <lm/pass.hpp>
#include <lm/product_flops.hpp>

#include <qgrain/core/status.hpp>
#include <qgrain/sensitivity/kl_divergence.hpp>

#include <algorithm>
#include <numeric>

namespace qgrain::lm {
namespace {

std::vector<index_t> from_zero(std::vector<index_t> bounds) {
  const index_t first = bounds.front();
  for (index_t& bound : bounds) bound -= first;
  return bounds;
}

}  // namespace

// Pieces are as many as memory asks for, in one process; what is given to ranks is a bundle.
layer_pass::head_division layer_pass::divide_head() const {
  const auto targets = static_cast<index_t>(target_rows_.size());
  std::vector<index_t> ends(target_rows_.size());
  std::iota(ends.begin(), ends.end(), index_t{1});
  index_t pieces = ceil_div(targets, slabs_.piece());
  if (pieces > 2) pieces += pieces % 2;
  const index_t bundles_each = bundle_count(ceil_div(targets, std::max<index_t>(pieces, 1)), division_.bundle_rows());
  const std::vector<index_t> bounds = cut_bundles(0, ends, pieces * bundles_each);
  const rank_grid all_ranks = grid(rank_count());
  const index_t rank = is_divided() ? ranks_->rank() : 0;
  head_division division{divide_bundles(bounds, all_ranks.row_shares), {}};
  const auto share = static_cast<std::size_t>(all_ranks.row_share(rank));
  const index_t begin = division.owners[share];
  const index_t end = rank < all_ranks.ranks() ? division.owners[share + 1] : begin;
  division.owners.resize(static_cast<std::size_t>(rank_count()) + 1, targets);
  for (auto bound = std::lower_bound(bounds.begin(), bounds.end(), begin); *bound < end;) {
    std::vector<index_t>& piece = division.pieces.emplace_back();
    for (index_t b = 0; b <= bundles_each && bound + b < bounds.end() && *(bound + b) <= end; ++b)
      piece.push_back(*(bound + b));
    bound += static_cast<std::ptrdiff_t>(piece.size()) - 1;
  }
  return division;
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
                               const_matrix x, matrix y, std::span<const index_t> bundles) {
  const linear_product product{model_.head_linear(), first_output, weight, {}, y};
  instead_->compute({x, rows, {&product, 1}, bundles});
}

loss_report layer_pass::loss(const std::optional<label_draw>& draw) {
  const common::stopwatch watch(costs_.loss_seconds);
  const index_t targets = static_cast<index_t>(target_rows_.size());
  if (targets == 0)
    throw error(errc::invalid_argument, "no token has a successor to predict: every sequence is one token long");
  const head_division division = divide_head();
  // Per target row over the slabs so far: the softmax's denominator, the logit of the target.
  std::vector<sensitivity::running_log_sum> denominators(target_rows_.size());
  std::vector<float> target_logits(target_rows_.size(), 0.0F);
  std::vector<drawn_label> drawn;
  for (const std::int32_t row : target_rows_) {
    if (draw) drawn.emplace_back(*draw, row);
  }
  buffer normed;
  buffer logits;
  slabs_.for_each(division.pieces, [&](index_t first_output, const_matrix w, const std::vector<index_t>& piece) {
    const index_t first = piece.front();
    const index_t n = piece.back() - first;
    const std::vector<index_t> bundles = from_zero(piece);
    if (normed.size() < n * config_.hidden) normed = buffer(n * config_.hidden);
    if (logits.size() < n * w.rows()) logits = buffer(n * w.rows());
    const matrix x = normed.view(n, config_.hidden);
    const matrix y = logits.view(n, w.rows());
    const auto rows = std::span(target_rows_).subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(n));
    gather_normed(rows, x);
    if (replaces_head()) replaced_head(rows, first_output, w, as_const(x), y, bundles);
    for_each_task(pool_, n, bundles, [&](index_t b, index_t e) {
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
  std::vector<double> log_sums;
  for (const sensitivity::running_log_sum& sum : denominators) log_sums.push_back(sum.value());
  if (is_divided()) {
    common::share_elements(*ranks_, std::span(log_sums), division.owners);
    common::share_elements(*ranks_, std::span(target_logits), division.owners);
    common::share_elements(*ranks_, std::span(labels_), division.owners);
  }

  loss_report report;
  report.batches.resize(static_cast<std::size_t>(batches_));
  log_sums_.resize(target_rows_.size());
  std::size_t t = 0;
  for (const sequence_rows& s : rows_.sequences) {
    if (s.batch >= batches_) break;
    loss_report::batch& batch = report.batches[static_cast<std::size_t>(s.batch)];
    for (; t < target_rows_.size() && target_rows_[t] < s.end(); ++t) {
      const double log_sum = log_sums[t];
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
  const head_division division = divide_head();
  slabs_.for_each(division.pieces, [&](index_t first_output, const_matrix w, const std::vector<index_t>& piece) {
    const index_t first = piece.front();
    const index_t n = piece.back() - first;
    const std::vector<index_t> bundles = from_zero(piece);
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
    for_each_task(pool_, n, bundles, [&](index_t b, index_t e) {
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
    visitor.visit({as_const(x), rows, {&output, 1}, bundles});
  });
  costs_.linear_flops += 2 * product_flops(targets, config_.hidden, config_.vocabulary);
  if (is_divided()) common::share_elements(*ranks_, d_normed.all(), division.owners, config_.hidden);

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

void layer_pass::logits(index_t first_row, index_t end_row, const logits_sink& sink) {
  buffer normed;
  buffer out;
  slabs_.for_each(end_row - first_row, [&](index_t first_output, const_matrix w, index_t first, index_t end) {
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
