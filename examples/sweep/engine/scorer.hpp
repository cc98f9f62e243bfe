// Scores all jobs at each Linear that the backward pass shows.
#ifndef QGRAIN_SWEEP_ENGINE_SCORER_HPP
#define QGRAIN_SWEEP_ENGINE_SCORER_HPP

#include "engine.hpp"
#include "job.hpp"
#include "progress.hpp"
#include "ranges.hpp"

#include <lm/buffer.hpp>
#include <lm/visitor.hpp>

#include <qgrain/host/parallel.hpp>

#include <cstddef>
#include <span>
#include <vector>

namespace qgrain::sweep {

/// Adds to result.scores and result.costs. Each weight variant is quantized once per sample, each activation variant
/// once per sample and task of rows, whichever jobs and Linears take it. All arguments must outlive the scorer.
class scorer final : public lm::backward_visitor {
 public:
  scorer(const job_plan& plan, const std::vector<weight_range>& weights, const input_ranges& inputs, thread_pool& pool,
         index_t variant_bytes, progress_meter& meter, engine_result& result)
      : plan_(plan),
        weight_ranges_(weights),
        inputs_(inputs),
        pool_(pool),
        variant_bytes_(variant_bytes),
        meter_(meter),
        result_(result) {}

  void visit(const lm::linear_sample& sample) override;

 private:
  /// Weight variants [first, end) and their jobs, by activation variant.
  struct portion {
    struct activation_jobs {
      std::size_t activation = 0;
      std::vector<std::size_t> jobs;
    };
    std::size_t first = 0;
    std::size_t end = 0;
    std::vector<activation_jobs> groups;
    /// [output of the sample][variant - first]; the unquantized one is the weight itself
    std::vector<std::vector<lm::const_matrix>> variants;
  };

  [[nodiscard]] portion jobs_between(std::size_t first, std::size_t end) const;
  void quantize_weights(const lm::linear_sample& sample, portion& p);
  void quantize_weight_band(const lm::linear_output& output, const fake_recipe& recipe, index_t band,
                            float* memory) const;
  void quantize_inputs(const lm::linear_sample& sample, std::span<const index_t> rows, std::size_t activation,
                       lm::matrix x) const;
  void score_rows(const lm::linear_sample& sample, const std::vector<index_t>& rows, const portion& p);

  const job_plan& plan_;
  const std::vector<weight_range>& weight_ranges_;
  const input_ranges& inputs_;
  thread_pool& pool_;
  index_t variant_bytes_;
  progress_meter& meter_;
  engine_result& result_;
  lm::buffer variant_memory_;
};

}  // namespace qgrain::sweep

#endif
