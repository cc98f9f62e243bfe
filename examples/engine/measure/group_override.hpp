// Quantizes a group of Linears in several copies of the same rows at once.
#ifndef QGRAIN_ENGINE_MEASURE_GROUP_OVERRIDE_HPP
#define QGRAIN_ENGINE_MEASURE_GROUP_OVERRIDE_HPP

#include <engine/calibrate/input_calibration.hpp>
#include <engine/calibrate/ranges.hpp>
#include <engine/measure/output_scores.hpp>
#include <engine/score/job.hpp>
#include <engine/score/variants.hpp>
#include <lm/buffer.hpp>
#include <lm/linear_override.hpp>

#include <qgrain/host/parallel.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace qgrain::engine {

/// Takes the place of a group's Linears, in each copy of the rows by another job. All arguments but the list of jobs
/// must outlive it.
class group_override final : public lm::linear_override {
 public:
  /// `jobs`: of each copy; `rows`: of a copy.
  group_override(const job_plan& plan, const linear_group& group, std::vector<std::size_t> jobs, index_t rows,
                 const variant_quantizer& quantizer, const input_calibration& inputs, thread_pool& pool);

  [[nodiscard]] bool replaces(index_t linear) const override {
    return std::find(group_.begin(), group_.end(), static_cast<std::size_t>(linear)) != group_.end();
  }
  void compute(const lm::linear_call& call) override;

 private:
  void quantize_weights(const lm::linear_call& call);
  [[nodiscard]] std::size_t place_of(std::size_t job) const;
  void compute_task(const lm::linear_call& call, std::size_t job, index_t begin, index_t end) const;

  const job_plan& plan_;
  const linear_group& group_;
  std::vector<std::size_t> jobs_;
  index_t rows_;
  const variant_quantizer& quantizer_;
  thread_pool& pool_;
  std::vector<std::int32_t> batches_;        // [rows of a copy]
  std::vector<std::size_t> variants_;        // weight variants of these jobs
  std::vector<lm::const_matrix> quantized_;  // [output][variant], those that are made
  std::vector<bool> is_made_;                // [variant]
  lm::buffer memory_;
  index_t made_linear_ = -1;  // whose weights, from which output on, are in quantized_
  index_t made_output_ = -1;
};

}  // namespace qgrain::engine

#endif
