#include <engine/measure/head_comparison.hpp>
#include <lm/elementary.hpp>
#include <lm/fused_kernels.hpp>
#include <lm/operations.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

namespace qgrain::sweep {
namespace {

constexpr index_t task_rows = 128;
constexpr index_t lanes = 16;
constexpr float largest_change = 80.0F;  // of a logit; e^d stays far from overflow
constexpr double least_excess = -0.9;    // of sum p e^d over 1; below it the sum loses digits

// e^d - 1 - d in single precision for |d| <= largest_change: lm::exp_accurate with the parts that cancel near 0 left
// out.
QGRAIN_ELEMENTWISE float exp_beyond_first_order(float d) {
  const lm::exp_parts e = lm::parts_of_exp(d);
  const float power = power_of_two(static_cast<std::int32_t>(e.power));
  // 2^n (1 + r + r^2 p) - 1 - d; where n is 0, r is d.
  return add_rn(fma_rn(power, mul_rn(mul_rn(e.rest, e.rest), e.tail), fma_rn(power, e.rest, -d)), sub_rn(power, 1.0F));
}

// p[i] := exp(z[i] - log_sum); adds their sum to *total.
struct probabilities_row {
  QGRAIN_ALWAYS_INLINE static void run(const float* z, index_t n, float log_sum, float* p, double* total) {
    double sums[lanes] = {};
    const index_t whole = n - n % lanes;
    for (index_t j = 0; j < whole; j += lanes) {
      for (index_t i = 0; i < lanes; ++i) {
        p[j + i] = lm::exp_accurate(sub_rn(z[j + i], log_sum));
        sums[i] += static_cast<double>(p[j + i]);
      }
    }
    for (index_t j = whole; j < n; ++j) {
      p[j] = lm::exp_accurate(sub_rn(z[j], log_sum));
      sums[j - whole] += static_cast<double>(p[j]);
    }
    for (const double s : sums) *total += s;
  }
};

// Adds sum p (e^d - 1 - d) and sum p d of d = q - z, and raises *top to the largest d.
struct divergence_row {
  QGRAIN_ALWAYS_INLINE static void run(const float* p, const float* z, const float* q, index_t n, double* beyond,
                                       double* shift, float* top) {
    double beyonds[lanes] = {};
    double shifts[lanes] = {};
    float tops[lanes];
    for (index_t i = 0; i < lanes; ++i) tops[i] = *top;
    const auto add = [&](index_t j, index_t i) {
      const float d = sub_rn(q[j], z[j]);
      // Below -87 e^d is nothing beside 1.
      const float bounded = lm::at_least(-87.0F, lm::at_most(largest_change, d));
      const float rest = exp_beyond_first_order(bounded);
      beyonds[i] += static_cast<double>(mul_rn(p[j], add_rn(rest, sub_rn(bounded, d))));
      shifts[i] += static_cast<double>(mul_rn(p[j], d));
      tops[i] = d > tops[i] ? d : tops[i];
    };
    const index_t whole = n - n % lanes;
    for (index_t j = 0; j < whole; j += lanes) {
      for (index_t i = 0; i < lanes; ++i) add(j + i, i);
    }
    for (index_t j = whole; j < n; ++j) add(j, j - whole);
    for (index_t i = 0; i < lanes; ++i) {
      *beyond += beyonds[i];
      *shift += shifts[i];
      *top = std::max(*top, tops[i]);
    }
  }
};

// log(sum e^z) of a row that comes in slabs.
struct running_log_sum {
  float largest = -std::numeric_limits<float>::infinity();
  double exponentials = 0;  // of z - largest

