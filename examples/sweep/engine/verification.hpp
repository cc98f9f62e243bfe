// What a mix does to the whole model, measured.
#ifndef QGRAIN_SWEEP_ENGINE_VERIFICATION_HPP
#define QGRAIN_SWEEP_ENGINE_VERIFICATION_HPP

#include "mix.hpp"

#include <lm/limits.hpp>
#include <lm/model.hpp>
#include <lm/rows.hpp>

#include <qgrain/host/parallel.hpp>

#include <vector>

namespace qgrain::sweep {

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

/// Both models on the same rows, logits compared in slabs of the vocabulary. Static activation recipes need ranges in
/// the mix (calibrated_mix fills them in). Same bits for any number of threads. Memory: two sets of hidden states.
[[nodiscard]] mix_report verify_mix(const lm::model& model, const lm::packed_rows& rows, const recipe_mix& mix,
                                    thread_pool& pool, const lm::pass_limits& limits = {});

/// The mix with every missing range and input scale taken from the unquantized model's inputs on these rows, padding
/// included, by the calibrations that it names. One forward pass, one more where a calibration looks twice, none if
/// nothing is missing. A range that is missing beside a given input scale is that of the largest scaled magnitudes.
/// Throws errc::non_finite.
[[nodiscard]] recipe_mix calibrated_mix(const lm::model& model, const lm::packed_rows& rows, recipe_mix mix,
                                        thread_pool& pool, const lm::pass_limits& limits = {});
/// The same with magnitudes that are known, [Linear][in] as engine_result::input_amax, for calibration max alone.
[[nodiscard]] recipe_mix calibrated_mix(const lm::model& model, const std::vector<std::vector<float>>& input_amax,
                                        recipe_mix mix);

}  // namespace qgrain::sweep

#endif
