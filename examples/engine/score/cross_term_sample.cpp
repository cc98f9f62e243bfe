#include <engine/score/cross_term.hpp>
#include <engine/score/partial_sums.hpp>
#include <engine/score/term_portion.hpp>
#include <lm/chunk.hpp>
#include <lm/operations.hpp>

#include <qgrain/sensitivity/gradient_score.hpp>

#include <algorithm>
#include <array>

namespace qgrain::engine {
namespace {

// In the order of the tables of score_sums behind `score`.
using sample_sums = std::array<double, score_sums::tables - 1>;

// Some sampled rows: x, then x + dx and dx of each activation variant, one matrix after the other.
class sampled_inputs {
 public:
  sampled_inputs(const term_portion& p, const variant_maker& variants, std::span<const index_t> rows, thread_pool& pool)
      : rows_(static_cast<index_t>(rows.size())), in_(p.sample.x.cols()) {
    const auto activations = static_cast<index_t>(p.activations.size());
    memory_ = lm::buffer((1 + 2 * activations) * rows_ * in_);
    lm::matrix plain = matrix_of(0);
    for (index_t i = 0; i < rows_; ++i) plain.row(i) = p.sample.x.row(rows[static_cast<std::size_t>(i)]);
    pool.run(activations, [&](index_t a) {
      variants.inputs(p.sample, p.sample.outputs.front().linear, rows, p.activations[static_cast<std::size_t>(a)],
                      variant_maker::kind::change, matrix_of(1 + 2 * a));
      matrix_of(2 + 2 * a) = matrix_of(1 + 2 * a) - plain;
    });
  }
  [[nodiscard]] lm::const_matrix x() const { return at(0); }
  [[nodiscard]] lm::const_matrix changed(index_t activation) const { return at(1 + 2 * activation); }
  [[nodiscard]] lm::const_matrix change(index_t activation) const { return at(2 + 2 * activation); }

 private:
  [[nodiscard]] lm::matrix matrix_of(index_t place) {
    return lm::as_matrix(memory_.data() + place * rows_ * in_, rows_, in_);
  }
  [[nodiscard]] lm::const_matrix at(index_t place) const {
    return lm::as_matrix(memory_.data() + place * rows_ * in_, rows_, in_);
  }

  index_t rows_;
  index_t in_;
  lm::buffer memory_;
};

// The pairs of variants that a job of the portion takes.
std::vector<bool> pairs_with_cross_term(const term_portion& p) {
  const auto activations = static_cast<std::ptrdiff_t>(p.activations.size());
  std::vector<bool> has(p.weights.size() * p.activations.size());
  for (const term_portion::job_terms& terms : p.jobs) {
    if (terms.has_cross_term()) has[static_cast<std::size_t>(terms.weight * activations + terms.activation)] = true;
  }
  return has;
}

// The terms of one pair of variants at some rows and outputs; `minus`: -dX W^T, `without`: X dW^T, `with`: (X + dX)
// dW^T.
sample_sums sums_of_pair(const term_portion& p, const output_block& block, std::span<const index_t> rows,
                         lm::const_matrix minus, lm::const_matrix without, lm::const_matrix with) {
  const lm::linear_output& output = p.sample.outputs[block.output];
  const index_t width = block.width();
  sample_sums found{};
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const index_t row = rows[i];
    const float* g = output.gradient.data() + row * output.gradient.outerStride() + block.begin;
    const bool is_check =
        (sample_hash(p.sample.rows[static_cast<std::size_t>(row)], p.sample.outputs.front().linear) & 1U) != 0;
    const index_t offset = static_cast<index_t>(i) * width;
    const float* y = minus.data() + offset;
    const float* whole = with.data() + offset;
    const float* first_order = without.data() + offset;
    found[is_check ? 2 : 0] += sensitivity::gradient_score(g, first_order, y, width);
    found[is_check ? 3 : 1] += sensitivity::gradient_score(g, whole, first_order, width);
    if (is_check) found[4] += sensitivity::gradient_score(g, whole, y, width);
  }
  return found;
}

// found(weight, activation, sums) for each pair that a job takes, at some rows and outputs.
template <class Found>
void for_each_pair(const term_portion& p, const std::vector<bool>& has_cross_term, const sampled_inputs& inputs,
                   const output_block& block, std::span<const index_t> rows, const Found& found) {
  const auto weights = static_cast<index_t>(p.weights.size());
  const auto activations = static_cast<index_t>(p.activations.size());
  const auto n = static_cast<index_t>(rows.size());
  lm::buffer results((activations + 2) * n * block.width());
  const auto result = [&](index_t place) {
    return lm::as_matrix(results.data() + place * n * block.width(), n, block.width());
  };
  for (index_t a = 0; a < activations; ++a) {  // -dX W^T
    lm::matrix minus = result(2 + a);
    lm::linear(inputs.change(a), lm::rows_of(p.sample.outputs[block.output].weight, block.begin, block.end), {}, minus);
    minus *= -1.0F;
  }
  for (index_t w = 0; w < weights; ++w) {
    const lm::const_matrix change = lm::rows_of(p.change(block.output, w), block.begin, block.end);
    lm::linear(inputs.x(), change, {}, result(0));
    for (index_t a = 0; a < activations; ++a) {
      if (!has_cross_term[static_cast<std::size_t>(w * activations + a)]) continue;
      lm::linear(inputs.changed(a), change, {}, result(1));
      found(
          w, a,
          sums_of_pair(p, block, rows, lm::as_const(result(2 + a)), lm::as_const(result(0)), lm::as_const(result(1))));
    }
  }
}

}  // namespace

