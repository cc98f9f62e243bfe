// The products of a pass, counted before it is begun.
#ifndef QGRAIN_SWEEP_RUN_PASS_OPERATIONS_HPP
#define QGRAIN_SWEEP_RUN_PASS_OPERATIONS_HPP

#include <engine/score/engine.hpp>
#include <sweep/run/scoring_pass.hpp>

#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace qgrain::sweep {

/// Sizes that costs depend on.
struct pass_sizes {
  double rows = 0;
  double scored = 0;         ///< rows of the scored batches
  double targets = 0;        ///< of them
  double block = 0;          ///< weights of one block that a row goes through
  double blocks = 0;         ///< of all blocks
  double block_weights = 0;  ///< of one block, with one expert
  double head = 0;
  double largest = 0;  ///< weights of the largest group of Linears with one input
  double attention = 0;
};

[[nodiscard]] pass_sizes sizes_of(const opened_pass& pass);

/// Distinct recipes and pairs of them, with the calibration.
struct variant_counts {
  std::set<std::pair<std::string, std::string>> weights;
  std::set<std::pair<std::string, std::string>> activations;
  std::set<std::tuple<std::string, std::string, std::string>> jobs;
};

[[nodiscard]] variant_counts variants_of(const std::vector<engine::job>& jobs);

/// Operations of forward and backward pass; a multiply and an add are two.
[[nodiscard]] double pass_operations(const pass_sizes& s);
/// Of the jobs.
[[nodiscard]] double job_operations(const pass_sizes& s, const variant_counts& variants, engine::cross_term mode);
/// Of calibrations that look twice, and of AWQ's searches on a quarter of the batches.
[[nodiscard]] double calibration_operations(const opened_pass& pass, const pass_sizes& s,
                                            const variant_counts& variants);
/// Of scores that are measured at the model's output: a forward pass and, for each group and job, what is behind the
/// group's layer.
[[nodiscard]] double output_operations(const opened_pass& pass, const pass_sizes& s, const variant_counts& variants);

}  // namespace qgrain::sweep

#endif
