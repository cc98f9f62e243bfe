#include <common/stopwatch.hpp>
#include <engine/calibrate/input_calibration.hpp>
#include <engine/score/engine.hpp>
#include <lm/head_slabs.hpp>
#include <lm/linear_override.hpp>
#include <lm/operations.hpp>
#include <lm/pass.hpp>

#include <qgrain/calibration/histogram_observer.hpp>
#include <qgrain/calibration/histogram_search.hpp>
#include <qgrain/calibration/observer.hpp>
#include <qgrain/core/arithmetic.hpp>
#include <qgrain/core/status.hpp>
#include <qgrain/sensitivity/gradient_score.hpp>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <utility>

namespace qgrain::sweep {
namespace {

constexpr index_t columns_per_task = 64;
constexpr double kept_percent = 99.99;
constexpr index_t most_channel_bins = index_t{1} << 16;  // 0.8 MB for a channel that starts all but silent

matrix_view<const float> columns_of(lm::const_matrix m, index_t begin, index_t end) {
  return {m.data() + begin, {m.rows(), end - begin}, m.outerStride()};
}

double product_flops(index_t rows, index_t weights) {
  return 2.0 * static_cast<double>(rows) * static_cast<double>(weights);
}

// The first batches of a data set.
lm::packed_rows first_batches(const lm::packed_rows& rows, index_t batches, index_t end) {
  lm::packed_rows part = rows;
  const auto cut = static_cast<std::size_t>(end);
  part.ids.resize(cut);
  part.targets.resize(cut);
  part.positions.resize(cut);
  std::erase_if(part.sequences, [&](const lm::sequence_rows& s) { return s.batch >= batches; });
  part.batch_targets.resize(static_cast<std::size_t>(batches));
  return part;
}

// Elements along the input that share a scale; a row of the weight where outputs or the whole weight do.
index_t shared_along_input(const fake_recipe& weight, index_t in) {
  const bool is_blocked =
      weight.groups.kind == granularity_kind::per_group || weight.groups.kind == granularity_kind::per_tile;
  return is_blocked ? std::min(weight.groups.size.cols, in) : in;
}

// AWQ's shares of a weight that comes in slabs of outputs, in parts of whole groups of columns.
class share_parts {
 public:
  share_parts(const fake_recipe& weight, index_t in) : in_(in) {
    const index_t group = shared_along_input(weight, in);
    width_ = ceil_div(columns_per_task, group) * group;
    parts_.assign(static_cast<std::size_t>(ceil_div(in, width_)), calibration::weight_share_observer(group));
  }
  void observe(lm::const_matrix rows, thread_pool& pool) {
    for_each_chunk(pool, in_, width_, [&](index_t begin, index_t end) {
      parts_[static_cast<std::size_t>(begin / width_)].observe(columns_of(rows, begin, end));
    });
  }
  [[nodiscard]] std::vector<float> share() const {
    std::vector<float> all;
    for (const calibration::weight_share_observer& part : parts_) {
      const std::vector<float> shares = part.share();
      all.insert(all.end(), shares.begin(), shares.end());
    }
    return all;
  }

 private:
  index_t in_;
  index_t width_;
  std::vector<calibration::weight_share_observer> parts_;
};

}  // namespace

// Of one input over the batches so far.
struct input_calibration::statistics {
  calibration::histogram bins;
  std::vector<calibration::histogram_observer> channel_bins;  // of each 64 channels
  std::vector<calibration::mean_magnitude_observer> means;    // of each 64 channels, over the batches of awq_lite
  std::vector<float> channels;                                // [in] largest magnitudes in these batches

