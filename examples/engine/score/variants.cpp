#include <engine/calibrate/fake_linear.hpp>
#include <engine/score/variants.hpp>

#include <qgrain/host/fake_recipe.hpp>

#include <algorithm>

namespace qgrain::engine {
namespace {

// out [cols, rows] := in, both in pieces that stay in the cache.
void transpose(lm::const_matrix in, lm::matrix out) {
  constexpr index_t piece = 16;
  for (index_t r0 = 0; r0 < in.rows(); r0 += piece) {
    const index_t r1 = std::min(r0 + piece, in.rows());
    for (index_t c = 0; c < in.cols(); ++c) {
      const float* from = in.data() + c;
      float* to = out.data() + c * out.outerStride();
      for (index_t r = r0; r < r1; ++r) to[r] = from[r * in.outerStride()];
    }
  }
}

}  // namespace

void variant_quantizer::weight_band(std::size_t variant, index_t linear, index_t first_output, lm::const_matrix w,
                                    lm::matrix out) const {
  const fake_recipe& recipe = *plan_.weights[variant];
  const weight_range& range = weights_[static_cast<std::size_t>(linear)];
  const std::span<const float> scale = weight_scale(variant, linear);
  if (scale.empty()) return quantize_weight_band(recipe, {range.columns, range.tensor, {}}, first_output, w, out);
  const std::vector<float> inverse = reciprocals(scale);
  const std::vector<float> columns = scaled_columns(range.columns, inverse);
  scale_columns(w, inverse, out);
  quantize_weight_band(recipe, {columns, largest(columns), {}}, first_output, lm::as_const(out), out);
}

void variant_quantizer::input(std::size_t activation, index_t linear, std::span<const std::int32_t> batches,
                              lm::const_matrix x, lm::matrix out) const {
  const std::span<const float> scale = input_scale(activation, linear);
  if (!scale.empty()) scale_columns(x, scale, out);
  if (!plan_.activations[activation]) return;
  quantize_input(*plan_.activations[activation], inputs_.ranges(activation, linear), batches,
                 scale.empty() ? x : lm::as_const(out), out);
}

std::vector<std::vector<lm::const_matrix>> variant_maker::weights(const lm::linear_sample& sample, std::size_t first,
                                                                  std::size_t end, kind what) {
  struct band_task {
    const lm::linear_output* output;
    std::size_t variant;
    index_t band;
    float* memory;
  };
  std::vector<band_task> tasks;
  std::vector<std::vector<lm::const_matrix>> variants;
  index_t needed = 0;
  for (const lm::linear_output& output : sample.outputs)
    needed += static_cast<index_t>(end - first) * output.weight.size();
  if (memory_.size() < needed) memory_ = lm::buffer(needed);
  float* memory = memory_.data();
  for (const lm::linear_output& output : sample.outputs) {
    variants.emplace_back();
    for (std::size_t v = first; v < end; ++v, memory += output.weight.size()) {
      if (!plan_.weights[v]) {
        variants.back().push_back(what == kind::value ? output.weight
                                                      : lm::as_matrix(static_cast<const float*>(nullptr), 0, 0));
        continue;
      }
      const fake_recipe& recipe = *plan_.weights[v];
      const index_t out = output.weight.rows();
      const index_t in = output.weight.cols();
      variants.back().push_back(what == kind::transposed ? lm::as_matrix(static_cast<const float*>(memory), in, out)
                                                         : lm::as_matrix(static_cast<const float*>(memory), out, in));
      const index_t bands = ceil_div(output.weight.rows(), band_rows(recipe));
      for (index_t band = 0; band < bands; ++band) tasks.push_back({&output, v, band, memory});
    }
  }
  pool_.run(static_cast<index_t>(tasks.size()), [&](index_t t) {
    const band_task& task = tasks[static_cast<std::size_t>(t)];
    make_band(*task.output, task.variant, task.band, what, task.memory);
  });
  return variants;
}

void variant_maker::make_band(const lm::linear_output& output, std::size_t variant, index_t band, kind what,
                              float* memory) const {
  const index_t rows = band_rows(*plan_.weights[variant]);
  const index_t begin = band * rows;
  const index_t end = std::min(begin + rows, output.weight.rows());
  const lm::const_matrix plain = lm::rows_of(output.weight, begin, end);
  if (what == kind::transposed) {
    lm::buffer scratch(plain.size());
    const lm::matrix quantized = scratch.view(plain.rows(), plain.cols());
    quantizer_.weight_band(variant, output.linear, output.first_output + begin, plain, quantized);
    const Eigen::OuterStride<> stride(output.weight.rows());
    transpose(lm::as_const(quantized), lm::matrix(memory + begin, plain.cols(), plain.rows(), stride));
    return;
  }
  lm::matrix made = lm::rows_of(lm::as_matrix(memory, output.weight.rows(), output.weight.cols()), begin, end);
  quantizer_.weight_band(variant, output.linear, output.first_output + begin, plain, made);
  if (what == kind::value) return;
  if (const auto scale = quantizer_.weight_scale(variant, output.linear); !scale.empty())
    scale_columns(lm::as_const(made), scale, made);
  made -= plain;
}

void variant_maker::inputs(const lm::linear_sample& sample, index_t linear, std::span<const index_t> rows,
                           std::size_t activation, kind what, lm::matrix x) const {
  for (index_t i = 0; i < x.rows(); ++i) x.row(i) = sample.x.row(rows[static_cast<std::size_t>(i)]);
  if (quantizer_.keeps(activation)) return;
  const auto& recipe = plan_.activations[activation];
  std::vector<std::int32_t> batches;
  if (recipe && input_range_of(*recipe) == input_range::batch) {
    for (const index_t row : rows) batches.push_back(inputs_.batch_of(sample.rows[static_cast<std::size_t>(row)]));
  }
  quantizer_.input(activation, linear, batches, lm::as_const(x), x);
  if (what == kind::change && quantizer_.is_scaled(activation))
    scale_columns(lm::as_const(x), reciprocals(quantizer_.input_scale(activation, linear)), x);
}

}  // namespace qgrain::engine
