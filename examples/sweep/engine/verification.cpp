#include "verification.hpp"

#include "head_comparison.hpp"
#include "mix_override.hpp"
#include "ranges.hpp"

#include <lm/pass.hpp>

#include <algorithm>
#include <cmath>

namespace qgrain::sweep {

mix_report verify_mix(const lm::model& model, const lm::packed_rows& rows, const recipe_mix& mix, thread_pool& pool,
                      const lm::pass_limits& limits) {
  mix_override instead(model, mix, pool);
  lm::layer_pass base(model, rows, pool, limits);
  base.forward(lm::layer_pass::keep::last_state);
  lm::layer_pass changed(model, rows, pool, limits, 0, &instead);
  changed.forward(lm::layer_pass::keep::last_state);
  const index_t layers = model.config().layers;
  head_comparison comparison(model, rows, base.state(layers), pool, limits);
  const head_comparison::copy copy{changed.state(layers), instead.replaces(model.head_linear()) ? &instead : nullptr,
                                   0};
  const std::vector<row_comparison> found = comparison.compare({&copy, 1}, true);

  mix_report report;
  index_t same = 0;
  double increase = 0;
  for (const lm::sequence_rows& s : rows.sequences) {
    for (index_t row = s.begin; row < s.end(); ++row) {
      const row_comparison& r = found[static_cast<std::size_t>(row)];
      increase += r.loss_increase;
      if (row < s.first_token()) continue;
      report.mean_divergence += r.divergence;
      same += r.same_first_choice ? 1 : 0;
      ++report.positions;
    }
  }
  report.targets = comparison.targets();
  report.base_loss = comparison.mean_loss();
  report.base_perplexity = std::exp(report.base_loss);
  report.loss = report.base_loss + increase / static_cast<double>(report.targets);
  report.perplexity = std::exp(report.loss);
  report.mean_divergence /= static_cast<double>(report.positions);
  report.top1_agreement = static_cast<double>(same) / static_cast<double>(report.positions);
  return report;
}

recipe_mix calibrated_mix(const lm::model& model, const std::vector<std::vector<float>>& input_amax, recipe_mix mix) {
  const std::vector<std::string> missing = missing_ranges(mix, model);
  for (std::size_t l = 0; l < mix.linears.size(); ++l) {
    if (std::find(missing.begin(), missing.end(), model.linears()[l].name) != missing.end())
      mix.input_amax[l] = input_amax[l];
  }
  return mix;
}

recipe_mix calibrated_mix(const lm::model& model, const lm::packed_rows& rows, recipe_mix mix, thread_pool& pool,
                          const lm::pass_limits& limits) {
  if (missing_ranges(mix, model).empty()) return mix;
  input_ranges inputs(model, rows, pool);
  lm::layer_pass pass(model, rows, pool, limits);
  pass.forward(lm::layer_pass::keep::last_state, &inputs);
  inputs.require_finite();
  std::vector<std::vector<float>> channels;
  for (std::size_t l = 0; l < model.linears().size(); ++l) channels.push_back(inputs.channels(static_cast<index_t>(l)));
  return calibrated_mix(model, channels, std::move(mix));
}

}  // namespace qgrain::sweep
