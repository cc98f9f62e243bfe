#include <common/stopwatch.hpp>
#include <engine/score/exact_products.hpp>
#include <lm/chunk.hpp>
#include <lm/operations.hpp>

#include <qgrain/sensitivity/gradient_score.hpp>
#include <qgrain/sensitivity/output_error.hpp>

#include <algorithm>
#include <utility>

namespace qgrain::engine {
namespace {

constexpr index_t tile_rows = 512;
constexpr index_t tile_outputs = 512;

// Whether these rows are all of a run.
bool is_run(std::span<const index_t> rows) {
  return rows.back() - rows.front() + 1 == static_cast<index_t>(rows.size());
}

// Bounds of parts of at most tile_rows: of each bundle's rows that are there, equal ones. No bundles: of all rows.
std::vector<index_t> part_bounds(std::span<const index_t> rows, std::span<const index_t> bundles) {
  std::vector<index_t> within = lm::bounds_among(rows, bundles);
  if (within.empty()) within = {0, static_cast<index_t>(rows.size())};
  std::vector<index_t> bounds{0};
  for (std::size_t b = 0; b + 1 < within.size(); ++b) {
    const index_t size = within[b + 1] - within[b];
    const index_t parts = ceil_div(size, tile_rows);
    for (index_t p = 1; p <= parts; ++p) bounds.push_back(within[b] + size * p / parts);
  }
  return bounds;
}

}  // namespace

// An activation variant behind an input scale has other inputs for each Linear.
std::vector<exact_products::input> exact_products::inputs_of(const call& of) const {
  std::vector<input> inputs;
  for (std::size_t a = 0; a < plan_.activations.size(); ++a) {
    input made;
    made.activation = a;
    for (std::size_t place = 0; place < of.jobs.size(); ++place) {
      if (plan_.jobs[of.jobs[place]].activation == a) made.jobs.push_back(place);
    }
    if (made.jobs.empty()) continue;
    const std::size_t outputs = of.sample.outputs.size();
    const std::size_t step = variants_.is_scaled(a) ? 1 : outputs;
    for (std::size_t o = 0; o < outputs; o += step) {
      made.first_output = o;
      made.end_output = o + step;
      inputs.push_back(made);
    }
  }
  return inputs;
}

// Rows that are left as they are and lie together are read where they are.
void exact_products::make_inputs(const call& of, std::span<input> inputs, scoring_parts& times) {
  const auto count = static_cast<index_t>(of.rows.size());
  const index_t in = of.sample.x.cols();
  std::vector<std::pair<const input*, lm::matrix>> made;
  for (input& i : inputs) {
    if (variants_.keeps(i.activation) && is_run(of.rows)) {
      i.stride = of.sample.x.outerStride();
      i.x = of.sample.x.data() + of.rows.front() * i.stride;
      continue;
    }
    const lm::matrix x = lm::as_matrix(memory_.data() + static_cast<index_t>(made.size()) * count * in, count, in);
    i.x = x.data();
    i.stride = in;
    made.emplace_back(&i, x);
  }
  const index_t tasks = ceil_div(count, lm::task_rows);
  std::vector<double> seconds(static_cast<std::size_t>(tasks) * made.size());
  pool_.run(static_cast<index_t>(seconds.size()), [&](index_t unit) {
    const common::stopwatch watch(seconds[static_cast<std::size_t>(unit)]);
    const auto& [i, x] = made[static_cast<std::size_t>(unit / tasks)];
    const index_t begin = unit % tasks * lm::task_rows;
    const index_t end = std::min(begin + lm::task_rows, count);
    variants_.inputs(of.sample, of.sample.outputs[i->first_output].linear,
                     of.rows.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin)),
                     i->activation, variant_maker::kind::value, lm::rows_of(x, begin, end));
  });
  for (const double s : seconds) times.inputs += s;
}

