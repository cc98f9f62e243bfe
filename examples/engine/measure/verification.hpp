// What a mix does to the whole model, measured.
#ifndef QGRAIN_ENGINE_MEASURE_VERIFICATION_HPP
#define QGRAIN_ENGINE_MEASURE_VERIFICATION_HPP

#include <common/communicator.hpp>
#include <engine/measure/head_comparison.hpp>
#include <engine/mix/mix.hpp>
#include <lm/limits.hpp>
#include <lm/model.hpp>
#include <lm/pass.hpp>
#include <lm/rows.hpp>

#include <qgrain/host/parallel.hpp>

#include <vector>

namespace qgrain::engine {

struct mix_report {
  double base_loss = 0;        ///< mean next-token cross entropy over all targets, unquantized; natural logarithm
  double base_perplexity = 0;  ///< e^loss
  double loss = 0;             ///< the same with the mix
  double perplexity = 0;
  double mean_divergence = 0;  ///< KL(unquantized || mix), mean over the token positions; padding does not count
  double top1_agreement = 0;   ///< share of the token positions whose likeliest next token is the same
  index_t positions = 0;       ///< token positions, padding excluded
  index_t targets = 0;  ///< positions of the loss; the last padding position, which predicts the first token, counts
};

/// Compares mixes with the unquantized model on the same rows, logits in slabs of the vocabulary. The unquantized model
/// runs once, in the constructor. Static activation recipes need ranges in the mix (calibrated_mix fills them in). Same
/// bits for any number of threads, and of ranks, if any, which divide the rows, are called alike and know all results.
/// Model, rows, pool and ranks must outlive it. Memory: two sets of hidden states.
class mix_verifier {
 public:
  mix_verifier(const lm::model& model, const lm::packed_rows& rows, thread_pool& pool,
               const lm::pass_limits& limits = {}, common::communicator* ranks = nullptr);
  /// Throws errc::invalid_argument where a static recipe has no range.
  [[nodiscard]] mix_report verify(const recipe_mix& mix);
  /// The same of another model's weights, such as those of a file that a mix was written to.
  /// Throws errc::invalid_shape where the models differ in vocabulary, hidden size or blocks.
  [[nodiscard]] mix_report verify(const lm::model& other);

  [[nodiscard]] const lm::model& model() const noexcept { return context_.model; }

 private:
  [[nodiscard]] lm::const_matrix base_state();
  /// `state` behind the last block; `head` takes the place of the head's product (null: nothing).
  [[nodiscard]] mix_report report_of(lm::const_matrix state, lm::linear_override* head);

  lm::pass_context context_;
  lm::layer_pass base_;
  head_comparison comparison_;
};

/// One mix by itself.
[[nodiscard]] mix_report verify_mix(const lm::model& model, const lm::packed_rows& rows, const recipe_mix& mix,
                                    thread_pool& pool, const lm::pass_limits& limits = {});

/// The mix with every missing range and input scale taken from the unquantized model's inputs on these rows, padding
/// included, by the calibrations that it names. One forward pass, one more where a calibration needs it, none if
/// nothing is missing. A range that is missing beside a given input scale is that of the largest scaled magnitudes.
/// Throws errc::non_finite.
[[nodiscard]] recipe_mix calibrated_mix(const lm::model& model, const lm::packed_rows& rows, recipe_mix mix,
                                        thread_pool& pool, const lm::pass_limits& limits = {});
/// The same with magnitudes that are known, [Linear][in] as engine_result::input_amax, for calibration max alone.
[[nodiscard]] recipe_mix calibrated_mix(const lm::model& model, const std::vector<std::vector<float>>& input_amax,
                                        recipe_mix mix);

}  // namespace qgrain::engine

#endif