  [[nodiscard]] std::vector<float> mean() const {
    std::vector<float> all;
    for (const calibration::mean_magnitude_observer& part : means) {
      const std::vector<float> values = part.mean();
      all.insert(all.end(), values.begin(), values.end());
    }
    return all;
  }
};

// Hands the rows of an input on a whole batch at a time.
class input_calibration::batch_collector {
 public:
  explicit batch_collector(const lm::packed_rows& rows) : begins_(static_cast<std::size_t>(rows.batches()) + 1) {
    for (const lm::sequence_rows& s : rows.sequences) begins_[static_cast<std::size_t>(s.batch) + 1] = s.end();
  }
  // sink(batch, first_row, x [rows of the batch, in])
  template <class Sink>
  void observe(const lm::linear_input& input, std::int32_t first_batch, const Sink& sink) {
    const index_t end = input.first_row + input.x.rows();
    index_t batch = first_batch;
    for (index_t row = input.first_row; row < end; ++batch) {
      const index_t batch_begin = begins_[static_cast<std::size_t>(batch)];
      const index_t batch_end = begins_[static_cast<std::size_t>(batch) + 1];
      const index_t piece_end = std::min(batch_end, end);
      const lm::const_matrix piece = lm::rows_of(input.x, row - input.first_row, piece_end - input.first_row);
      if (piece.rows() == batch_end - batch_begin) {
        sink(batch, batch_begin, piece);
      } else {
        lm::buffer& held = held_[input.first_linear];
        if (row == batch_begin) held = lm::buffer((batch_end - batch_begin) * piece.cols());
        const lm::matrix whole = held.view(batch_end - batch_begin, piece.cols());
        lm::rows_of(whole, row - batch_begin, piece_end - batch_begin) = piece;
        if (piece_end == batch_end) {
          sink(batch, batch_begin, lm::as_const(whole));
          held_.erase(input.first_linear);
        }
      }
      row = piece_end;
    }
  }

 private:
  std::vector<index_t> begins_;         // [batches + 1] first row of each batch
  std::map<index_t, lm::buffer> held_;  // rows of a batch that is not complete, by the first Linear of the input
};

// What takes a second look: the multiples of mse, the alphas of awq_lite.
class input_calibration::further_look final : public lm::linear_override {
 public:
  further_look(input_calibration& owner, const std::vector<weight_range>& weights,
               const std::function<void(index_t, index_t)>& observed)
      : owner_(owner), plan_(owner.plan_), pool_(owner.pool_), weights_(weights), observed_(observed) {
    const std::size_t linears = owner.model_.linears().size();
    for (std::size_t a = 0; a < plan_.activations.size(); ++a) {
      if (plan_.ranges[a] == calibration_method::mse) searches_.push_back({a, {}});
    }
    for (mse_search& s : searches_) s.losses.resize(linears);
    for (std::size_t k = 0; k < plan_.scales.size(); ++k) {
      if (plan_.scales[k].method == calibration_method::awq_lite) awq_.push_back({k, {}, {}});
    }
    for (awq_search& s : awq_) {
      s.shares.resize(linears);
      s.losses.assign(linears, std::vector<double>(alphas_.size(), 0.0));
    }
    positions_.assign(static_cast<std::size_t>(owner.rows_.batches()), 0.0);
    for (std::size_t row = 0; row < owner.multiplicities_.size(); ++row) {
      positions_[static_cast<std::size_t>(owner.batch_of(static_cast<std::int32_t>(row)))] +=
          static_cast<double>(owner.multiplicities_[row]);
    }
  }

  void run(const lm::pass_limits& limits) {
    const index_t batches = searches_.empty() ? owner_.awq_batches_ : owner_.rows_.batches();
    const index_t end = searches_.empty() ? owner_.awq_rows_ : owner_.rows_.rows();
    const lm::packed_rows rows = first_batches(owner_.rows_, batches, end);
    lm::layer_pass pass(owner_.model_, rows, pool_, limits, 0, awq_.empty() ? nullptr : this);
    pass.forward(lm::layer_pass::keep::last_state, awq_.empty() ? this : nullptr);
    owner_.costs_.linear_flops += pass.costs().linear_flops;
    ++owner_.costs_.passes;
    if (!awq_.empty()) {
      find_head_shares(limits);
      pass.logits([](index_t, index_t, lm::const_matrix) {});
      owner_.costs_.linear_flops += product_flops(rows.rows(), owner_.model_.linears().back().elements());
    }
    const index_t linears = static_cast<index_t>(owner_.model_.linears().size());
    for (index_t l = 0; l < linears; ++l) {
      const auto linear = static_cast<std::size_t>(l);
      for (const mse_search& s : searches_)
        owner_.found_[s.activation][linear].amax = s.losses[static_cast<std::size_t>(owner_.input_of_[linear])]->amax();
      for (const awq_search& s : awq_) {
        const std::vector<double>& losses = s.losses[linear];
        const auto best = static_cast<std::size_t>(std::min_element(losses.begin(), losses.end()) - losses.begin());
        owner_.scales_[s.scale][linear] =
            reciprocals(calibration::awq_scale(owner_.statistics_of(l).mean(), s.shares[linear], alphas_[best]));
      }
    }
  }

