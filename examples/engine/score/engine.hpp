// Scores every (weight recipe, activation recipe) job at every Linear in one forward and one backward pass.
#ifndef QGRAIN_ENGINE_SCORE_ENGINE_HPP
#define QGRAIN_ENGINE_SCORE_ENGINE_HPP

#include <common/communicator.hpp>
#include <engine/calibrate/input_calibration.hpp>
#include <engine/score/cross_term.hpp>
#include <engine/score/job.hpp>
#include <engine/score/linear_group.hpp>
#include <engine/score/scoring_parts.hpp>
#include <engine/score/sums.hpp>
#include <lm/model.hpp>
#include <lm/pass.hpp>
#include <lm/rank_grid.hpp>
#include <lm/rows.hpp>

#include <qgrain/host/parallel.hpp>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace qgrain::engine {

struct engine_options {
  lm::pass_limits limits;
  index_t score_batches = 0;                   ///< how many of the first batches are scored; 0: all. All are calibrated
  index_t variant_bytes = index_t{256} << 20;  ///< quantized weights of one Linear in memory at once
  /// Called now and then from the calling thread with the share of the matrix products that is done, 0 to 1.
  std::function<void(double share)> progress;
  std::optional<lm::label_draw> labels;  ///< gradients of labels drawn from the prediction instead of the text's
  cross_term cross = cross_term::exact;
  bool shared_ranges = false;   ///< of weights per tensor, by Linears with the same input; not behind an input scale
  bool shared_experts = false;  ///< of inputs, by all experts of a layer: see input_calibration
  /// Linears of experts that are scored together at the output of their block, at the first member of their group (the
  /// others score 0): see expert_group_scorer. Those of experts that are in no group are scored as all others.
  std::vector<linear_group> expert_groups;
  bool output_errors = false;  ///< also the errors of the outputs; only where the cross term is exact
  /// Where the state is kept while scoring; empty: nowhere. A file of the same pass is gone on from, to the same bits
  /// as without the break; one of another pass is overwritten.
  std::filesystem::path checkpoint;
  double checkpoint_seconds = 60;  ///< at least so long between two checkpoints, but for the last
  /// Asked often and from several threads. Once it says yes, score_jobs saves its state and throws `interrupted`.
  std::function<bool()> stop_requested;
  /// Told, a line each, what is "scored", of which place a state is being written ("saving"), that it stands
  /// ("checkpoint") and where the work goes on ("resume"): "scored layer L samples S variants V".
  std::function<void(const std::string& line)> log;
  /// Whose ranks divide the work, all of them called with the same arguments but for checkpoint, log, progress and
  /// stop_requested, which the first one may have alone: to the same bits, known to all. They stop between blocks.
  /// Where there are more ranks than bundles of rows, or making weights takes long, jobs are divided too
  /// (lm::choose_grid).
  common::communicator* ranks = nullptr;
};

/// The limits of the pass that options ask for. A sampled cross term takes some rows of each bundle, which are worth a
/// product of their own only where they are several.
[[nodiscard]] lm::pass_limits limits_of(lm::pass_limits limits, cross_term cross);

/// What is divided among ranks besides rows: nothing where the cross term is not exact, as products are then those of
/// variants, whose sums for all jobs are one product.
[[nodiscard]] lm::job_load load_of(const job_plan& plan, cross_term cross);

struct engine_costs {
  lm::pass_costs pass;
  double scoring_flops = 0;      ///< matrix products of the jobs
  std::int64_t block_bytes = 0;  ///< sent by this rank at the ends of blocks, and of the head
  calibration_costs calibration;
  double weight_range_seconds = 0;
  double weight_seconds = 0;       ///< quantizing weights
  double scoring_seconds = 0;      ///< quantizing activations, products and sums
  scoring_parts scoring;           ///< of it, where the cross term is exact
  double calibration_seconds = 0;  ///< of the forward pass: the ranges of inputs
  double total_seconds = 0;
};

struct engine_result {
  std::vector<std::vector<double>> scores;     ///< [job][Linear]
  std::vector<std::vector<float>> input_amax;  ///< [Linear][in] largest magnitude of each input channel
  calibration_table calibrations;              ///< what a mix of these jobs needs besides the recipes
  /// With options.output_errors: [job][Linear] mean of (Y_q - Y)^2 over the outputs of the scored rows; 0 without any.
  std::vector<std::vector<double>> mse;
  /// With options.output_errors: [job][Linear] 10 log10(sum Y^2 / sum (Y_q - Y)^2) of the same outputs; infinite where
  /// nothing changed.
  std::vector<std::vector<double>> sqnr_db;
  std::vector<double> scored_outputs;  ///< with options.output_errors: [Linear] over how many outputs the means are
  std::vector<std::string> unseen_experts;  ///< that got no row of the calibration data
  std::string model_fingerprint;
  lm::loss_report loss;                             ///< of the scored batches
  std::vector<cross_term_error> cross_term_errors;  ///< [job], measured on a sample; empty where the term is exact
  engine_costs costs;
};

/// What score_jobs checks of a list of jobs before any work: that it is neither empty nor repeats a job, that every
/// recipe and calibration exists, that recipes suit every Linear and calibrations their recipes. Throws
/// errc::invalid_argument, unknown_name, invalid_shape or unsupported, all faults of a kind at once.
void check_jobs(const lm::model& model, std::span<const job> jobs);

/// Why the recipes of a job do not suit the model's Linears or its calibration its recipes, or nothing. Throws
/// errc::unknown_name.
[[nodiscard]] std::string job_fault(const lm::model& model, const job& wanted);

/// score(job, Linear) = sum over scored rows and outputs of (G (Q_a(X) Q_w(W)^T - X W^T))^2
///
/// with X the unquantized input, W the weight, G the gradient of its batch's mean loss at the output; behind an input
/// scale s (smoothquant, awq_lite) Q_a(X s) Q_w(W / s)^T. Static activation ranges are those of all rows, padding
/// included, by the job's calibration (input_calibration.hpp: one more forward pass where a job needs it); a
/// dynamic per-tensor range is that of the row's batch. Rows of zero gradient are left out. Sums are taken in double in
/// a fixed order: the same bits for any number of threads. With options.cross other than exact, Q_a(X) Q_w(W)^T - X W^T
/// is taken apart and its part of second order sampled or left out (sums.hpp). With options.output_errors the errors of
/// Y_q = Q_a(X) Q_w(W)^T + bias against Y are summed from the same products, differences rounded to f32; rows without a
/// gradient at any Linear of their input do not count.
///
/// Every recipe is checked against every Linear first, every weight for finiteness; all faults of a kind are named at
/// once (errc::unknown_name, invalid_argument, invalid_shape, non_finite). Output errors without an exact cross term
/// are errc::invalid_argument. Memory: that of the pass, the quantized weights of one Linear up to
/// options.variant_bytes (at least one), and its quantized inputs of a chunk of rows up to limits.chunk_bytes (at least
/// one).
[[nodiscard]] engine_result score_jobs(const lm::model& model, const lm::packed_rows& rows, std::span<const job> jobs,
                                       thread_pool& pool, const engine_options& options = {});

}  // namespace qgrain::engine

#endif
