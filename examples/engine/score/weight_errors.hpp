// What quantization changes of the weights by themselves: no data, no forward pass.
#ifndef QGRAIN_ENGINE_SCORE_WEIGHT_ERRORS_HPP
#define QGRAIN_ENGINE_SCORE_WEIGHT_ERRORS_HPP

#include <common/communicator.hpp>
#include <engine/score/job.hpp>
#include <lm/limits.hpp>
#include <lm/model.hpp>

#include <qgrain/host/parallel.hpp>

#include <span>
#include <vector>

namespace qgrain::engine {

/// [job][Linear] mean over the weights of (Q(W) - W)^2, Q the job's weight recipe; 0 where it is "fp16". Input scales
/// of a calibration come from data and are left out. Differences are rounded to f32, squares summed in double in a
/// fixed order: the same bits for any number of threads.
///
/// The weights are read twice whatever the number of jobs: for their ranges, and for all recipes at once. Memory: one
/// block, a slab of the head, a band of rows per thread. With `ranks` each reads its share, and all of them know the
/// result. shared_ranges: as engine_options::shared_ranges. Throws what
/// score_jobs throws for jobs and weights.
[[nodiscard]] std::vector<std::vector<double>> weight_errors(const lm::model& model, std::span<const job> jobs,
                                                             thread_pool& pool, const lm::pass_limits& limits = {},
                                                             bool shared_ranges = false,
                                                             common::communicator* ranks = nullptr);

}  // namespace qgrain::engine

#endif
