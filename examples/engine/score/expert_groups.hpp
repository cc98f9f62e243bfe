// Scores experts' Linears at the output of their block, where a change of one of them reaches the residual stream.
#ifndef QGRAIN_ENGINE_SCORE_EXPERT_GROUPS_HPP
#define QGRAIN_ENGINE_SCORE_EXPERT_GROUPS_HPP

#include <engine/calibrate/input_calibration.hpp>
#include <engine/calibrate/ranges.hpp>
#include <engine/score/job.hpp>
#include <engine/score/linear_group.hpp>
#include <engine/score/sums.hpp>
#include <engine/score/variants.hpp>
#include <lm/buffer.hpp>
#include <lm/model.hpp>
#include <lm/pass_context.hpp>
#include <lm/visitor.hpp>

#include <qgrain/host/parallel.hpp>

#include <array>
#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <vector>

namespace qgrain::engine {

/// Members are Linears of experts of one layer, each in one group alone; else errc::invalid_argument.
void check_expert_groups(const lm::model& model, std::span<const linear_group> groups);

/// score(job, group) = sum over scored rows and hidden channels of (G (Y_q - Y))^2: Y is the weighted sum of the
/// experts' outputs, Y_q the same with the group's members quantized together and the routing as it was, G the gradient
/// at Y. It is added to the group's first member. Down projections read what quantized gate and up projections give;
/// a dynamic range per tensor is that of the unquantized input all the same.
///
/// Memory: for each scored job and each group of several experts [rows of a chunk, hidden]; the quantized weights of an
/// expert up to `variant_bytes`, at least one. All arguments must outlive the object.
class expert_group_scorer {
 public:
  expert_group_scorer(const lm::pass_context& context, const job_plan& plan, const std::vector<weight_range>& weights,
                      const input_calibration& inputs, std::span<const linear_group> groups, index_t variant_bytes,
                      const std::function<bool()>& stop);

  /// Whether a Linear is scored here.
  [[nodiscard]] bool has(index_t linear) const { return group_of_[static_cast<std::size_t>(linear)] != none; }
  [[nodiscard]] bool empty() const noexcept { return groups_.empty(); }

  void begin(const lm::expert_rows& rows) { rows_.emplace(rows); }
  /// Returns the matrix-product operations. Sums are of no use once `stop` says yes.
  double add(const lm::expert_sample& expert, score_sums& sums);
  /// Behind the experts of a chunk.
  void end(score_sums& sums);

 private:
  static constexpr std::size_t none = static_cast<std::size_t>(-1);
  using members = std::array<bool, lm::expert_parts>;  // which Linears of an expert are quantized
  struct activation_jobs {
    std::size_t activation = 0;
    std::vector<std::size_t> places;  // in scored_
  };
  struct portion;
  class unit;

  [[nodiscard]] std::vector<activation_jobs> jobs_between(std::size_t first, std::size_t end) const;
  double add_group(const portion& p, score_sums& sums);
  [[nodiscard]] lm::matrix change_of(std::size_t group, std::size_t place);

  const lm::model& model_;
  const job_plan& plan_;
  thread_pool& pool_;
  std::span<const linear_group> groups_;
  index_t variant_bytes_;
  const std::function<bool()>& stop_;
  variant_maker inputs_;               // of gate and up
  variant_maker activated_;            // of down
  std::vector<std::size_t> scored_;    // jobs
  std::vector<std::size_t> group_of_;  // [Linear] or none
  std::vector<bool> is_wide_;          // [group] has members of several experts
  std::optional<lm::expert_rows> rows_;
  std::map<std::size_t, lm::buffer> changes_;  // [scored jobs, rows, hidden] of a wide group that has begun
};

}  // namespace qgrain::engine

#endif
