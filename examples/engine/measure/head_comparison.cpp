#include <engine/measure/head_comparison.hpp>
#include <engine/measure/padding_logits.hpp>
#include <engine/measure/row_sums.hpp>
#include <lm/chunk.hpp>
#include <lm/operations.hpp>
#include <lm/product_flops.hpp>
#include <lm/row_division.hpp>

#include <qgrain/sensitivity/kl_divergence.hpp>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <numeric>
#include <utility>

namespace qgrain::engine {

// Rows of a copy that need the logarithm of their own sum.
struct head_comparison::broken_rows {
  std::size_t copy;
  std::vector<index_t> rows;
  std::vector<sensitivity::running_log_sum> log_sums;  // [rows]
};

head_comparison::head_comparison(const lm::pass_context& context, lm::const_matrix base,
                                 std::span<const index_t> bundles)
    : model_(context.model),
      rows_(context.rows),
      base_(base),
      targets_(std::span(rows_.targets).first(static_cast<std::size_t>(base.rows()))),
      pool_(context.pool),
      ranks_(bundles.empty() ? nullptr : context.ranks),
      slabs_(model_, pool_, context.limits),
      owners_{0, base.rows()},
      final_weight_(static_cast<std::size_t>(model_.config().hidden)) {
  model_.read_final_norm(final_weight_);
  if (common::is_divided(ranks_)) owners_ = lm::divide_bundles(bundles, ranks_->size());
  const auto rank = static_cast<std::size_t>(common::is_divided(ranks_) ? ranks_->rank() : 0);
  first_ = owners_[rank];
  end_ = owners_[rank + 1];
  std::copy_if(bundles.begin(), bundles.end(), std::back_inserter(own_bundles_),
               [&](index_t bound) { return bound >= first_ && bound <= end_; });
  pieces_ = pieces_of(end_, own_bundles_);

  const auto count = static_cast<std::size_t>(base_.rows());
  std::vector<sensitivity::running_log_sum> log_sums(count);
  std::vector<float> target_logits(count, 0.0F);
  std::vector<row_sums> choice(count);
  lm::buffer logits;
  slabs_.for_each(pieces_, [&](index_t first_output, lm::const_matrix w, const row_piece& piece) {
    if (logits.size() < piece.rows() * w.rows()) logits = lm::buffer(piece.rows() * w.rows());
    const lm::matrix z = logits.view(piece.rows(), w.rows());
    lm::for_each_task(pool_, piece.rows(), piece.bundles, [&](index_t b, index_t e) {
      plain_product(base_, w, piece.begin + b, piece.begin + e, lm::rows_of(z, b, e));
      for (index_t i = b; i < e; ++i) {
        const auto r = static_cast<std::size_t>(piece.begin + i);
        log_sums[r].add(z.row(i).data(), w.rows());
        const index_t target = targets_[r] - first_output;
        if (target >= 0 && target < w.rows()) target_logits[r] = z(i, target);
        choice[r].choose(z.row(i).data(), w.rows(), first_output);
      }
    });
  });
  linear_flops_ += lm::product_flops(end_ - first_, base_.cols(), model_.config().vocabulary);
  for (std::size_t r = 0; r < count; ++r) {
    log_sums_.push_back(log_sums[r].value());
    first_choice_.push_back(choice[r].first_choice);
  }
  share(std::span(log_sums_));
  share(std::span(target_logits));
  double loss = 0;
  for (std::size_t r = 0; r < count; ++r) {
    if (targets_[r] < 0) continue;
    loss += log_sums_[r] - static_cast<double>(target_logits[r]);
    ++target_count_;
  }
  mean_loss_ = loss / static_cast<double>(target_count_);
}

// Of rows up to `rows`: whole bundles, and parts of one that memory has no room for.
std::vector<head_comparison::row_piece> head_comparison::pieces_of(index_t rows,
                                                                   std::span<const index_t> bundles) const {
  std::vector<row_piece> pieces;
  const index_t most = slabs_.piece();
  if (bundles.empty()) {
    for (index_t begin = 0; begin < rows; begin += most) pieces.push_back({begin, std::min(begin + most, rows), {}});
  }
  for (std::size_t b = 0; b + 1 < bundles.size(); ++b) {
    for (index_t begin = bundles[b]; begin < bundles[b + 1]; begin += most) {
      const index_t end = std::min(begin + most, bundles[b + 1]);
      if (pieces.empty() || end - pieces.back().begin > most) pieces.push_back({begin, begin, {0}});
      row_piece& piece = pieces.back();
      piece.end = end;
      piece.bundles.push_back(piece.rows());
    }
  }
  return pieces;
}

void head_comparison::normed(lm::const_matrix state, lm::matrix out) const {
  lm::rms_norm(state, final_weight_, model_.config().norm_epsilon, out);
}

// y := the logits of a piece's rows by the source's override.
void head_comparison::head_product(const source& from, index_t first_output, lm::const_matrix w, const row_piece& piece,
                                   lm::matrix y) {
  const index_t n = piece.rows();
  lm::buffer memory(n * base_.cols());
  const lm::matrix x = memory.view(n, base_.cols());
  for_each_chunk(pool_, n, lm::task_rows, [&](index_t b, index_t e) {
    normed(lm::rows_of(from.state, piece.begin + b, piece.begin + e), lm::rows_of(x, b, e));
  });
  const auto rows = std::span(from.rows).subspan(static_cast<std::size_t>(piece.begin), static_cast<std::size_t>(n));
  const lm::linear_product product{model_.head_linear(), first_output, w, {}, y};
  from.head->compute({lm::as_const(x), rows, {&product, 1}, piece.bundles});
  for_each_chunk(pool_, n, lm::task_rows,
                 [&](index_t b, index_t e) { lm::soft_cap(lm::rows_of(y, b, e), model_.config().logit_cap); });
}

// Hands on the logits of a piece's rows of each source, in tasks. `memory` is kept between calls.
void head_comparison::changed_logits(std::span<const source> sources, lm::const_matrix w, index_t first_output,
                                     const row_piece& piece, lm::buffer& memory, const logit_visitor& visit) {
  struct task {
    std::size_t source;
    index_t begin;
    index_t end;
  };
  const index_t n = piece.rows();
  const index_t width = w.rows();
  const std::vector<index_t> bounds = lm::task_bounds(n, piece.bundles);
  std::vector<task> plain;
  for (std::size_t k = 0; k < sources.size(); ++k) {
    linear_flops_ += lm::product_flops(n, w.cols(), width);
    if (sources[k].head == nullptr) {
      for (std::size_t t = 0; t + 1 < bounds.size(); ++t)
        plain.push_back({k, piece.begin + bounds[t], piece.begin + bounds[t + 1]});
      continue;
    }
    if (memory.size() < n * width) memory = lm::buffer(n * width);
    const lm::matrix y = memory.view(n, width);
    head_product(sources[k], first_output, w, piece, y);
    for_each_chunk(pool_, n, lm::task_rows,
                   [&](index_t b, index_t e) { visit(k, lm::as_const(lm::rows_of(y, b, e)), piece.begin + b); });
  }
  pool_.run(static_cast<index_t>(plain.size()), [&](index_t unit) {
    const task& t = plain[static_cast<std::size_t>(unit)];
    lm::buffer scratch((t.end - t.begin) * width);
    const lm::matrix y = scratch.view(t.end - t.begin, width);
    plain_product(sources[t.source].state, w, t.begin, t.end, y);
    visit(t.source, lm::as_const(y), t.begin);
  });
}

// y := the logits of rows [first, end) of a state.
void head_comparison::plain_product(lm::const_matrix state, lm::const_matrix w, index_t first, index_t end,
                                    lm::matrix y) const {
  lm::buffer memory((end - first) * base_.cols());
  const lm::matrix x = memory.view(end - first, base_.cols());
  normed(lm::rows_of(state, first, end), x);
  lm::linear(lm::as_const(x), w, {}, y);
  lm::soft_cap(y, model_.config().logit_cap);
}

void head_comparison::compare_rows(lm::const_matrix q, lm::const_matrix z, lm::const_matrix p, index_t first,
                                   index_t first_output, bool first_choices, row_sums* rows) const {
  for (index_t i = 0; i < q.rows(); ++i) {
    row_sums& s = rows[i];
    const float* changed = q.data() + i * q.outerStride();
    const float* before = z.data() + i * z.outerStride();
    const float* weight = p.data() + i * p.outerStride();
    s.change.add(weight, before, changed, q.cols());
    if (first_choices) s.choose(changed, q.cols(), first_output);
    const index_t target = targets_[static_cast<std::size_t>(first + i)] - first_output;
    if (target >= 0 && target < q.cols()) s.target_change = changed[target] - before[target];
  }
}

// Sums of all copies over the slabs so far.
struct head_comparison::work {
  std::vector<row_sums> sums;           // [copy][row]
  std::vector<double> probability;      // [row] sum p, which rounding keeps from 1
  std::vector<padding_logits> padding;  // [copy]
  index_t rows;

