#include <engine/calibrate/fake_linear.hpp>
#include <engine/calibrate/observed_rows.hpp>
#include <engine/calibrate/second_calibration_pass.hpp>
#include <lm/chunk.hpp>
#include <lm/division.hpp>
#include <lm/head_slabs.hpp>
#include <lm/operations.hpp>
#include <lm/pass.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace qgrain::engine {
namespace {

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

}  // namespace

input_calibration::second_pass::second_pass(input_calibration& owner, const std::vector<weight_range>& weights,
                                            const second_pass_observer& observed)
    : owner_(owner),
      weights_(weights),
      observed_(observed),
      alphas_(owner.plan_, owner.model_, owner.pool_),
      ranks_(owner.divides_second_pass() ? owner.ranks_ : nullptr) {
  const job_plan& plan = owner.plan_;
  for (std::size_t a = 0; a < plan.activations.size(); ++a) {
    if (plan.ranges[a] == calibration_method::mse)
      ranges_.emplace_back(a, *plan.activations[a], owner.model_.linears().size(), owner.ranks_);
  }
  positions_.assign(static_cast<std::size_t>(owner.rows_.batches()), 0.0);
  for (std::size_t row = 0; row < owner.multiplicities_.size(); ++row) {
    positions_[static_cast<std::size_t>(owner.batch_of(static_cast<std::int32_t>(row)))] +=
        static_cast<double>(owner.multiplicities_[row]);
  }
}

void input_calibration::second_pass::run() {
  const index_t batches = ranges_.empty() ? owner_.awq_batches_ : owner_.rows_.batches();
  const index_t end = ranges_.empty() ? owner_.awq_rows_ : owner_.rows_.rows();
  const lm::packed_rows rows = first_batches(owner_.rows_, batches, end);
  const bool computes = !alphas_.empty();
  // The rows that alphas are searched on are divided by themselves, as they take longest.
  lm::layer_pass pass({owner_.model_, rows, owner_.pool_, owner_.limits_, ranks_}, computes ? owner_.awq_batches_ : 0,
                      computes ? this : nullptr);
  pass.forward(lm::layer_pass::keep::last_state, computes ? nullptr : this);
  owner_.costs_.linear_flops += pass.costs().linear_flops;
  ++owner_.costs_.passes;
  if (computes) {
    search_head(pass, owner_.awq_rows_);
    owner_.costs_.linear_flops +=
        2.0 * static_cast<double>(owner_.awq_rows_) * static_cast<double>(owner_.model_.linears().back().elements());
  }
  keep_results();
}

// Whole pieces of the rows for each rank.
void input_calibration::second_pass::search_head(lm::layer_pass& pass, index_t rows) {
  alphas_.read_head(owner_.limits_);
  index_t begin = 0, end = rows;
  if (common::is_divided(ranks_)) {
    const index_t piece = lm::head_slabs(owner_.model_, owner_.pool_, owner_.limits_).piece();
    std::vector<index_t> sizes;
    for (index_t first = 0; first < rows; first += piece) sizes.push_back(std::min(piece, rows - first));
    const std::vector<index_t> bounds = lm::divide(sizes, ranks_->size());
    const auto rank = static_cast<std::size_t>(ranks_->rank());
    begin = std::min(bounds[rank] * piece, rows);
    end = std::min(bounds[rank + 1] * piece, rows);
  }
  if (begin < end) pass.logits(begin, end, [](index_t, index_t, lm::const_matrix) {});
  layer_end();
}

// Adds what all ranks have found.
void input_calibration::second_pass::layer_end() {
  if (!common::is_divided(ranks_)) return;
  const auto linears = static_cast<std::int64_t>(owner_.model_.linears().size());
  const std::int64_t of_alphas = static_cast<std::int64_t>(ranges_.size()) * linears;
  written_.exchange(*ranks_, [&](const ordered_addends::place& at, std::span<const double> values) {
    if (at.target < of_alphas) {
      ranges_[static_cast<std::size_t>(at.target / linears)].add(at.target % linears, owner_.ranges_, values);
    } else {
      alphas_.add(at.target - of_alphas, values);
    }
  });
}

void input_calibration::second_pass::keep_results() {
  for (std::size_t l = 0; l < owner_.model_.linears().size(); ++l) {
    for (const mse_range_search& s : ranges_) owner_.found_[s.activation()][l].amax = s.amax(owner_.input_of_[l]);
    if (!alphas_.has_seen(l)) continue;
    alphas_.for_each_scale(l, owner_.statistics_of(static_cast<index_t>(l)).mean(),
                           [&](std::size_t k, std::vector<float> scale) { owner_.scales_[k][l] = std::move(scale); });
  }
}

void input_calibration::second_pass::observe(const lm::linear_input& input) {
  index_t weights = 0;
  for (index_t l = 0; l < input.linears; ++l)
    weights += owner_.model_.linears()[static_cast<std::size_t>(input.first_linear + l)].elements();
  const index_t searched = rows_in_front(input, owner_.awq_rows_);
  if (observed_) observed_(input.x.rows() + searched * static_cast<index_t>(alphas_.trials()), weights);
  const observed_rows times(input, owner_.multiplicities_);
  std::int64_t target = input.first_linear;
  for (mse_range_search& s : ranges_) {
    s.observe(input, owner_.ranges_, times.all(), owner_.pool_, written(), target);
    target += static_cast<std::int64_t>(owner_.model_.linears().size());
  }
}

void input_calibration::second_pass::compute(const lm::linear_call& call) {
  lm::for_each_task(owner_.pool_, call.x.rows(), call.bundles, [&](index_t b, index_t e) {
    for (const lm::linear_product& p : call.outputs)
      lm::linear(lm::rows_of(call.x, b, e), p.weight, p.bias, lm::rows_of(p.y, b, e));
  });
  const index_t searched = std::lower_bound(call.rows.begin(), call.rows.end(), owner_.awq_rows_) - call.rows.begin();
  if (searched == 0) return;
  const awq_rows rows = rows_of_call(call, searched);
  const auto first_target = static_cast<std::int64_t>(ranges_.size() * owner_.model_.linears().size());
  for (const lm::linear_product& p : call.outputs) {
    owner_.costs_.linear_flops +=
        alphas_.observe(p, rows, owner_.statistics_of(p.linear).mean(),
                        weights_[static_cast<std::size_t>(p.linear)].columns, written(), first_target);
  }
}

// The first rows of a call.
awq_rows input_calibration::second_pass::rows_of_call(const lm::linear_call& call, index_t rows) const {
  awq_rows found{lm::rows_of(call.x, 0, rows), call.rows.front(), {}, {}, {}};
  for (const index_t bound : call.bundles) {
    if (bound <= rows) found.bundles.push_back(bound);
  }
  for (const std::int32_t row : call.rows.first(static_cast<std::size_t>(rows))) {
    found.times.push_back(static_cast<double>(owner_.multiplicities_[static_cast<std::size_t>(row)]));
    found.batch_size.push_back(positions_[static_cast<std::size_t>(owner_.batch_of(row))]);
  }
  return found;
}

}  // namespace qgrain::engine