// Tiles of the same rows and outputs, whose Y and G are the same, lie together, and of these those of the same input.
std::vector<exact_products::tile> exact_products::tiles_of(const call& of, std::span<const index_t> bounds,
                                                           std::span<const input> inputs) const {
  std::vector<tile> tiles;
  const auto add_jobs = [&](tile t) {
    for (const input& i : inputs) {
      if (t.output < i.first_output || t.output >= i.end_output) continue;
      t.from = &i;
      for (const std::size_t job : i.jobs) {
        t.job = job;
        tiles.push_back(t);
      }
    }
  };
  for (std::size_t o = 0; o < of.sample.outputs.size(); ++o) {
    const index_t out = of.sample.outputs[o].weight.rows();
    for (index_t first = 0; first < out; first += tile_outputs) {
      const index_t outputs = std::min(tile_outputs, out - first);
      for (std::size_t p = 0; p + 1 < bounds.size(); ++p)
        add_jobs({nullptr, o, 0, static_cast<index_t>(p), bounds[p], bounds[p + 1] - bounds[p], first, outputs});
    }
  }
  return tiles;
}

output_sums exact_products::score_tile(const call& of, const tile& t, scoring_parts& times) const {
  const lm::linear_output& output = of.sample.outputs[t.output];
  const lm::const_matrix quantized = of.from.variants[t.output][plan_.jobs[of.jobs[t.job]].weight - of.from.first];
  lm::buffer memory(t.rows * t.outputs);
  const lm::matrix changed = memory.view(t.rows, t.outputs);
  {
    const common::stopwatch watch(times.products);
    const lm::const_matrix x(t.from->x + t.first_row * t.from->stride, t.rows, of.sample.x.cols(),
                             Eigen::OuterStride<>(t.from->stride));
    const auto bias = output.bias.empty() ? output.bias
                                          : output.bias.subspan(static_cast<std::size_t>(t.first_output),
                                                                static_cast<std::size_t>(t.outputs));
    if (quantized.size() == 0) {
      lm::linear(x, lm::rows_of(output.weight, t.first_output, t.first_output + t.outputs), bias, changed);
    } else {
      const Eigen::OuterStride<> stride(quantized.outerStride());
      const lm::const_matrix w(quantized.data() + t.first_output, quantized.rows(), t.outputs, stride);
      lm::linear_transposed(x, w, bias, changed);
    }
  }
  const common::stopwatch watch(times.sums);
  output_sums sums;
  const float* y_q = changed.data();
  for (index_t i = 0; i < t.rows; ++i, y_q += t.outputs) {
    const index_t row = of.rows[static_cast<std::size_t>(t.first_row + i)];
    const float* y = output.y.data() + row * output.y.outerStride() + t.first_output;
    const float* g = output.gradient.data() + row * output.gradient.outerStride() + t.first_output;
    sums.score += sensitivity::gradient_score(g, y_q, y, t.outputs);
    if (of.with_errors) sums.error += sensitivity::squared_distance(y_q, y, t.outputs);
  }
  return sums;
}

partial_sums<output_sums> exact_products::score(const call& of, scoring_parts& times) {
  const std::vector<index_t> bounds = part_bounds(of.rows, of.sample.bundles);
  partial_sums<output_sums> found(static_cast<index_t>(bounds.size()) - 1, of.jobs.size(), of.sample.outputs.size());
  std::vector<input> all = inputs_of(of);
  const index_t floats = static_cast<index_t>(of.rows.size()) * of.sample.x.cols();
  const auto most = static_cast<std::size_t>(input_bytes_ / (floats * static_cast<index_t>(sizeof(float))));
  const std::size_t at_once = std::clamp<std::size_t>(most, 1, all.size());
  if (memory_.size() < static_cast<index_t>(at_once) * floats)
    memory_ = lm::buffer(static_cast<index_t>(at_once) * floats);
  for (std::size_t first = 0; first < all.size(); first += at_once) {
    const auto inputs = std::span(all).subspan(first, std::min(at_once, all.size() - first));
    make_inputs(of, inputs, times);
    const std::vector<tile> tiles = tiles_of(of, bounds, inputs);
    std::vector<output_sums> sums(tiles.size());
    std::vector<scoring_parts> times_of(tiles.size());
    pool_.run(static_cast<index_t>(tiles.size()), [&](index_t unit) {
      const auto place = static_cast<std::size_t>(unit);
      if (!stop_()) sums[place] = score_tile(of, tiles[place], times_of[place]);
    });
    for (const scoring_parts& time : times_of) times += time;
    for (std::size_t t = 0; t < tiles.size(); ++t) {
      output_sums& into = found.at(tiles[t].part, tiles[t].job, tiles[t].output);
      into.score += sums[t].score;
      into.error += sums[t].error;
    }
  }
  return found;
}

}  // namespace qgrain::engine
