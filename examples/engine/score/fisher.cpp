#include <engine/score/fisher.hpp>

#include <qgrain/core/status.hpp>

#include <string>
#include <utility>

namespace qgrain::engine {

engine_result fisher_scores(const lm::model& model, const lm::packed_rows& rows, std::span<const job> jobs,
                            thread_pool& pool, const engine_options& options, const fisher_options& fisher) {
  if (fisher.draws == 0) throw error(errc::invalid_argument, "fisher scores need at least one draw");
  engine_options with_labels = options;
  engine_result sum;
  for (std::uint64_t draw = 0; draw < fisher.draws; ++draw) {
    with_labels.checkpoint = options.checkpoint;
    with_labels.labels = lm::label_draw{fisher.seed, draw};
    with_labels.output_errors = options.output_errors && draw == 0;  // labels do not change them
    if (!options.checkpoint.empty()) with_labels.checkpoint += ".draw" + std::to_string(draw);
    if (options.progress) {
      with_labels.progress = [&options, &fisher, draw](double share) {
        options.progress((static_cast<double>(draw) + share) / static_cast<double>(fisher.draws));
      };
    }
    engine_result one = score_jobs(model, rows, jobs, pool, with_labels);
    if (draw == 0) {
      sum = std::move(one);
      continue;
    }
    for (std::size_t j = 0; j < sum.scores.size(); ++j) {
      for (std::size_t l = 0; l < sum.scores[j].size(); ++l) sum.scores[j][l] += one.scores[j][l];
    }
    sum.costs.pass.linear_flops += one.costs.pass.linear_flops;
    sum.costs.pass.attention_flops += one.costs.pass.attention_flops;
    sum.costs.scoring_flops += one.costs.scoring_flops;
    sum.costs.scoring_seconds += one.costs.scoring_seconds;
    sum.costs.weight_seconds += one.costs.weight_seconds;
    sum.costs.total_seconds += one.costs.total_seconds;
  }
  for (std::vector<double>& scores : sum.scores) {
    for (double& score : scores) score /= static_cast<double>(fisher.draws);
  }
  return sum;
}

}  // namespace qgrain::engine