  void add(const float* z, index_t n) {
    const auto row = Eigen::Map<const Eigen::ArrayXf>(z, n);
    const float top = std::max(largest, row.maxCoeff());
    exponentials = exponentials * std::exp(static_cast<double>(largest) - static_cast<double>(top)) +
                   static_cast<double>((row - top).exp().sum());
    largest = top;
  }
  [[nodiscard]] double value() const { return static_cast<double>(largest) + std::log(exponentials); }
};

}  // namespace

// Of one row, over the slabs so far.
struct head_comparison::sums {
  double probability = 0;  // sum p, which rounding keeps from 1
  double beyond = 0;       // sum p (e^d - 1 - d)
  double shift = 0;        // sum p d
  float target_change = 0;
  float rise = -std::numeric_limits<float>::infinity();  // largest d
  float largest = -std::numeric_limits<float>::infinity();
  std::int32_t first_choice = 0;

  // sum p d and sum p (e^d - 1) of probabilities that add up to 1; `all` is their sum here.
  [[nodiscard]] double mean_change(double all) const { return shift / all; }
  [[nodiscard]] double excess(double all) const { return beyond / all + mean_change(all); }
  // Whether the excess has digits enough.
  [[nodiscard]] bool carries(double all) const { return excess(all) >= least_excess && rise <= largest_change; }
  // `growth`: log(sum p e^d).
  void finish(double all, double growth, row_comparison& found, bool is_padding, bool has_target) const {
    if (!is_padding) found.divergence = growth - mean_change(all);
    if (has_target) found.loss_increase = growth - static_cast<double>(target_change);
  }

  void choose(const float* z, index_t n, index_t first_output) {
    for (index_t i = 0; i < n; ++i) {
      if (z[i] > largest) {
        largest = z[i];
        first_choice = static_cast<std::int32_t>(first_output + i);
      }
    }
  }
};

// Rows of a copy that need the logarithm of their own sum.
struct head_comparison::broken_rows {
  std::size_t copy;
  std::vector<std::size_t> rows;
  std::vector<running_log_sum> log_sums;  // [rows]
};

// The whole logits of a copy's padding rows, before and after the change; rows that must be equal are kept once.
class head_comparison::padding_logits {
 public:
  padding_logits(const lm::packed_rows& rows, lm::const_matrix base, const copy& c, index_t vocabulary)
      : vocabulary_(vocabulary), slot_of_(static_cast<std::size_t>(base.rows()), -1) {
    std::vector<const lm::sequence_rows*> kept;
    const auto same_state = [&](lm::const_matrix state, index_t a, index_t b) {
      return (state.row(a).array() == state.row(b).array()).all();
    };
    for (const lm::sequence_rows& s : rows.sequences) {
      if (s.padding == 0 || s.begin >= base.rows()) continue;
      // What replaces the head may have a range for each batch.
      const auto twin = std::find_if(kept.begin(), kept.end(), [&](const lm::sequence_rows* k) {
        return (c.head == nullptr || k->batch == s.batch) && same_state(base, k->begin, s.begin) &&
               same_state(c.state, k->begin, s.begin);
      });
      slot_of_[static_cast<std::size_t>(s.begin)] = static_cast<std::int32_t>(twin - kept.begin());
      if (twin != kept.end()) continue;
      first_of_.push_back(s.begin);
      kept.push_back(&s);
    }
    values_ = lm::buffer(2 * vocabulary * static_cast<index_t>(kept.size()));
  }

  void keep(index_t row, index_t first_output, const float* before, const float* after, index_t n) {
    const std::int32_t slot = slot_of_[static_cast<std::size_t>(row)];
    if (slot < 0 || first_of_[static_cast<std::size_t>(slot)] != row) return;
    std::copy_n(before, n, values_.data() + 2 * slot * vocabulary_ + first_output);
    std::copy_n(after, n, values_.data() + (2 * slot + 1) * vocabulary_ + first_output);
  }

  /// By slot; the logits become log-probabilities.
  [[nodiscard]] std::vector<double> divergences() {
    std::vector<double> found;
    for (index_t slot = 0; slot < static_cast<index_t>(first_of_.size()); ++slot) {
      float* a = values_.data() + 2 * slot * vocabulary_;
      float* b = a + vocabulary_;
      log_softmax(a);
      log_softmax(b);
      double sum = 0;
      for (index_t i = 0; i < vocabulary_; ++i)
        sum += static_cast<double>(mul_rn(lm::exp_accurate(a[i]), sub_rn(a[i], b[i])));
      found.push_back(sum);
    }
    return found;
  }
  [[nodiscard]] std::int32_t slot_of(std::size_t row) const { return slot_of_[row]; }