  [[nodiscard]] bool replaces(index_t) const override { return true; }

  void observe(const lm::linear_input& input) override {
    index_t weights = 0;
    for (index_t l = 0; l < input.linears; ++l)
      weights += owner_.model_.linears()[static_cast<std::size_t>(input.first_linear + l)].elements();
    const index_t searched = std::clamp<index_t>(owner_.awq_rows_ - input.first_row, 0, input.x.rows());
    if (observed_) {
      observed_(input.x.rows() + searched * static_cast<index_t>(awq_.size() * alphas_.size()), weights);
    }
    const auto times =
        std::span(owner_.multiplicities_)
            .subspan(static_cast<std::size_t>(input.first_row), static_cast<std::size_t>(input.x.rows()));
    for (mse_search& s : searches_) add_losses(s, input, times);
  }

  void compute(const lm::linear_call& call) override {
    for_each_chunk(pool_, call.x.rows(), task_rows, [&](index_t b, index_t e) {
      for (const lm::linear_product& p : call.outputs)
        lm::linear(lm::rows_of(call.x, b, e), p.weight, p.bias, lm::rows_of(p.y, b, e));
    });
    const index_t rows = std::lower_bound(call.rows.begin(), call.rows.end(), owner_.awq_rows_) - call.rows.begin();
    if (rows == 0) return;
    for (const lm::linear_product& p : call.outputs) {
      for (awq_search& s : awq_) search(s, call, p, rows);
    }
  }

 private:
  struct mse_search {
    std::size_t activation;
    std::vector<std::optional<calibration::multiplier_losses>> losses;  // [Linear], by the first of an input
  };
  struct awq_search {
    std::size_t scale;
    std::vector<std::vector<float>> shares;   // [Linear][in]
    std::vector<std::vector<double>> losses;  // [Linear][alpha]
  };

  // (quantized - x)^2 in double of a band under candidate m, by range.
  void add_losses(mse_search& s, const lm::linear_input& input, std::span<const std::int32_t> times) {
    const fake_recipe& recipe = *plan_.activations[s.activation];
    std::optional<calibration::multiplier_losses>& of_input = s.losses[static_cast<std::size_t>(input.first_linear)];
    if (!of_input) {
      of_input.emplace(recipe.needs_column_range() ? owner_.ranges_.channels(input.first_linear)
                                                   : std::vector<float>{owner_.ranges_.tensor(input.first_linear)});
    }
    calibration::multiplier_losses& losses = *of_input;
    const std::size_t multipliers = losses.multipliers().size();
    const index_t n = input.x.rows();
    const auto loss = [](float quantized, float x) {
      const float error = sub_rn(quantized, x);
      return static_cast<double>(mul_rn(error, error));
    };
    if (recipe.needs_column_range()) {
      // A task has some columns: their sums are nobody else's.
      for_each_chunk(pool_, input.x.cols(), columns_per_task, [&](index_t begin, index_t end) {
        const matrix_view<const float> x = columns_of(input.x, begin, end);
        lm::buffer memory(n * (end - begin));
        const matrix_view<float> out{memory.data(), {n, end - begin}};
        std::vector<float> ranges(static_cast<std::size_t>(end - begin));
        for (std::size_t m = 0; m < multipliers; ++m) {
          for (index_t c = begin; c < end; ++c)
            ranges[static_cast<std::size_t>(c - begin)] = losses.candidate(m, static_cast<std::size_t>(c));
          fake_quantize(recipe, x, out, ranges);
          for (index_t c = begin; c < end; ++c) {
            double sum = 0;
            for (index_t r = 0; r < n; ++r)
              sum += static_cast<double>(times[static_cast<std::size_t>(r)]) * loss(out(r, c - begin), x(r, c - begin));
            losses.add(m, static_cast<std::size_t>(c), sum);
          }
        }
      });
      return;
    }
    const auto tasks = static_cast<std::size_t>(ceil_div(n, task_rows));
    std::vector<double> partial(tasks * multipliers, 0.0);
    pool_.run(static_cast<index_t>(partial.size()), [&](index_t unit) {
      const std::size_t m = static_cast<std::size_t>(unit) % multipliers;
      const index_t begin = unit / static_cast<index_t>(multipliers) * task_rows;
      const index_t end = std::min(begin + task_rows, n);
      const lm::const_matrix x = lm::rows_of(input.x, begin, end);
      lm::buffer memory(x.size());
      const lm::matrix out = memory.view(x.rows(), x.cols());
      const float range = losses.candidate(m, 0);
      fake_quantize(recipe, view_of(x), view_of(out), {&range, 1});
      double& sum = partial[static_cast<std::size_t>(unit)];
      for (index_t r = 0; r < x.rows(); ++r) {
        double row = 0;
        for (index_t c = 0; c < x.cols(); ++c) row += loss(out(r, c), x(r, c));
        sum += static_cast<double>(times[static_cast<std::size_t>(begin + r)]) * row;
      }
    });
    for (std::size_t unit = 0; unit < partial.size(); ++unit) losses.add(unit % multipliers, 0, partial[unit]);
  }