  [[nodiscard]] std::size_t place(std::size_t copy, std::size_t row) const {
    return copy * static_cast<std::size_t>(rows) + row;
  }
};

std::vector<head_comparison::source> head_comparison::sources_of(std::span<const copy> copies, index_t rows) {
  std::vector<source> sources;
  for (const copy& c : copies) {
    source& from =
        sources.emplace_back(source{c.state, c.head, std::vector<std::int32_t>(static_cast<std::size_t>(rows))});
    std::iota(from.rows.begin(), from.rows.end(), static_cast<std::int32_t>(c.first_row));
  }
  return sources;
}

// One pass over the head: the unquantized logits and probabilities of a slab, then those of every copy against them.
void head_comparison::add_slabs(std::span<const source> sources, bool first_choices, work& all) {
  lm::buffer logits;
  lm::buffer weights;
  lm::buffer replaced;
  slabs_.for_each(pieces_, [&](index_t first_output, lm::const_matrix w, const row_piece& piece) {
    const index_t n = piece.rows();
    const index_t width = w.rows();
    if (logits.size() < n * width) {
      logits = lm::buffer(n * width);
      weights = lm::buffer(n * width);
    }
    const lm::matrix z = logits.view(n, width);
    const lm::matrix p = weights.view(n, width);
    lm::for_each_task(pool_, n, piece.bundles, [&](index_t b, index_t e) {
      plain_product(base_, w, piece.begin + b, piece.begin + e, lm::rows_of(z, b, e));
      for (index_t i = b; i < e; ++i) {
        const auto r = static_cast<std::size_t>(piece.begin + i);
        all.probability[r] += sensitivity::probabilities(z.row(i).data(), width, static_cast<float>(log_sums_[r]),
                                                         lm::rows_of(p, i, i + 1).data());
      }
    });
    changed_logits(sources, w, first_output, piece, replaced, [&](std::size_t c, lm::const_matrix y, index_t row) {
      const index_t b = row - piece.begin;
      const index_t e = b + y.rows();
      compare_rows(y, lm::as_const(lm::rows_of(z, b, e)), lm::as_const(lm::rows_of(p, b, e)), row, first_output,
                   first_choices, &all.sums[all.place(c, static_cast<std::size_t>(row))]);
      for (index_t i = b; i < e; ++i)
        all.padding[c].keep(piece.begin + i, first_output, z.row(i).data(), y.row(i - b).data(), width);
    });
  });
  linear_flops_ += lm::product_flops(end_ - first_, base_.cols(), model_.config().vocabulary);
}

std::vector<row_comparison> head_comparison::compare(std::span<const copy> copies, bool first_choices) {
  const auto rows = static_cast<std::size_t>(base_.rows());
  work all{std::vector<row_sums>(rows * copies.size()), std::vector<double>(rows, 0.0), {}, base_.rows()};
  // What replaces the head may have a range for each batch.
  for (const copy& c : copies)
    all.padding.emplace_back(rows_, base_, c.state, c.head != nullptr, model_.config().vocabulary, first_, end_);
  const std::vector<source> sources = sources_of(copies, base_.rows());
  add_slabs(sources, first_choices, all);

  std::vector<row_comparison> result(all.sums.size());
  const auto finish_row = [&](std::size_t c, std::size_t r, double growth) {
    const std::size_t at = all.place(c, r);
    all.sums[at].finish(all.probability[r], growth, result[at], all.padding[c].slot_of(r) >= 0, targets_[r] >= 0);
  };
  std::vector<broken_rows> broken;
  for (std::size_t c = 0; c < copies.size(); ++c) {
    const std::vector<double> rounded = all.padding[c].divergences();
    std::vector<index_t> again;
    for (index_t row = first_; row < end_; ++row) {
      const auto r = static_cast<std::size_t>(row);
      const row_sums& s = all.sums[all.place(c, r)];
      row_comparison& found = result[all.place(c, r)];
      const std::int32_t slot = all.padding[c].slot_of(r);
      if (slot >= 0) found.divergence = rounded[static_cast<std::size_t>(slot)];
      found.same_first_choice = s.first_choice == first_choice_[r];
      finish_row(c, r, s.change.growth(all.probability[r]));
      if ((slot < 0 || targets_[r] >= 0) && !s.change.carries(all.probability[r])) again.push_back(row);
    }
    if (again.empty()) continue;
    std::vector<sensitivity::running_log_sum> log_sums(again.size());
    broken.push_back({c, std::move(again), std::move(log_sums)});
  }
  if (!broken.empty()) find_log_sums(sources, broken);
  for (const broken_rows& b : broken) {
    for (std::size_t i = 0; i < b.rows.size(); ++i) {
      const auto r = static_cast<std::size_t>(b.rows[i]);
      finish_row(b.copy, r, b.log_sums[i].value() - log_sums_[r]);
    }
  }
  for (std::size_t c = 0; c < copies.size(); ++c) share(std::span(result).subspan(all.place(c, 0), rows));
  return result;
}

void head_comparison::find_log_sums(std::span<const source> copies, std::vector<broken_rows>& broken) {
  std::vector<lm::buffer> states;
  std::vector<source> sources;
  std::vector<std::pair<std::size_t, row_piece>> pieces;  // of which source
  for (std::size_t k = 0; k < broken.size(); ++k) {
    const broken_rows& b = broken[k];
    const source& whole = copies[b.copy];
    const auto n = static_cast<index_t>(b.rows.size());
    states.emplace_back(n * whole.state.cols());
    lm::matrix gathered = states.back().view(n, whole.state.cols());
    std::vector<std::int32_t> names;
    for (index_t i = 0; i < n; ++i) {
      const index_t row = b.rows[static_cast<std::size_t>(i)];
      gathered.row(i) = whole.state.row(row);
      names.push_back(whole.rows[static_cast<std::size_t>(row)]);
    }
    sources.push_back({lm::as_const(gathered), whole.head, std::move(names)});
    const std::vector<index_t> bundles = lm::bounds_among(std::span<const index_t>(b.rows), own_bundles_);
    for (row_piece& piece : pieces_of(n, bundles)) pieces.emplace_back(k, std::move(piece));
  }
  lm::buffer replaced;
  slabs_.for_each(pieces, [&](index_t first_output, lm::const_matrix w, const std::pair<std::size_t, row_piece>& part) {
    const auto& [k, piece] = part;
    std::vector<sensitivity::running_log_sum>& log_sums = broken[k].log_sums;
    changed_logits({&sources[k], 1}, w, first_output, piece, replaced,
                   [&](std::size_t, lm::const_matrix y, index_t row) {
                     for (index_t i = 0; i < y.rows(); ++i)
                       log_sums[static_cast<std::size_t>(row + i)].add(y.row(i).data(), y.cols());
                   });
  });
}

}  // namespace qgrain::engine
