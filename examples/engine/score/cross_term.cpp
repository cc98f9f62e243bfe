#include <engine/score/cross_term.hpp>
#include <lm/operations.hpp>

#include <qgrain/sensitivity/gradient_score.hpp>

#include <algorithm>
#include <array>
#include <cmath>

namespace qgrain::sweep {
namespace {

constexpr index_t block_outputs = 256;
constexpr index_t sample_one_in = 24;
constexpr index_t least_sample = 64;

// splitmix64.
std::uint64_t hash_of(std::int32_t row, index_t linear) {
  std::uint64_t z = (static_cast<std::uint64_t>(linear) << 32U) + static_cast<std::uint64_t>(row) + 0x9e3779b97f4a7c15U;
  z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
  z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
  return z ^ (z >> 31U);
}

// In the order of the tables of score_sums behind `score`.
using sample_sums = std::array<double, score_sums::tables - 1>;

struct output_block {
  std::size_t output;
  index_t begin;
  index_t end;
};

std::vector<output_block> blocks_of(const lm::linear_sample& sample) {
  std::vector<output_block> blocks;
  for (std::size_t o = 0; o < sample.outputs.size(); ++o) {
    const index_t out = sample.outputs[o].weight.rows();
    for (index_t begin = 0; begin < out; begin += block_outputs)
      blocks.push_back({o, begin, std::min(begin + block_outputs, out)});
  }
  return blocks;
}

double product_flops(double products, index_t rows, index_t weights) {
  return 2.0 * products * static_cast<double>(rows) * static_cast<double>(weights);
}

}  // namespace

// The quantized variants of a portion by their place in it.
struct separate_terms::portion {
  const lm::linear_sample& sample;
  std::vector<std::size_t> weights;      // variant - first
  std::vector<std::size_t> activations;  // of the plan
  const std::vector<std::vector<lm::const_matrix>>& changes;
  struct job_terms {
    std::size_t job;
    std::ptrdiff_t weight;      // place among `weights`, -1: unquantized
    std::ptrdiff_t activation;  // place among `activations`, -1: unquantized
  };
  std::vector<job_terms> jobs;
};

separate_terms::separate_terms(const job_plan& plan, const variant_maker& variants, thread_pool& pool, index_t rows,
                               std::function<bool()> stop)
    : plan_(plan), variants_(variants), pool_(pool), stop_(std::move(stop)) {
  const double wanted = static_cast<double>(std::max(rows / sample_one_in, least_sample));
  const double share = wanted / static_cast<double>(std::max<index_t>(rows, 1));
  threshold_ = share >= 1 ? ~std::uint64_t{0} : static_cast<std::uint64_t>(std::ldexp(share, 64));
}

double separate_terms::score(const lm::linear_sample& sample, std::span<const index_t> rows, std::size_t first,
                             const std::vector<std::vector<lm::const_matrix>>& changes, score_sums& sums) const {
  double flops = score_part(sample, rows, first, changes, false, sums);
  for (std::size_t o = 0; o < sample.outputs.size() && !plan_.scales.empty(); ++o)
    flops += score_part({sample.x, sample.rows, sample.outputs.subspan(o, 1)}, rows, first, {changes[o]}, true, sums);
  return flops;
}

// The jobs with or those without an input scale.
double separate_terms::score_part(const lm::linear_sample& sample, std::span<const index_t> rows, std::size_t first,
                                  const std::vector<std::vector<lm::const_matrix>>& changes, bool is_scaled,
                                  score_sums& sums) const {
  portion p{sample, {}, {}, changes, {}};
  const std::size_t end = first + changes.front().size();
  const auto place_of = [](std::vector<std::size_t>& list, std::size_t value) {
    const auto found = std::find(list.begin(), list.end(), value);
    const auto place = found - list.begin();
    if (found == list.end()) list.push_back(value);
    return place;
  };
  for (std::size_t j = 0; j < plan_.jobs.size(); ++j) {
    const job_plan::pair& pair = plan_.jobs[j];
    if (pair.weight < first || pair.weight >= end || !plan_.is_scored(pair)) continue;
    if (variants_.is_scaled(pair.activation) != is_scaled) continue;
    p.jobs.push_back({j, plan_.weights[pair.weight] ? place_of(p.weights, pair.weight - first) : -1,
                      plan_.activations[pair.activation] ? place_of(p.activations, pair.activation) : -1});
  }
  if (p.jobs.empty()) return 0;
  std::vector<index_t> sampled;
  for (const index_t row : rows) {
    if (hash_of(sample.rows[static_cast<std::size_t>(row)], sample.outputs.front().linear) <= threshold_)
      sampled.push_back(row);
  }
  return score_terms(p, rows, sums) + score_sample(p, sampled, sums);
}

// A unit of work is a task of rows. G A and G B of a block of outputs stand as rows of two panels, whose product holds
// the mixed sums of all pairs.
double separate_terms::score_terms(const portion& p, std::span<const index_t> rows, score_sums& sums) const {
  const auto count = static_cast<index_t>(rows.size());
  const index_t in = p.sample.x.cols();
  const auto weights = static_cast<index_t>(p.weights.size());
  const auto activations = static_cast<index_t>(p.activations.size());
  const std::size_t outputs = p.sample.outputs.size();
  const index_t tasks = ceil_div(count, task_rows);
  const std::vector<output_block> blocks = blocks_of(p.sample);
  std::vector<double> partial(static_cast<std::size_t>(tasks) * p.jobs.size() * outputs, 0.0);
  pool_.run(tasks, [&](index_t task) {
    if (stop_ && stop_()) return;
    const index_t n = std::min(task_rows, count - task * task_rows);
    const auto part = rows.subspan(static_cast<std::size_t>(task * task_rows), static_cast<std::size_t>(n));
    const index_t panel_floats = n * block_outputs;
    lm::buffer inputs((1 + activations) * n * in);
    lm::buffer panels((weights + activations) * panel_floats + weights * activations);
    lm::matrix x = lm::as_matrix(inputs.data(), n, in);
    for (index_t i = 0; i < n; ++i) x.row(i) = p.sample.x.row(part[static_cast<std::size_t>(i)]);
    const std::vector<float> zeros(static_cast<std::size_t>(block_outputs), 0.0F);
    const auto change_of_input = [&](index_t a) { return lm::as_matrix(inputs.data() + (1 + a) * n * in, n, in); };
    for (index_t a = 0; a < activations; ++a) {
      lm::matrix dx = change_of_input(a);
      variants_.inputs(p.sample, p.sample.outputs.front().linear, part, p.activations[static_cast<std::size_t>(a)],
                       variant_maker::kind::change, dx);
      dx -= x;
    }
    for (const output_block& block : blocks) {
      const lm::linear_output& output = p.sample.outputs[block.output];
      const index_t width = block.end - block.begin;
      const index_t length = n * width;
      const auto panel = [&](index_t place) { return panels.data() + place * length; };
      std::vector<double> squares;
      const auto times_gradient = [&](float* values) {
        double sum = 0;
        for (index_t i = 0; i < n; ++i, values += width) {
          const float* g =
              output.gradient.data() + part[static_cast<std::size_t>(i)] * output.gradient.outerStride() + block.begin;
          sum += sensitivity::gradient_score(g, values, zeros.data(), width);
          for (index_t c = 0; c < width; ++c) values[c] *= g[c];
        }
        squares.push_back(sum);
      };
      for (index_t w = 0; w < weights; ++w) {
        const lm::const_matrix& change = p.changes[block.output][p.weights[static_cast<std::size_t>(w)]];
        lm::linear(lm::as_const(x), lm::rows_of(change, block.begin, block.end), {}, lm::as_matrix(panel(w), n, width));
        times_gradient(panel(w));
      }
      for (index_t a = 0; a < activations; ++a) {
        lm::linear(lm::as_const(change_of_input(a)), lm::rows_of(output.weight, block.begin, block.end), {},
                   lm::as_matrix(panel(weights + a), n, width));
        times_gradient(panel(weights + a));
      }
      const lm::matrix mixed =
          lm::as_matrix(panels.data() + (weights + activations) * panel_floats, weights, activations);
      if (weights > 0 && activations > 0) {
        lm::linear(lm::as_const(lm::as_matrix(panel(0), weights, length)),
                   lm::as_const(lm::as_matrix(panel(weights), activations, length)), {}, mixed);
      }
      for (std::size_t j = 0; j < p.jobs.size(); ++j) {
        const portion::job_terms& terms = p.jobs[j];
        double sum = 0;
        if (terms.weight >= 0) sum += squares[static_cast<std::size_t>(terms.weight)];
        if (terms.activation >= 0) sum += squares[static_cast<std::size_t>(weights + terms.activation)];
        if (terms.weight >= 0 && terms.activation >= 0)
          sum += 2 * static_cast<double>(mixed(terms.weight, terms.activation));
        partial[(static_cast<std::size_t>(task) * p.jobs.size() + j) * outputs + block.output] += sum;
      }
    }
  });
  double flops = 0;
  for (std::size_t o = 0; o < outputs; ++o) {
    const lm::linear_output& output = p.sample.outputs[o];
    for (std::size_t j = 0; j < p.jobs.size(); ++j) {
      double& sum = sums.at(score_sums::score, p.jobs[j].job, static_cast<std::size_t>(output.linear));
      for (index_t task = 0; task < tasks; ++task)
        sum += partial[(static_cast<std::size_t>(task) * p.jobs.size() + j) * outputs + o];
    }
    flops += product_flops(static_cast<double>(weights + activations), count, output.weight.size()) +
             product_flops(static_cast<double>(weights * activations), count, output.weight.rows());
  }
  return flops;
}

// With it: D = (X + dX) dW^T + dX W^T. A unit of work is a block of outputs.
double separate_terms::score_sample(const portion& p, std::span<const index_t> rows, score_sums& sums) const {
  const auto weights = static_cast<index_t>(p.weights.size());
  const auto activations = static_cast<index_t>(p.activations.size());
  if (weights == 0 || activations == 0) return 0;
  const index_t in = p.sample.x.cols();
  const std::vector<output_block> blocks = blocks_of(p.sample);
  std::vector<bool> has_cross_term(static_cast<std::size_t>(weights * activations));
  std::size_t pairs = 0;
  for (const portion::job_terms& terms : p.jobs) {
    if (terms.weight < 0 || terms.activation < 0) continue;
    has_cross_term[static_cast<std::size_t>(terms.weight * activations + terms.activation)] = true;
    ++pairs;
  }
  double flops = 0;
  for (std::size_t begin = 0; begin < rows.size(); begin += static_cast<std::size_t>(task_rows)) {
    const auto part = rows.subspan(begin, std::min(rows.size() - begin, static_cast<std::size_t>(task_rows)));
    const auto n = static_cast<index_t>(part.size());
    lm::buffer inputs((1 + 2 * activations) * n * in);  // X, then X + dX and dX of each variant
    const auto input = [&](index_t place) { return lm::as_matrix(inputs.data() + place * n * in, n, in); };
    lm::matrix x = input(0);
    for (index_t i = 0; i < n; ++i) x.row(i) = p.sample.x.row(part[static_cast<std::size_t>(i)]);
    pool_.run(activations, [&](index_t a) {
      variants_.inputs(p.sample, p.sample.outputs.front().linear, part, p.activations[static_cast<std::size_t>(a)],
                       variant_maker::kind::change, input(1 + 2 * a));
      input(2 + 2 * a) = input(1 + 2 * a) - x;
    });
    std::vector<sample_sums> partial(blocks.size() * p.jobs.size());
    pool_.run(static_cast<index_t>(blocks.size()), [&](index_t b) {
      if (stop_ && stop_()) return;
      const output_block& block = blocks[static_cast<std::size_t>(b)];
      const lm::linear_output& output = p.sample.outputs[block.output];
      const index_t width = block.end - block.begin;
      lm::buffer results((activations + 2) * n * width);
      const auto result = [&](index_t place) { return lm::as_matrix(results.data() + place * n * width, n, width); };
      for (index_t a = 0; a < activations; ++a) {  // -dX W^T
        lm::matrix minus = result(2 + a);
        lm::linear(lm::as_const(input(2 + 2 * a)), lm::rows_of(output.weight, block.begin, block.end), {}, minus);
        minus *= -1.0F;
      }
      for (index_t w = 0; w < weights; ++w) {
        const lm::const_matrix change =
            lm::rows_of(p.changes[block.output][p.weights[static_cast<std::size_t>(w)]], block.begin, block.end);
        const lm::matrix without = result(0);
        const lm::matrix with = result(1);
        lm::linear(lm::as_const(x), change, {}, without);
        for (index_t a = 0; a < activations; ++a) {
          if (!has_cross_term[static_cast<std::size_t>(w * activations + a)]) continue;
          lm::linear(lm::as_const(input(1 + 2 * a)), change, {}, with);
          const lm::matrix minus = result(2 + a);
          sample_sums found{};
          for (index_t i = 0; i < n; ++i) {
            const index_t row = part[static_cast<std::size_t>(i)];
            const float* g = output.gradient.data() + row * output.gradient.outerStride() + block.begin;
            const bool is_check =
                (hash_of(p.sample.rows[static_cast<std::size_t>(row)], p.sample.outputs.front().linear) & 1U) != 0;
            const float* y = minus.data() + i * width;
            const float* whole = with.data() + i * width;
            const float* first_order = without.data() + i * width;
            found[is_check ? 2 : 0] += sensitivity::gradient_score(g, first_order, y, width);
            found[is_check ? 3 : 1] += sensitivity::gradient_score(g, whole, first_order, width);
            if (is_check) found[4] += sensitivity::gradient_score(g, whole, y, width);
          }
          for (std::size_t j = 0; j < p.jobs.size(); ++j) {
            if (p.jobs[j].weight != w || p.jobs[j].activation != a) continue;
            partial[static_cast<std::size_t>(b) * p.jobs.size() + j] = found;
          }
        }
      }
    });
    for (std::size_t b = 0; b < blocks.size(); ++b) {
      const lm::linear_output& output = p.sample.outputs[blocks[b].output];
      for (std::size_t j = 0; j < p.jobs.size(); ++j) {
        const sample_sums& found = partial[b * p.jobs.size() + j];
        const auto linear = static_cast<std::size_t>(output.linear);
        for (std::size_t t = 0; t < found.size(); ++t)
          sums.at(static_cast<score_sums::table>(score_sums::fit_without + t), p.jobs[j].job, linear) += found[t];
      }
      flops += product_flops(static_cast<double>(weights + activations) + static_cast<double>(pairs), n,
                             (blocks[b].end - blocks[b].begin) * in);
    }
  }
  return flops;
}

std::vector<std::vector<double>> finished_scores(const score_sums& sums, cross_term mode, const job_plan& plan,
                                                 std::vector<cross_term_error>& errors) {
  std::vector<std::vector<double>> scores;
  errors.clear();
  // Of the cross term its own square alone; its products with the other terms may have either sign and are left out.
  const auto factor = [&](double cross, double without) {
    return mode == cross_term::sampled && without > 0 ? 1 + cross / without : 1.0;
  };
  for (std::size_t j = 0; j < plan.jobs.size(); ++j) {
    std::vector<double>& job = scores.emplace_back();
    cross_term_error error;
    double expected = 0;
    double found = 0;
    for (std::size_t l = 0; l < sums.linears; ++l) {
      const double score = sums.at(score_sums::score, j, l);
      if (mode == cross_term::exact) {
        job.push_back(score);
        continue;
      }
      const double fit_without = sums.at(score_sums::fit_without, j, l);
      const double fit_cross = sums.at(score_sums::fit_cross, j, l);
      const double without = sums.at(score_sums::check_without, j, l);
      const double cross = sums.at(score_sums::check_cross, j, l);
      const double whole = sums.at(score_sums::check_whole, j, l);
      job.push_back(std::max(score, 0.0) * factor(fit_cross + cross, fit_without + without));
      const double estimate = without * factor(fit_cross, fit_without);
      expected += whole;
      found += estimate;
      if (whole > 0) error.largest = std::max(error.largest, std::abs(estimate / whole - 1));
    }
    if (expected > 0) error.sum = std::abs(found / expected - 1);
    if (mode != cross_term::exact) errors.push_back(error);
  }
  return scores;
}

}  // namespace qgrain::sweep