  void find_head_shares(const lm::pass_limits& limits) {
    const index_t head = owner_.model_.head_linear();
    std::vector<share_parts> parts;
    for (const awq_search& s : awq_)
      parts.emplace_back(*plan_.scales[s.scale].weight, owner_.model_.linears()[static_cast<std::size_t>(head)].in);
    lm::head_slabs(owner_.model_, pool_, limits).for_each(1, [&](index_t, lm::const_matrix w, index_t, index_t) {
      for (share_parts& p : parts) p.observe(w, pool_);
    });
    for (std::size_t i = 0; i < awq_.size(); ++i) awq_[i].shares[static_cast<std::size_t>(head)] = parts[i].share();
  }

  // Adds the mean squared error of the outputs of each batch, for each alpha, over rows [0, rows) of the call.
  void search(awq_search& s, const lm::linear_call& call, const lm::linear_product& p, index_t rows) {
    const fake_recipe& recipe = *plan_.scales[s.scale].weight;
    const auto linear = static_cast<std::size_t>(p.linear);
    std::vector<float>& shares = s.shares[linear];
    if (shares.empty()) {  // a whole weight: the head's are there already
      share_parts parts(recipe, p.weight.cols());
      parts.observe(p.weight, pool_);
      shares = parts.share();
    }
    const std::vector<float> mean = owner_.statistics_of(p.linear).mean();
    const index_t out = p.weight.rows();
    const index_t in = p.weight.cols();
    if (memory_.size() < p.weight.size()) memory_ = lm::buffer(p.weight.size());
    const lm::matrix weight = memory_.view(out, in);
    const std::vector<float> ones(static_cast<std::size_t>(out), 1.0F);
    std::vector<double> errors(static_cast<std::size_t>(rows));
    for (std::size_t a = 0; a < alphas_.size(); ++a) {
      const std::vector<float> scale = calibration::awq_scale(mean, shares, alphas_[a]);
      const std::vector<float> inverse = reciprocals(scale);
      const std::vector<float> columns = scaled_columns(weights_[linear].columns, scale);
      const known_ranges ranges{columns, largest(columns), {}};
      for_each_chunk(pool_, out, band_rows(recipe), [&](index_t begin, index_t end) {
        const lm::matrix band = lm::rows_of(weight, begin, end);
        scale_columns(lm::rows_of(p.weight, begin, end), scale, band);
        quantize_weight_band(recipe, ranges, p.first_output + begin, lm::as_const(band), band);
      });
      for_each_chunk(pool_, rows, task_rows, [&](index_t begin, index_t end) {
        lm::buffer scratch((end - begin) * (in + out));
        const lm::matrix x = lm::as_matrix(scratch.data(), end - begin, in);
        const lm::matrix y = lm::as_matrix(scratch.data() + x.size(), end - begin, out);
        scale_columns(lm::rows_of(call.x, begin, end), inverse, x);
        lm::linear(lm::as_const(x), lm::as_const(weight), p.bias, y);
        for (index_t i = begin; i < end; ++i) {
          errors[static_cast<std::size_t>(i)] = sensitivity::gradient_score(ones.data(), y.data() + (i - begin) * out,
                                                                            p.y.data() + i * p.y.outerStride(), out);
        }
      });
      double& loss = s.losses[linear][a];
      for (index_t i = 0; i < rows; ++i) {
        const auto row = static_cast<std::size_t>(call.rows[static_cast<std::size_t>(i)]);
        const double positions = positions_[static_cast<std::size_t>(owner_.batch_of(static_cast<std::int32_t>(row)))];
        loss += errors[static_cast<std::size_t>(i)] * static_cast<double>(owner_.multiplicities_[row]) /
                (positions * static_cast<double>(owner_.model_.linears()[linear].out));
      }
    }
    owner_.costs_.linear_flops += static_cast<double>(alphas_.size()) * product_flops(rows, p.weight.size());
  }

