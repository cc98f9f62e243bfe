// Quantized weights and inputs of the Linears that the backward pass shows.
#ifndef QGRAIN_SWEEP_ENGINE_VARIANTS_HPP
#define QGRAIN_SWEEP_ENGINE_VARIANTS_HPP

#include "job.hpp"
#include "ranges.hpp"

#include <lm/buffer.hpp>
#include <lm/visitor.hpp>

#include <qgrain/host/parallel.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace qgrain::sweep {

/// Rows that a unit of work takes.
inline constexpr index_t task_rows = 128;

/// Makes the variants of a plan. All arguments must outlive it.
class variant_maker {
 public:
  variant_maker(const job_plan& plan, const std::vector<weight_range>& weights, const input_ranges& inputs,
                thread_pool& pool)
      : plan_(plan), weight_ranges_(weights), inputs_(inputs), pool_(pool) {}

  enum class kind : std::uint8_t { value, change };
  /// [output of the sample][variant - first]: weight variants [first, end), or what each changes (quantized minus
  /// unquantized). An unquantized one is the weight itself; its change is an empty matrix. Valid until the next call.
  [[nodiscard]] std::vector<std::vector<lm::const_matrix>> weights(const lm::linear_sample& sample, std::size_t first,
                                                                   std::size_t end, kind what);
  /// x [n, in] := the listed rows of the sample under an activation variant. Rows of one batch share a range where it
  /// is the batch's. Threads may call at once.
  void inputs(const lm::linear_sample& sample, std::span<const index_t> rows, std::size_t activation,
              lm::matrix x) const;

 private:
  void quantize_band(const lm::linear_output& output, const fake_recipe& recipe, index_t band, float* memory) const;

  const job_plan& plan_;
  const std::vector<weight_range>& weight_ranges_;
  const input_ranges& inputs_;
  thread_pool& pool_;
  lm::buffer memory_;
};

}  // namespace qgrain::sweep

#endif
