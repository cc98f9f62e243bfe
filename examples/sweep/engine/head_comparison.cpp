#include "head_comparison.hpp"

#include <lm/elementary.hpp>
#include <lm/fused_kernels.hpp>
#include <lm/operations.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace qgrain::sweep {
namespace {

constexpr index_t task_rows = 128;
constexpr index_t lanes = 16;
constexpr float largest_change = 80.0F;  // of a logit; e^d stays far from overflow

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

}  // namespace

// Of one row, over the slabs so far.
struct head_comparison::sums {
  double probability = 0;  // sum p, which rounding keeps from 1
  double beyond = 0;       // sum p (e^d - 1 - d)
  double shift = 0;        // sum p d
  float target_change = 0;
  float largest = -std::numeric_limits<float>::infinity();
  std::int32_t first_choice = 0;

  void choose(const float* z, index_t n, index_t first_output) {
    for (index_t i = 0; i < n; ++i) {
      if (z[i] > largest) {
        largest = z[i];
        first_choice = static_cast<std::int32_t>(first_output + i);
      }
    }
  }
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
  std::vector<float> largest(count, -std::numeric_limits<float>::infinity());
  std::vector<double> exponentials(count, 0.0);
  std::vector<float> target_logits(count, 0.0F);
  std::vector<sums> choice(count);
  lm::buffer logits;
  slabs_.for_each(base_.rows(), [&](index_t first_output, lm::const_matrix w, index_t first, index_t end) {
    if (logits.size() < (end - first) * w.rows()) logits = lm::buffer((end - first) * w.rows());
    const lm::matrix z = logits.view(end - first, w.rows());
    for_each_chunk(pool_, end - first, task_rows, [&](index_t b, index_t e) {
      lm::buffer x((e - b) * base_.cols());
      normed(lm::rows_of(base_, first + b, first + e), x.view(e - b, base_.cols()));
      lm::linear(lm::as_const(x.view(e - b, base_.cols())), w, {}, lm::rows_of(z, b, e));
      for (index_t i = b; i < e; ++i) {
        const auto r = static_cast<std::size_t>(first + i);
        const auto row = z.row(i).array();
        const float top = std::max(largest[r], row.maxCoeff());
        exponentials[r] = exponentials[r] * std::exp(static_cast<double>(largest[r]) - static_cast<double>(top)) +
                          static_cast<double>((row - top).exp().sum());
        largest[r] = top;
        const index_t target = targets_[r] - first_output;
        if (target >= 0 && target < w.rows()) target_logits[r] = z(i, target);
        choice[r].choose(z.row(i).data(), w.rows(), first_output);
      }
    });
  });
  linear_flops_ += 2.0 * static_cast<double>(base_.size()) * static_cast<double>(model_.config().vocabulary);
  double loss = 0;
  for (std::size_t r = 0; r < count; ++r) {
    const double log_sum = static_cast<double>(largest[r]) + std::log(exponentials[r]);
    log_sums_.push_back(static_cast<float>(log_sum));
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

// y := the logits of rows [first, end) by the copy's override.
void head_comparison::head_product(const copy& c, index_t first_output, lm::const_matrix w, index_t first, index_t end,
                                   lm::matrix y) {
  lm::buffer memory((end - first) * base_.cols());
  const lm::matrix x = memory.view(end - first, base_.cols());
  for_each_chunk(pool_, end - first, task_rows, [&](index_t b, index_t e) {
    normed(lm::rows_of(c.state, first + b, first + e), lm::rows_of(x, b, e));
  });
  std::vector<std::int32_t> rows(static_cast<std::size_t>(end - first));
  std::iota(rows.begin(), rows.end(), static_cast<std::int32_t>(c.first_row + first));
  const lm::linear_product product{model_.head_linear(), first_output, w, {}, y};
  c.head->compute({lm::as_const(x), rows, {&product, 1}});
}

void head_comparison::compare_rows(lm::const_matrix q, lm::const_matrix z, lm::const_matrix p, index_t first,
                                   index_t first_output, bool first_choices, sums* rows) const {
  for (index_t i = 0; i < q.rows(); ++i) {
    sums& s = rows[i];
    const float* changed = q.data() + i * q.outerStride();
    const float* before = z.data() + i * z.outerStride();
    const float* weight = p.data() + i * p.outerStride();
    double beyond = s.beyond;
    double shift = s.shift;
    float top = -std::numeric_limits<float>::infinity();
    lm::run_fused<divergence_row>(weight, before, changed, q.cols(), &beyond, &shift, &top);
    if (top > largest_change) {  // a broken model; slowly, in double
      beyond = s.beyond;
      for (index_t j = 0; j < q.cols(); ++j) {
        const double d = static_cast<double>(changed[j]) - static_cast<double>(before[j]);
        beyond += static_cast<double>(weight[j]) * (std::expm1(d) - d);
      }
    }
    s.beyond = beyond;
    s.shift = shift;
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
  for (const copy& c : copies) padding.emplace_back(rows_, base_, c, model_.config().vocabulary);
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
    const auto product = [&](lm::const_matrix state, index_t b, index_t e, lm::matrix y) {
      lm::buffer x((e - b) * base_.cols());
      normed(lm::rows_of(state, first + b, first + e), x.view(e - b, base_.cols()));
      lm::linear(lm::as_const(x.view(e - b, base_.cols())), w, {}, y);
    };
    for_each_chunk(pool_, n, task_rows, [&](index_t b, index_t e) {
      product(base_, b, e, lm::rows_of(z, b, e));
      for (index_t i = b; i < e; ++i) {
        const auto r = static_cast<std::size_t>(first + i);
        lm::run_fused<probabilities_row>(z.row(i).data(), width, log_sums_[r], lm::rows_of(p, i, i + 1).data(),
                                         &probability[r]);
      }
    });
    const auto compare_task = [&](index_t c, lm::const_matrix y, index_t b, index_t e) {
      compare_rows(y, lm::as_const(lm::rows_of(z, b, e)), lm::as_const(lm::rows_of(p, b, e)), first + b, first_output,
                   first_choices, &all[static_cast<std::size_t>(c * rows + first + b)]);
      for (index_t i = b; i < e; ++i) {
        padding[static_cast<std::size_t>(c)].keep(first + i, first_output, z.row(i).data(), y.row(i - b).data(), width);
      }
    };
    std::vector<index_t> plain;
    for (index_t c = 0; c < count; ++c) {
      const copy& one = copies[static_cast<std::size_t>(c)];
      if (one.head == nullptr) {
        plain.push_back(c);
        continue;
      }
      if (replaced.size() < n * width) replaced = lm::buffer(n * width);
      const lm::matrix y = replaced.view(n, width);
      head_product(one, first_output, w, first, end, y);
      for_each_chunk(pool_, n, task_rows,
                     [&](index_t b, index_t e) { compare_task(c, lm::as_const(lm::rows_of(y, b, e)), b, e); });
    }
    const index_t tasks = ceil_div(n, task_rows);
    pool_.run(tasks * static_cast<index_t>(plain.size()), [&](index_t unit) {
      const index_t c = plain[static_cast<std::size_t>(unit / tasks)];
      const index_t b = unit % tasks * task_rows;
      const index_t e = std::min(b + task_rows, n);
      lm::buffer memory((e - b) * width);
      const lm::matrix y = memory.view(e - b, width);
      product(copies[static_cast<std::size_t>(c)].state, b, e, y);
      compare_task(c, lm::as_const(y), b, e);
    });
  });
  linear_flops_ += 2.0 * static_cast<double>(base_.size()) * static_cast<double>(model_.config().vocabulary) *
                   static_cast<double>(count + 1);

  std::vector<row_comparison> result(all.size());
  for (std::size_t c = 0; c < copies.size(); ++c) {
    const std::vector<double> rounded = padding[c].divergences();
    for (std::size_t r = 0; r < static_cast<std::size_t>(rows); ++r) {
      const sums& s = all[c * static_cast<std::size_t>(rows) + r];
      row_comparison& found = result[c * static_cast<std::size_t>(rows) + r];
      const double shift = s.shift / probability[r];
      const double growth = std::log1p(s.beyond / probability[r] + shift);
      const std::int32_t slot = padding[c].slot_of(r);
      found.divergence = slot < 0 ? growth - shift : rounded[static_cast<std::size_t>(slot)];
      if (targets_[r] >= 0) found.loss_increase = growth - static_cast<double>(s.target_change);
      found.same_first_choice = s.first_choice == first_choice_[r];
    }
  }
  return result;
}

}  // namespace qgrain::sweep
