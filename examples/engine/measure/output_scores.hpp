// What quantizing a group of Linears alone does to the model's output: divergence and loss, measured instead of
// estimated.
#ifndef QGRAIN_ENGINE_MEASURE_OUTPUT_SCORES_HPP
#define QGRAIN_ENGINE_MEASURE_OUTPUT_SCORES_HPP

#include <common/communicator.hpp>
#include <engine/calibrate/input_calibration.hpp>
#include <engine/score/job.hpp>
#include <engine/score/linear_group.hpp>
#include <lm/limits.hpp>
#include <lm/model.hpp>
#include <lm/rows.hpp>

#include <qgrain/host/parallel.hpp>

#include <cstddef>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace qgrain::engine {

struct output_options {
  lm::pass_limits limits;
  index_t score_batches = 0;                   ///< how many of the first batches are scored; 0: all. All are calibrated
  bool shared_ranges = false;                  ///< as engine_options::shared_ranges
  bool shared_experts = false;                 ///< as engine_options::shared_experts
  index_t state_bytes = index_t{256} << 20;    ///< hidden states of the jobs that run at once
  index_t variant_bytes = index_t{256} << 20;  ///< quantized weights of a group in memory at once
  /// Called now and then from the calling thread with the share of the matrix products that is done, 0 to 1.
  std::function<void(double share)> progress;
  /// Where the scores that are done are kept; empty: nowhere. A file of the same pass is gone on from, to the same bits
  /// as without the break; one of another pass is overwritten.
  std::filesystem::path checkpoint;
  double checkpoint_seconds = 60;  ///< at least so long between two checkpoints, but for the last
  /// Asked often from the calling thread. Once it says yes, score_outputs saves what is done and throws `interrupted`.
  std::function<bool()> stop_requested;
  /// Told what is scored, saved and gone on from, a line each: "scored group G portion P".
  std::function<void(const std::string& line)> log;
  /// As engine_options::ranks. Each calibrates on its own and takes portions of jobs in turn, all rows of them.
  common::communicator* ranks = nullptr;
};

struct output_result {
  std::vector<std::vector<double>> kl_div;         ///< [job][group]
  std::vector<std::vector<double>> token_kl_div;   ///< [job][group] the same without padding positions
  std::vector<std::vector<double>> loss_increase;  ///< [job][group] of the mean over all scored targets
  std::vector<std::vector<float>> input_amax;      ///< [Linear][in] as engine_result::input_amax
  calibration_table calibrations;                  ///< as engine_result::calibrations
  std::string model_fingerprint;
  double mean_loss = 0;     ///< of the unquantized model
  double linear_flops = 0;  ///< products of the jobs
  double total_seconds = 0;
};

/// kl_div(job, group) = sum over scored positions of KL(p || q): p the unquantized model's prediction, q that of the
/// model whose Linears of the group have quantized weights and inputs. All positions count, a padding row as often as
/// it stands for one (as ModelOpt 0.47 has it); loss_increase is q's mean next-token loss less p's. Ranges are as in
/// score_jobs; token_kl_div leaves padding out, whose positions may outweigh the tokens; a dynamic per-tensor range is
/// that of the unquantized model's batch also behind a quantized member.
///
/// What comes in front of a group's first block is computed once. From there on all jobs of the group run together, as
/// many as fit into memory: about half a forward pass per job and group where groups lie within a block. A job's score
/// does not depend on its company nor on the number of threads, to the bit. Infinite or NaN where a job's logits are.
/// Throws what score_jobs throws, and errc::invalid_argument for a group that is empty, repeats a Linear or names one
/// that the model does not have.
[[nodiscard]] output_result score_outputs(const lm::model& model, const lm::packed_rows& rows,
                                          std::span<const job> jobs, std::span<const linear_group> groups,
                                          thread_pool& pool, const output_options& options = {});

}  // namespace qgrain::engine

#endif