  input_calibration& owner_;
  const job_plan& plan_;
  thread_pool& pool_;
  const std::vector<weight_range>& weights_;
  const std::function<void(index_t, index_t)>& observed_;
  std::vector<float> alphas_ = calibration::awq_alphas();
  std::vector<mse_search> searches_;
  std::vector<awq_search> awq_;
  std::vector<double> positions_;  // [batches], padding included
  lm::buffer memory_;              // a scaled and quantized weight
};

input_calibration::input_calibration(const lm::model& model, const lm::packed_rows& rows, const job_plan& plan,
                                     thread_pool& pool)
    : model_(model),
      rows_(rows),
      plan_(plan),
      pool_(pool),
      ranges_(model, rows, pool),
      multiplicities_(rows.multiplicities()),
      collector_(std::make_unique<batch_collector>(rows)),
      statistics_(model.linears().size()),
      input_of_(model.linears().size()),
      found_(plan.activations.size()),
      scales_(plan.scales.size(), std::vector<std::vector<float>>(model.linears().size())) {
  std::iota(input_of_.begin(), input_of_.end(), index_t{0});
  for (std::size_t a = 0; a < plan.ranges.size(); ++a) {
    if (is_of_histogram(plan.ranges[a]))
      (plan.activations[a]->needs_column_range() ? takes_channel_bins_ : takes_bins_) = true;
    looks_twice_ = looks_twice_ || plan.ranges[a] == calibration_method::mse;
  }
  for (const job_plan::input_scale& s : plan.scales)
    takes_means_ = takes_means_ || s.method == calibration_method::awq_lite;
  looks_twice_ = looks_twice_ || takes_means_;
  for (std::size_t a = 0; a < found_.size(); ++a) {
    if (plan.ranges[a] != calibration_method::max || plan.activation_scales[a] != job_plan::unscaled)
      found_[a].resize(model.linears().size());
  }
  if (!takes_means_) return;
  awq_batches_ = std::max<index_t>(1, rows.batches() / 4);
  for (const lm::sequence_rows& s : rows.sequences) {
    if (s.batch < awq_batches_) awq_rows_ = s.end();
  }
}

input_calibration::~input_calibration() = default;

input_calibration::statistics& input_calibration::statistics_of(index_t linear) const {
  return *statistics_[static_cast<std::size_t>(input_of_[static_cast<std::size_t>(linear)])];
}

void input_calibration::observe(const lm::linear_input& input) {
  ranges_.observe(input);
  std::fill_n(input_of_.begin() + input.first_linear, input.linears, input.first_linear);
  if (!takes_bins_ && !takes_channel_bins_ && !takes_means_) return;
  std::unique_ptr<statistics>& of = statistics_[static_cast<std::size_t>(input.first_linear)];
  if (!of) {
    of = std::make_unique<statistics>();
    of->channels.assign(static_cast<std::size_t>(input.x.cols()), 0.0F);
    const auto parts = static_cast<std::size_t>(ceil_div(input.x.cols(), columns_per_task));
    of->means.resize(parts);
    if (takes_channel_bins_) {
      const calibration::histogram_observer none(calibration::range_axis::columns, {.most_bins = most_channel_bins});
      of->channel_bins.assign(parts, none);
    }
  }
  if (const index_t searched = std::clamp<index_t>(awq_rows_ - input.first_row, 0, input.x.rows()); searched > 0)
    widen_columns(lm::rows_of(input.x, 0, searched), of->channels, pool_);
  collector_->observe(
      input, batch_of(static_cast<std::int32_t>(input.first_row)),
      [&](index_t batch, index_t first_row, lm::const_matrix x) {
        const auto times =
            std::span(multiplicities_).subspan(static_cast<std::size_t>(first_row), static_cast<std::size_t>(x.rows()));
        observe_batch(*of, batch, input.first_linear, x, times);
      });
  if (input.first_row + input.x.rows() == rows_.rows()) find_histogram_ranges(input);
}

void input_calibration::observe_batch(statistics& of, index_t batch, index_t linear, lm::const_matrix x,
                                      std::span<const std::int32_t> times) {
  if (takes_means_ && batch < awq_batches_) {
    for_each_chunk(pool_, x.cols(), columns_per_task, [&](index_t begin, index_t end) {
      of.means[static_cast<std::size_t>(begin / columns_per_task)].observe(columns_of(x, begin, end), times);
    });
  }
  const float top = ranges_.batches(linear)[static_cast<std::size_t>(batch)];
  if (!std::isfinite(top)) return;  // reported behind the pass
  if (takes_channel_bins_) {
    for_each_chunk(pool_, x.cols(), columns_per_task, [&](index_t begin, index_t end) {
      of.channel_bins[static_cast<std::size_t>(begin / columns_per_task)].observe(columns_of(x, begin, end), times);
    });
  }
  if (!takes_bins_) return;
  of.bins.prepare(top);
  std::vector<std::vector<std::int64_t>> parts(static_cast<std::size_t>(ceil_div(x.rows(), task_rows)));
  for_each_chunk(pool_, x.rows(), task_rows, [&](index_t begin, index_t end) {
    std::vector<std::int64_t> sum(of.bins.counts().size(), 0);
    const bool is_dense = x.outerStride() == x.cols();
    for (index_t row = begin; row < end;) {
      const std::int32_t count = times[static_cast<std::size_t>(row)];
      index_t next = row + 1;
      while (is_dense && next < end && times[static_cast<std::size_t>(next)] == count) ++next;
      const std::vector<std::int64_t> found =
          of.bins.count({x.data() + row * x.outerStride(), static_cast<std::size_t>((next - row) * x.cols())});
      for (std::size_t b = 0; b < sum.size(); ++b) sum[b] += count * found[b];
      row = next;
    }
    parts[static_cast<std::size_t>(begin / task_rows)] = std::move(sum);
  });
  for (const std::vector<std::int64_t>& part : parts) of.bins.add(part);
}

// Once all rows of an input were there: its histograms are not needed any more.
void input_calibration::find_histogram_ranges(const lm::linear_input& input) {
  statistics& of = statistics_of(input.first_linear);
  if (!std::isfinite(ranges_.tensor(input.first_linear))) return;  // reported behind the pass
  for (std::size_t a = 0; a < found_.size(); ++a) {
    if (!is_of_histogram(plan_.ranges[a])) continue;
    const fake_recipe& recipe = *plan_.activations[a];
    const int levels = 1 << (recipe.elements.code_bits - 1);
    const auto range_of = [&](const calibration::histogram& bins) {
      return plan_.ranges[a] == calibration_method::percentile
                 ? calibration::percentile_amax(bins.counts(), bins.edges(), kept_percent)
                 : calibration::entropy_amax(bins.counts(), bins.edges(), levels);
    };
    std::vector<float> amax;
    if (recipe.needs_column_range()) {
      amax.resize(of.channels.size());
      for_each_chunk(pool_, input.x.cols(), columns_per_task, [&](index_t begin, index_t end) {
        const auto& bins = of.channel_bins[static_cast<std::size_t>(begin / columns_per_task)].histograms();
        for (index_t c = begin; c < end; ++c)
          amax[static_cast<std::size_t>(c)] = range_of(bins[static_cast<std::size_t>(c - begin)]);
      });
    } else {
      amax = {range_of(of.bins)};
    }
    for (index_t l = 0; l < input.linears; ++l) found_[a][static_cast<std::size_t>(input.first_linear + l)].amax = amax;
  }
  of.bins = {};
  of.channel_bins.clear();
}

// The ranges of the activation variants behind an input scale.
void input_calibration::scale_ranges(std::size_t scale) {
  const bool is_awq = plan_.scales[scale].method == calibration_method::awq_lite;
  for (std::size_t a = 0; a < found_.size(); ++a) {
    const auto& recipe = plan_.activations[a];
    if (plan_.activation_scales[a] != scale || !recipe || input_range_of(*recipe) != input_range::calibrated) continue;
    for (std::size_t l = 0; l < found_[a].size(); ++l) {
      const auto linear = static_cast<index_t>(l);
      std::vector<float> scaled =
          scaled_columns(is_awq ? statistics_of(linear).channels : channels(linear), scales_[scale][l]);
      found_[a][l].amax = recipe->needs_column_range() ? std::move(scaled) : std::vector<float>{largest(scaled)};
    }
  }
}

index_t input_calibration::further_rows() const {
  if (!looks_twice_) return 0;
  const auto awq =
      static_cast<index_t>(std::count_if(plan_.scales.begin(), plan_.scales.end(), [](const job_plan::input_scale& s) {
        return s.method == calibration_method::awq_lite;
      }));
  const bool has_mse =
      std::find(plan_.ranges.begin(), plan_.ranges.end(), calibration_method::mse) != plan_.ranges.end();
  return (has_mse ? rows_.rows() : awq_rows_) +
         awq * awq_rows_ * static_cast<index_t>(calibration::awq_alphas().size());
}

void input_calibration::finish(const std::vector<weight_range>& weights, const lm::pass_limits& limits,
                               const std::function<void(index_t rows, index_t weights)>& observed) {
  ranges_.require_finite();
  const common::stopwatch watch(costs_.seconds);
  for (std::size_t k = 0; k < scales_.size(); ++k) {
    if (plan_.scales[k].method != calibration_method::smoothquant) continue;
    for (std::size_t l = 0; l < scales_[k].size(); ++l)
      scales_[k][l] = calibration::smoothquant_scale(weights[l].columns, channels(static_cast<index_t>(l)));
  }
  if (looks_twice_) further_look(*this, weights, observed).run(limits);
  for (std::size_t k = 0; k < scales_.size(); ++k) scale_ranges(k);
}

known_ranges input_calibration::ranges(std::size_t activation, index_t linear) const {
  if (found_[activation].empty()) return {ranges_.channels(linear), ranges_.tensor(linear), ranges_.batches(linear)};
  const std::vector<float>& amax = found_[activation][static_cast<std::size_t>(linear)].amax;
  return {amax, amax.empty() ? 0.0F : amax.front(), {}};
}

std::span<const float> input_calibration::scale(std::size_t scale, index_t linear) const {
  if (scale == job_plan::unscaled) return {};
  return scales_[scale][static_cast<std::size_t>(linear)];
}

calibration_table input_calibration::table() const {
  calibration_table all;
  for (const job_plan::pair& p : plan_.jobs) all.entry_of_job.push_back(p.activation);
  for (std::size_t a = 0; a < plan_.activations.size(); ++a) {
    const auto& recipe = plan_.activations[a];
    std::vector<linear_calibration>& entry = all.entries.emplace_back(model_.linears().size());
    for (std::size_t l = 0; l < entry.size(); ++l) {
      const auto linear = static_cast<index_t>(l);
      const std::span<const float> factors = scale(plan_.activation_scales[a], linear);
      entry[l].input_scale.assign(factors.begin(), factors.end());
      if (!recipe || input_range_of(*recipe) != input_range::calibrated) continue;
      const known_ranges known = ranges(a, linear);
      if (recipe->needs_column_range()) {
        entry[l].amax.assign(known.columns.begin(), known.columns.end());
      } else {
        entry[l].amax = {known.tensor};
      }
    }
  }
  return all;
}

calibration_table calibrate_jobs(const lm::model& model, const lm::packed_rows& rows, std::span<const job> jobs,
                                 thread_pool& pool, const lm::pass_limits& limits) {
  check_jobs(model, jobs);
  const job_plan plan = plan_jobs(jobs);
  const bool is_scaled = !plan.scales.empty();
  input_calibration found(model, rows, plan, pool);
  lm::layer_pass pass(model, rows, pool, limits);
  pass.forward(lm::layer_pass::keep::last_state, &found);
  found.finish(is_scaled ? find_weight_ranges(model, pool) : std::vector<weight_range>(), limits);
  return found.table();
}

}  // namespace qgrain::sweep