// With the cross term: D = (X + dX) dW^T + dX W^T. A unit of work is a block of outputs.
double separate_terms::score_sample(const term_portion& p, std::span<const index_t> rows, score_sums& sums) const {
  if (p.weights.empty() || p.activations.empty()) return 0;
  const std::vector<output_block> blocks = blocks_of(p.sample);
  const std::vector<bool> has_cross_term = pairs_with_cross_term(p);
  const auto jobs_with_cross_term =
      std::count_if(p.jobs.begin(), p.jobs.end(), [](const auto& terms) { return terms.has_cross_term(); });
  const double products =
      static_cast<double>(p.weights.size() + p.activations.size()) + static_cast<double>(jobs_with_cross_term);
  double flops = 0;
  const std::vector<index_t> bounds =
      lm::task_bounds(static_cast<index_t>(rows.size()), lm::bounds_among(rows, p.sample.bundles));
  for (std::size_t group = 0; group + 1 < bounds.size(); ++group) {
    const auto part = rows.subspan(static_cast<std::size_t>(bounds[group]),
                                   static_cast<std::size_t>(bounds[group + 1] - bounds[group]));
    const sampled_inputs inputs(p, variants_, part, pool_);
    partial_sums<sample_sums> partial(static_cast<index_t>(blocks.size()), p.jobs.size(), 1);
    pool_.run(static_cast<index_t>(blocks.size()), [&](index_t b) {
      if (stop_ && stop_()) return;
      for_each_pair(p, has_cross_term, inputs, blocks[static_cast<std::size_t>(b)], part,
                    [&](index_t w, index_t a, const sample_sums& found) {
                      for (std::size_t j = 0; j < p.jobs.size(); ++j) {
                        if (p.jobs[j].weight == w && p.jobs[j].activation == a) partial.at(b, j, 0) = found;
                      }
                    });
    });
    for (std::size_t b = 0; b < blocks.size(); ++b) {
      const auto linear = static_cast<std::size_t>(p.sample.outputs[blocks[b].output].linear);
      for (std::size_t j = 0; j < p.jobs.size(); ++j) {
        const sample_sums& found = partial.at(static_cast<index_t>(b), j, 0);
        for (std::size_t t = 0; t < found.size(); ++t)
          sums.add(static_cast<score_sums::table>(score_sums::fit_without + t), p.jobs[j].job, linear, found[t]);
      }
      flops += product_flops(products, static_cast<index_t>(part.size()), blocks[b].width() * p.sample.x.cols());
    }
  }
  return flops;
}

}  // namespace qgrain::engine
