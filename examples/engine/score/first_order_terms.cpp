#include <engine/score/cross_term.hpp>
#include <engine/score/partial_sums.hpp>
#include <engine/score/term_portion.hpp>
#include <lm/chunk.hpp>
#include <lm/operations.hpp>

#include <qgrain/sensitivity/gradient_score.hpp>

#include <algorithm>

namespace qgrain::engine {
namespace {

// A task of rows of a sample: x and its changes under each activation variant, one matrix after the other.
class task_inputs {
 public:
  task_inputs(const term_portion& p, const variant_maker& variants, std::span<const index_t> rows)
      : rows_(static_cast<index_t>(rows.size())),
        in_(p.sample.x.cols()),
        memory_((1 + static_cast<index_t>(p.activations.size())) * rows_ * in_) {
    lm::matrix plain = matrix_of(0);
    for (index_t i = 0; i < rows_; ++i) plain.row(i) = p.sample.x.row(rows[static_cast<std::size_t>(i)]);
    for (std::size_t a = 0; a < p.activations.size(); ++a) {
      lm::matrix dx = matrix_of(1 + static_cast<index_t>(a));
      variants.inputs(p.sample, p.sample.outputs.front().linear, rows, p.activations[a], variant_maker::kind::change,
                      dx);
      dx -= plain;
    }
  }
  [[nodiscard]] lm::const_matrix x() const { return lm::as_matrix(memory_.data(), rows_, in_); }
  [[nodiscard]] lm::const_matrix change(index_t activation) const {
    return lm::as_matrix(memory_.data() + (1 + activation) * rows_ * in_, rows_, in_);
  }

 private:
  [[nodiscard]] lm::matrix matrix_of(index_t place) {
    return lm::as_matrix(memory_.data() + place * rows_ * in_, rows_, in_);
  }

  index_t rows_;
  index_t in_;
  lm::buffer memory_;
};

// G A of each weight variant and G B of each activation variant for a task of rows and a block of outputs, as rows of
// two panels, whose product holds the mixed sums of all pairs.
class term_panels {
 public:
  term_panels(const term_portion& p, index_t rows)
      : p_(p),
        rows_(rows),
        weights_(static_cast<index_t>(p.weights.size())),
        activations_(static_cast<index_t>(p.activations.size())),
        memory_((weights_ + activations_) * rows * block_outputs + weights_ * activations_),
        zeros_(static_cast<std::size_t>(block_outputs), 0.0F) {}

  void fill(const task_inputs& inputs, const output_block& block, std::span<const index_t> rows) {
    const lm::linear_output& output = p_.sample.outputs[block.output];
    squares_.clear();
    length_ = rows_ * block.width();
    for (index_t w = 0; w < weights_; ++w) {
      lm::linear(inputs.x(), lm::rows_of(p_.change(block.output, w), block.begin, block.end), {},
                 lm::as_matrix(panel(w), rows_, block.width()));
      times_gradient(output, block, rows, panel(w));
    }
    for (index_t a = 0; a < activations_; ++a) {
      lm::linear(inputs.change(a), lm::rows_of(output.weight, block.begin, block.end), {},
                 lm::as_matrix(panel(weights_ + a), rows_, block.width()));
      times_gradient(output, block, rows, panel(weights_ + a));
    }
    if (weights_ > 0 && activations_ > 0) {
      lm::linear(lm::as_const(lm::as_matrix(panel(0), weights_, length_)),
                 lm::as_const(lm::as_matrix(panel(weights_), activations_, length_)), {}, mixed());
    }
  }

  // sum (G A)^2 + sum (G B)^2 + 2 sum (G A)(G B) of a job.
  [[nodiscard]] double sum_of(const term_portion::job_terms& terms) {
    double sum = 0;
    if (terms.weight >= 0) sum += squares_[static_cast<std::size_t>(terms.weight)];
    if (terms.activation >= 0) sum += squares_[static_cast<std::size_t>(weights_ + terms.activation)];
    if (terms.has_cross_term()) sum += 2 * static_cast<double>(mixed()(terms.weight, terms.activation));
    return sum;
  }

 private:
  [[nodiscard]] float* panel(index_t place) { return memory_.data() + place * length_; }
  [[nodiscard]] lm::matrix mixed() {
    return lm::as_matrix(memory_.data() + (weights_ + activations_) * rows_ * block_outputs, weights_, activations_);
  }
  void times_gradient(const lm::linear_output& output, const output_block& block, std::span<const index_t> rows,
                      float* values) {
    double sum = 0;
    for (const index_t row : rows) {
      const float* g = output.gradient.data() + row * output.gradient.outerStride() + block.begin;
      sum += sensitivity::gradient_score(g, values, zeros_.data(), block.width());
      for (index_t c = 0; c < block.width(); ++c) values[c] *= g[c];
      values += block.width();
    }
    squares_.push_back(sum);
  }

  const term_portion& p_;
  index_t rows_;
  index_t weights_;
  index_t activations_;
  lm::buffer memory_;
  std::vector<float> zeros_;
  std::vector<double> squares_;  // [weights + activations]
  index_t length_ = 0;           // floats of one row of a panel
};

}  // namespace

// A unit of work is a task of rows.
double separate_terms::score_terms(const term_portion& p, std::span<const index_t> rows, score_sums& sums) const {
  const auto count = static_cast<index_t>(rows.size());
  const auto weights = static_cast<index_t>(p.weights.size());
  const auto activations = static_cast<index_t>(p.activations.size());
  const std::vector<index_t> bounds = lm::task_bounds(count, lm::bounds_among(rows, p.sample.bundles));
  const auto tasks = static_cast<index_t>(bounds.size()) - 1;
  const std::vector<output_block> blocks = blocks_of(p.sample);
  partial_sums<double> partial(tasks, p.jobs.size(), p.sample.outputs.size());
  pool_.run(tasks, [&](index_t task) {
    if (stop_ && stop_()) return;
    const auto first = static_cast<std::size_t>(bounds[static_cast<std::size_t>(task)]);
    const index_t n = bounds[static_cast<std::size_t>(task) + 1] - bounds[static_cast<std::size_t>(task)];
    const auto part = rows.subspan(first, static_cast<std::size_t>(n));
    const task_inputs inputs(p, variants_, part);
    term_panels panels(p, n);
    for (const output_block& block : blocks) {
      panels.fill(inputs, block, part);
      for (std::size_t j = 0; j < p.jobs.size(); ++j) partial.at(task, j, block.output) += panels.sum_of(p.jobs[j]);
    }
  });
  double flops = 0;
  for (std::size_t o = 0; o < p.sample.outputs.size(); ++o) {
    const lm::linear_output& output = p.sample.outputs[o];
    for (std::size_t j = 0; j < p.jobs.size(); ++j) {
      const auto linear = static_cast<std::size_t>(output.linear);
      for (index_t task = 0; task < tasks; ++task)
        sums.add(score_sums::score, p.jobs[j].job, linear, partial.at(task, j, o));
    }
    flops += product_flops(static_cast<double>(weights + activations), count, output.weight.size()) +
             product_flops(static_cast<double>(weights * activations), count, output.weight.rows());
  }
  return flops;
}

}  // namespace qgrain::engine
