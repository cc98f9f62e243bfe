// Gradient scores with labels drawn from the model's own prediction.
#ifndef QGRAIN_ENGINE_SCORE_FISHER_HPP
#define QGRAIN_ENGINE_SCORE_FISHER_HPP

#include <engine/score/engine.hpp>

#include <cstdint>
#include <span>

namespace qgrain::engine {

struct fisher_options {
  std::uint64_t seed = 0;
  std::uint64_t draws = 1;
};

/// score_jobs with drawn labels: the squared gradients then estimate the diagonal of the Fisher information instead of
/// the text's empirical one. Draw d of row r is a function of the seed, d and r alone (lm::label_draw). Scores are the
/// mean over the draws, costs their sum; every draw is a sweep of its own, with a checkpoint of its own
/// (".draw<d>" behind the name). options.labels is not read. The loss is the text's; output errors, which do not depend
/// on labels, are taken in the first draw. Throws what score_jobs throws, and errc::invalid_argument for no draws.
[[nodiscard]] engine_result fisher_scores(const lm::model& model, const lm::packed_rows& rows,
                                          std::span<const job> jobs, thread_pool& pool, const engine_options& options,
                                          const fisher_options& fisher);

}  // namespace qgrain::engine

#endif
