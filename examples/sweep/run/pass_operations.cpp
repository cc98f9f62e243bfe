#include <recipes/unquantized.hpp>
#include <sweep/run/pass_operations.hpp>
#include <sweep/settings/naming.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace qgrain::sweep {
namespace {

constexpr double sampled_share = 1.0 / 24;  // of the rows, where the cross term is not exact (engine/cross_term.hpp)

}  // namespace

pass_sizes sizes_of(const opened_pass& pass) {
  const lm::model_config& config = pass.model.config();
  pass_sizes sizes;
  sizes.rows = static_cast<double>(pass.rows.rows());
  const index_t batches = num_score_steps(pass.settings.score_size, pass.settings.batch_size, pass.rows.batches());
  for (const lm::sequence_rows& s : pass.rows.sequences) {
    const double tokens = static_cast<double>(s.tokens());
    sizes.attention += 18 * tokens * tokens * static_cast<double>(config.query_width());  // forward 2, backward 7
    if (s.batch >= batches) continue;
    sizes.scored += static_cast<double>(s.rows);
    sizes.targets +=
        static_cast<double>(std::count_if(pass.rows.targets.begin() + s.begin, pass.rows.targets.begin() + s.end(),
                                          [](std::int32_t target) { return target >= 0; }));
  }
  const std::vector<lm::linear_info>& linears = pass.model.linears();
  double experts = 0;  // at rest
  for (std::size_t l = 0; l < linears.size(); ++l) {
    const auto elements = static_cast<double>(linears[l].elements());
    const bool is_of_expert = pass.model.is_of_expert(static_cast<index_t>(l));
    // an expert sees some of the rows
    const double share =
        is_of_expert ? static_cast<double>(config.experts_per_token) / static_cast<double>(config.experts) : 1;
    sizes.blocks += share * elements;
    if (is_of_expert) experts += share * elements;
    sizes.largest = std::max(sizes.largest, elements);
  }
  sizes.head = static_cast<double>(linears.back().elements());
  sizes.blocks -= sizes.head;
  sizes.block = sizes.blocks / static_cast<double>(config.layers);
  sizes.block_weights =
      (sizes.blocks - experts) / static_cast<double>(config.layers) +
      static_cast<double>(lm::expert_parts * static_cast<std::size_t>(config.hidden * config.expert_width));
  return sizes;
}

variant_counts variants_of(const std::vector<engine::job>& jobs) {
  variant_counts found;
  for (const engine::job& j : jobs) {
    if (j.weight == recipes::unquantized && j.activation == recipes::unquantized) continue;
    found.weights.emplace(j.weight, j.calibration);
    found.activations.emplace(j.activation, j.calibration);
    found.jobs.emplace(j.weight, j.activation, j.calibration);
  }
  return found;
}

double pass_operations(const pass_sizes& s) {
  // forward; recomputation and gradients of inputs; logits and their gradient
  return 2 * s.rows * s.blocks + 4 * s.scored * s.blocks + 6 * s.targets * s.head + s.attention;
}

double job_operations(const pass_sizes& s, const variant_counts& variants, engine::cross_term mode) {
  const double all = static_cast<double>(variants.jobs.size());
  const double separate = static_cast<double>(variants.weights.size() + variants.activations.size());
  const double products = mode == engine::cross_term::exact ? all : separate + sampled_share * (all + separate);
  return products * 2 * (s.scored * s.blocks + s.targets * s.head);
}

double calibration_operations(const opened_pass& pass, const pass_sizes& s, const variant_counts& variants) {
  constexpr double alphas = 11;
  const auto has = [](engine::calibration_method method) {
    return [method](const auto& variant) { return variant.second == name_of(method); };
  };
  const auto awq = static_cast<double>(
      std::count_if(variants.weights.begin(), variants.weights.end(), has(engine::calibration_method::awq_lite)));
  const auto batches = static_cast<double>(pass.rows.batches());
  const double awq_rows = awq > 0 ? s.rows * std::max(1.0, std::floor(batches / 4)) / batches : 0;
  const bool is_whole =
      std::any_of(variants.activations.begin(), variants.activations.end(), has(engine::calibration_method::mse));
  return 2 * (is_whole ? s.rows : awq_rows) * s.blocks + 2 * alphas * awq * awq_rows * (s.blocks + s.head);
}

double output_operations(const opened_pass& pass, const pass_sizes& s, const variant_counts& variants) {
  double rests = 0;  // weights that are run through, over all groups
  const double layers = static_cast<double>(pass.model.config().layers);
  for (const engine::linear_group& together : linear_groups(pass)) {
    const auto layer = static_cast<double>(pass.model.linears()[together.front()].layer);
    rests += s.block * std::max(layers - layer, 0.0) + s.head;
  }
  return 2 * s.rows * s.blocks + 2 * s.scored * (s.head + rests * static_cast<double>(variants.jobs.size()));
}

}  // namespace qgrain::sweep
