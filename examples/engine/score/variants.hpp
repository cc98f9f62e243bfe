// Quantized weights and inputs of the Linears that the backward pass shows.
#ifndef QGRAIN_ENGINE_SCORE_VARIANTS_HPP
#define QGRAIN_ENGINE_SCORE_VARIANTS_HPP

#include <engine/calibrate/input_calibration.hpp>
#include <engine/calibrate/ranges.hpp>
#include <engine/score/job.hpp>
#include <lm/buffer.hpp>
#include <lm/visitor.hpp>

#include <qgrain/host/parallel.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace qgrain::engine {

/// Quantizes bands and rows as the variants of a plan say, on the calling thread; threads may call at once. Behind an
/// input scale s: Q(w / s), Q(x s). All arguments must outlive it.
class variant_quantizer {
 public:
  variant_quantizer(const job_plan& plan, const std::vector<weight_range>& weights, const input_calibration& inputs)
      : plan_(plan), weights_(weights), inputs_(inputs) {}

  /// out := a band of a weight from row `first_output` on. The variant has a recipe.
  void weight_band(std::size_t variant, index_t linear, index_t first_output, lm::const_matrix w, lm::matrix out) const;
  /// out := x under an activation variant; out may be x. batches [rows]: see quantize_input.
  void input(std::size_t activation, index_t linear, std::span<const std::int32_t> batches, lm::const_matrix x,
             lm::matrix out) const;
  /// Whether an activation variant leaves x as it is.
  [[nodiscard]] bool keeps(std::size_t activation) const {
    return !plan_.activations[activation] && !is_scaled(activation);
  }
  /// Whether Linears that share an input get different ones from this variant.
  [[nodiscard]] bool is_scaled(std::size_t activation) const {
    return plan_.activation_scales[activation] != job_plan::unscaled;
  }
  /// [in] of a weight or of an activation variant; empty where it is unscaled.
  [[nodiscard]] std::span<const float> weight_scale(std::size_t variant, index_t linear) const {
    return inputs_.scale(plan_.weight_scales[variant], linear);
  }
  [[nodiscard]] std::span<const float> input_scale(std::size_t activation, index_t linear) const {
    return inputs_.scale(plan_.activation_scales[activation], linear);
  }

 private:
  const job_plan& plan_;
  const std::vector<weight_range>& weights_;
  const input_calibration& inputs_;
};

/// Makes the variants of a plan. All arguments must outlive it.
class variant_maker {
 public:
  variant_maker(const job_plan& plan, const std::vector<weight_range>& weights, const input_calibration& inputs,
                thread_pool& pool)
      : plan_(plan), quantizer_(plan, weights, inputs), inputs_(inputs), pool_(pool) {}

  enum class kind : std::uint8_t { value, change, transposed };
  /// [output of the sample][variant - first]: weight variants [first, end), or what each changes (quantized, times its
  /// input scale, minus unquantized), or each as [in, out]. An unquantized one is the weight itself; its change, and
  /// what it is transposed, an empty matrix. Valid until the next call.
  [[nodiscard]] std::vector<std::vector<lm::const_matrix>> weights(const lm::linear_sample& sample, std::size_t first,
                                                                   std::size_t end, kind what);
  /// x [n, in] := the listed rows of the sample under an activation variant for a Linear of the sample; of kind change
  /// divided by its input scale again. Rows of one batch share a range where it is the batch's. Threads may call at
  /// once.
  void inputs(const lm::linear_sample& sample, index_t linear, std::span<const index_t> rows, std::size_t activation,
              kind what, lm::matrix x) const;
  [[nodiscard]] bool is_scaled(std::size_t activation) const { return quantizer_.is_scaled(activation); }
  [[nodiscard]] bool keeps(std::size_t activation) const { return quantizer_.keeps(activation); }

 private:
  void make_band(const lm::linear_output& output, std::size_t variant, index_t band, kind what, float* memory) const;

  const job_plan& plan_;
  variant_quantizer quantizer_;
  const input_calibration& inputs_;
  thread_pool& pool_;
  lm::buffer memory_;
};

}  // namespace qgrain::engine

#endif