 private:
  // 16 running sums of exponentials, added in halves; log rounded once.
  void log_softmax(float* z) const {
    const float largest = *std::max_element(z, z + vocabulary_);
    float lane_sums[lanes] = {};
    for (index_t j = 0; j < vocabulary_; ++j) {
      float& sum = lane_sums[j % lanes];
      sum = add_rn(sum, lm::exp_accurate(sub_rn(z[j], largest)));
    }
    for (index_t half = lanes / 2; half > 0; half /= 2) {
      for (index_t i = 0; i < half; ++i) lane_sums[i] = add_rn(lane_sums[i], lane_sums[i + half]);
    }
    const auto log_sum = static_cast<float>(std::log(static_cast<double>(lane_sums[0])));
    for (index_t j = 0; j < vocabulary_; ++j) z[j] = sub_rn(sub_rn(z[j], largest), log_sum);
  }

  index_t vocabulary_;
  std::vector<std::int32_t> slot_of_;  // [rows]
  std::vector<index_t> first_of_;      // [slots] the row that is kept
  lm::buffer values_;                  // [slots][2][vocabulary]
};

head_comparison::head_comparison(const lm::model& model, const lm::packed_rows& rows, lm::const_matrix base,
                                 thread_pool& pool, const lm::pass_limits& limits)
    : model_(model),
      rows_(rows),
      base_(base),
      targets_(std::span(rows.targets).first(static_cast<std::size_t>(base.rows()))),
      pool_(pool),
      slabs_(model, pool, limits),
      final_weight_(static_cast<std::size_t>(model.config().hidden)) {
  model_.read_final_norm(final_weight_);
  const auto count = static_cast<std::size_t>(base_.rows());
  std::vector<running_log_sum> log_sums(count);
  std::vector<float> target_logits(count, 0.0F);
  std::vector<sums> choice(count);
  lm::buffer logits;
  slabs_.for_each(base_.rows(), [&](index_t first_output, lm::const_matrix w, index_t first, index_t end) {
    if (logits.size() < (end - first) * w.rows()) logits = lm::buffer((end - first) * w.rows());
    const lm::matrix z = logits.view(end - first, w.rows());
    for_each_chunk(pool_, end - first, task_rows, [&](index_t b, index_t e) {
      plain_product(base_, w, first + b, first + e, lm::rows_of(z, b, e));
      for (index_t i = b; i < e; ++i) {
        const auto r = static_cast<std::size_t>(first + i);
        log_sums[r].add(z.row(i).data(), w.rows());
        const index_t target = targets_[r] - first_output;
        if (target >= 0 && target < w.rows()) target_logits[r] = z(i, target);
        choice[r].choose(z.row(i).data(), w.rows(), first_output);
      }
    });
  });
  linear_flops_ += 2.0 * static_cast<double>(base_.size()) * static_cast<double>(model_.config().vocabulary);
  double loss = 0;
  for (std::size_t r = 0; r < count; ++r) {
    const double log_sum = log_sums[r].value();
    log_sums_.push_back(log_sum);
    first_choice_.push_back(choice[r].first_choice);
    if (targets_[r] < 0) continue;
    loss += log_sum - static_cast<double>(target_logits[r]);
    ++target_count_;
  }
  mean_loss_ = loss / static_cast<double>(target_count_);
}

void head_comparison::normed(lm::const_matrix state, lm::matrix out) const {
  lm::rms_norm(state, final_weight_, model_.config().norm_epsilon, out);
}

// y := the logits of rows [first, end) by the source's override.
void head_comparison::head_product(const source& from, index_t first_output, lm::const_matrix w, index_t first,
                                   index_t end, lm::matrix y) {
  lm::buffer memory((end - first) * base_.cols());
  const lm::matrix x = memory.view(end - first, base_.cols());
  for_each_chunk(pool_, end - first, task_rows, [&](index_t b, index_t e) {
    normed(lm::rows_of(from.state, first + b, first + e), lm::rows_of(x, b, e));
  });
  const auto rows =
      std::span(from.rows).subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(end - first));
  const lm::linear_product product{model_.head_linear(), first_output, w, {}, y};
  from.head->compute({lm::as_const(x), rows, {&product, 1}});
}

