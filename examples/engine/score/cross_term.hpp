// Scores without a product per job: the two first-order terms of each variant, and a sample of rows for the rest.
#ifndef QGRAIN_ENGINE_SCORE_CROSS_TERM_HPP
#define QGRAIN_ENGINE_SCORE_CROSS_TERM_HPP

#include <engine/score/job.hpp>
#include <engine/score/sums.hpp>
#include <engine/score/variants.hpp>
#include <lm/visitor.hpp>

#include <qgrain/host/parallel.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace qgrain::engine {

struct term_portion;

/// What leaving the cross term out, or sampling it, does to a job's scores, as measured on sampled rows that the
/// estimate did not see. Relative to the exact score of these rows; 0 for jobs without a cross term.
struct cross_term_error {
  double sum = 0;      ///< of the sum over all Linears
  double largest = 0;  ///< of one Linear
};

/// score(job, Linear) = sum (G A)^2 + 2 sum (G A)(G B) + sum (G B)^2 with A = X dW^T, B = dX W^T: one product per
/// weight and per activation variant, and a product of small matrices for all pairs at once. On sampled rows, those
/// whose hash of row and Linear falls below a threshold, the score is also taken with dX dW^T. Behind an input scale s,
/// dX = Q(x s) / s - x and dW = Q(w / s) s - w, and every Linear of a sample has its own dX.
class separate_terms {
 public:
  /// Of `rows` scored rows one in 24 is sampled, but at least 64 where there are as many. All arguments must outlive
  /// the object.
  separate_terms(const job_plan& plan, const variant_maker& variants, thread_pool& pool, index_t rows,
                 std::function<bool()> stop);

  /// Adds the scores of the jobs whose weight variant is in [first, first + variants per output). `changes` are those
  /// of variant_maker::weights. Returns the matrix-product operations. Sums are of no use once stop() is true.
  double score(const lm::linear_sample& sample, std::span<const index_t> rows, std::size_t first,
               const std::vector<std::vector<lm::const_matrix>>& changes, score_sums& sums) const;

 private:
  double score_part(const lm::linear_sample& sample, std::span<const index_t> rows, std::size_t first,
                    const std::vector<std::vector<lm::const_matrix>>& changes, bool is_scaled, score_sums& sums) const;
  double score_terms(const term_portion& p, std::span<const index_t> rows, score_sums& sums) const;
  double score_sample(const term_portion& p, std::span<const index_t> rows, score_sums& sums) const;

  const job_plan& plan_;
  const variant_maker& variants_;
  thread_pool& pool_;
  std::uint64_t threshold_;
  std::function<bool()> stop_;
};

/// The scores of a pass; `errors` [job] is left empty where the cross term is exact.
[[nodiscard]] std::vector<std::vector<double>> finished_scores(const score_sums& sums, cross_term mode,
                                                               const job_plan& plan,
                                                               std::vector<cross_term_error>& errors);

}  // namespace qgrain::engine

#endif