// Hands on the logits of rows [first, end) of each source, where it has them, in tasks. `memory` is kept between calls.
void head_comparison::changed_logits(std::span<const source> sources, lm::const_matrix w, index_t first_output,
                                     index_t first, index_t end, lm::buffer& memory, const logit_visitor& visit) {
  struct task {
    std::size_t source;
    index_t begin;
    index_t end;
  };
  const index_t width = w.rows();
  std::vector<task> plain;
  for (std::size_t k = 0; k < sources.size(); ++k) {
    const source& from = sources[k];
    const index_t n = std::min(end, from.state.rows()) - first;
    if (n <= 0) continue;
    linear_flops_ += 2.0 * static_cast<double>(n) * static_cast<double>(w.size());
    if (from.head == nullptr) {
      for (index_t b = 0; b < n; b += task_rows) plain.push_back({k, first + b, first + std::min(b + task_rows, n)});
      continue;
    }
    if (memory.size() < n * width) memory = lm::buffer(n * width);
    const lm::matrix y = memory.view(n, width);
    head_product(from, first_output, w, first, first + n, y);
    for_each_chunk(pool_, n, task_rows,
                   [&](index_t b, index_t e) { visit(k, lm::as_const(lm::rows_of(y, b, e)), first + b); });
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
}

void head_comparison::compare_rows(lm::const_matrix q, lm::const_matrix z, lm::const_matrix p, index_t first,
                                   index_t first_output, bool first_choices, sums* rows) const {
  for (index_t i = 0; i < q.rows(); ++i) {
    sums& s = rows[i];
    const float* changed = q.data() + i * q.outerStride();
    const float* before = z.data() + i * z.outerStride();
    const float* weight = p.data() + i * p.outerStride();
    lm::run_fused<divergence_row>(weight, before, changed, q.cols(), &s.beyond, &s.shift, &s.rise);
    if (first_choices) s.choose(changed, q.cols(), first_output);
    const index_t target = targets_[static_cast<std::size_t>(first + i)] - first_output;
    if (target >= 0 && target < q.cols()) s.target_change = changed[target] - before[target];
  }
}

std::vector<row_comparison> head_comparison::compare(std::span<const copy> copies, bool first_choices) {
  const index_t rows = base_.rows();
  const auto count = static_cast<index_t>(copies.size());
  std::vector<sums> all(static_cast<std::size_t>(rows * count));
  std::vector<double> probability(static_cast<std::size_t>(rows), 0.0);
  std::vector<padding_logits> padding;
  std::vector<source> sources;
  for (const copy& c : copies) {
    padding.emplace_back(rows_, base_, c, model_.config().vocabulary);
    source& from =
        sources.emplace_back(source{c.state, c.head, std::vector<std::int32_t>(static_cast<std::size_t>(rows))});
    std::iota(from.rows.begin(), from.rows.end(), static_cast<std::int32_t>(c.first_row));
  }
  lm::buffer logits;
  lm::buffer weights;
  lm::buffer replaced;
  slabs_.for_each(rows, [&](index_t first_output, lm::const_matrix w, index_t first, index_t end) {
    const index_t n = end - first;
    const index_t width = w.rows();
    if (logits.size() < n * width) {
      logits = lm::buffer(n * width);
      weights = lm::buffer(n * width);
    }
    const lm::matrix z = logits.view(n, width);
    const lm::matrix p = weights.view(n, width);
    for_each_chunk(pool_, n, task_rows, [&](index_t b, index_t e) {
      plain_product(base_, w, first + b, first + e, lm::rows_of(z, b, e));
      for (index_t i = b; i < e; ++i) {
        const auto r = static_cast<std::size_t>(first + i);
        lm::run_fused<probabilities_row>(z.row(i).data(), width, static_cast<float>(log_sums_[r]),
                                         lm::rows_of(p, i, i + 1).data(), &probability[r]);
      }
    });
    changed_logits(sources, w, first_output, first, end, replaced, [&](std::size_t c, lm::const_matrix y, index_t row) {
      const index_t b = row - first;
      const index_t e = b + y.rows();
      compare_rows(y, lm::as_const(lm::rows_of(z, b, e)), lm::as_const(lm::rows_of(p, b, e)), row, first_output,
                   first_choices, &all[c * static_cast<std::size_t>(rows) + static_cast<std::size_t>(row)]);
      for (index_t i = b; i < e; ++i)
        padding[c].keep(first + i, first_output, z.row(i).data(), y.row(i - b).data(), width);
    });
  });
  linear_flops_ += 2.0 * static_cast<double>(base_.size()) * static_cast<double>(model_.config().vocabulary);

  std::vector<row_comparison> result(all.size());
  const auto finish_row = [&](std::size_t c, std::size_t r, double growth) {
    const std::size_t at = c * static_cast<std::size_t>(rows) + r;
    all[at].finish(probability[r], growth, result[at], padding[c].slot_of(r) >= 0, targets_[r] >= 0);
  };
  std::vector<broken_rows> broken;
  for (std::size_t c = 0; c < copies.size(); ++c) {
    const std::vector<double> rounded = padding[c].divergences();
    std::vector<std::size_t> again;
    for (std::size_t r = 0; r < static_cast<std::size_t>(rows); ++r) {
      const sums& s = all[c * static_cast<std::size_t>(rows) + r];
      row_comparison& found = result[c * static_cast<std::size_t>(rows) + r];
      const std::int32_t slot = padding[c].slot_of(r);
      if (slot >= 0) found.divergence = rounded[static_cast<std::size_t>(slot)];
      found.same_first_choice = s.first_choice == first_choice_[r];
      finish_row(c, r, std::log1p(s.excess(probability[r])));
      if ((slot < 0 || targets_[r] >= 0) && !s.carries(probability[r])) again.push_back(r);
    }
    if (again.empty()) continue;
    std::vector<running_log_sum> log_sums(again.size());
    broken.push_back({c, std::move(again), std::move(log_sums)});
  }
  if (!broken.empty()) {
    find_log_sums(sources, broken);
    for (const broken_rows& b : broken) {
      for (std::size_t i = 0; i < b.rows.size(); ++i)
        finish_row(b.copy, b.rows[i], b.log_sums[i].value() - log_sums_[b.rows[i]]);
    }
  }
  return result;
}

void head_comparison::find_log_sums(std::span<const source> copies, std::vector<broken_rows>& broken) {
  std::vector<lm::buffer> states;
  std::vector<source> sources;
  index_t most = 0;
  for (const broken_rows& b : broken) {
    const source& whole = copies[b.copy];
    const auto n = static_cast<index_t>(b.rows.size());
    most = std::max(most, n);
    states.emplace_back(n * whole.state.cols());
    lm::matrix gathered = states.back().view(n, whole.state.cols());
    std::vector<std::int32_t> names;
    for (index_t i = 0; i < n; ++i) {
      const std::size_t row = b.rows[static_cast<std::size_t>(i)];
      gathered.row(i) = whole.state.row(static_cast<index_t>(row));
      names.push_back(whole.rows[row]);
    }
    sources.push_back({lm::as_const(gathered), whole.head, std::move(names)});
  }
  lm::buffer replaced;
  slabs_.for_each(most, [&](index_t first_output, lm::const_matrix w, index_t first, index_t end) {
    changed_logits(sources, w, first_output, first, end, replaced, [&](std::size_t k, lm::const_matrix y, index_t row) {
      for (index_t i = 0; i < y.rows(); ++i)
        broken[k].log_sums[static_cast<std::size_t>(row + i)].add(y.row(i).data(), y.cols());
    });
  });
}

}  // namespace qgrain::sweep
