// The exponent alpha of AWQ's input scale that a quantized weight suits best, as calibration method awq_lite asks for
// it.
#ifndef QGRAIN_ENGINE_CALIBRATE_AWQ_ALPHA_SEARCH_HPP
#define QGRAIN_ENGINE_CALIBRATE_AWQ_ALPHA_SEARCH_HPP

#include <engine/calibrate/ordered_addends.hpp>
#include <engine/score/job.hpp>
#include <lm/buffer.hpp>
#include <lm/limits.hpp>
#include <lm/linear_override.hpp>
#include <lm/model.hpp>

#include <qgrain/calibration/input_scale.hpp>
#include <qgrain/host/fake_recipe.hpp>
#include <qgrain/host/parallel.hpp>

#include <cstddef>
#include <span>
#include <vector>

namespace qgrain::engine {

/// Rows of one input, and what they count for.
struct awq_rows {
  lm::const_matrix x;              ///< [rows, in]
  index_t first_row = 0;           ///< its number among the packed rows
  std::vector<double> times;       ///< [rows] how many positions a row stands for
  std::vector<double> batch_size;  ///< [rows] positions of the row's batch, padding included
  std::vector<index_t> bundles;    ///< their bounds (lm/chunk.hpp), or none
};

/// Tries every alpha at every Linear for every awq_lite scale of a plan, and adds up the mean squared error of the
/// outputs of each batch. All arguments must outlive it.
class awq_alpha_search {
 public:
  awq_alpha_search(const job_plan& plan, const lm::model& model, thread_pool& pool);

  [[nodiscard]] bool empty() const noexcept { return scales_.empty(); }
  /// How often a row is multiplied by a weight: once for each alpha and scale.
  [[nodiscard]] std::size_t trials() const noexcept { return scales_.size() * alphas_.size(); }

  /// Reads the head's weight: the shares of its columns must be known before its first slab is multiplied.
  void read_head(const lm::pass_limits& limits);
  /// The unquantized product p.y = x p.weight^T of some rows. mean [in]: mean magnitudes of the input's channels;
  /// columns [in]: largest magnitudes of the weight's. Returns the matrix-product operations. With `written` the errors
  /// are only written down there, for targets from `first_target` on, two for a scale and Linear.
  double observe(const lm::linear_product& p, const awq_rows& rows, std::span<const float> mean,
                 std::span<const float> columns, ordered_addends* written = nullptr, std::int64_t first_target = 0);
  /// Adds what was written down for a target, counted from the first.
  void add(std::int64_t target, std::span<const double> values);

  /// Whether a product of this Linear was observed: an expert may have got no row.
  [[nodiscard]] bool has_seen(std::size_t linear) const { return !empty() && !scales_.front().shares[linear].empty(); }
  /// found(scale, input scale [in]) for every scale of the plan that was searched for.
  template <class Found>
  void for_each_scale(std::size_t linear, std::span<const float> mean, const Found& found) const {
    for (const candidate_losses& s : scales_) found(s.scale, best_scale(s, linear, mean));
  }

 private:
  struct candidate_losses {
    std::size_t scale;                        // of the plan
    std::vector<std::vector<float>> shares;   // [Linear][in]
    std::vector<std::vector<double>> losses;  // [Linear][alpha]
  };
  [[nodiscard]] std::int64_t target_of(std::size_t scale, std::size_t linear) const {
    return static_cast<std::int64_t>(2 * (scale * model_.linears().size() + linear));
  }
  /// [row][alpha] what each row adds to the losses.
  [[nodiscard]] std::vector<double> try_alphas(candidate_losses& s, const lm::linear_product& p, const awq_rows& rows,
                                               std::span<const float> mean, std::span<const float> columns);
  void quantize_scaled(const fake_recipe& recipe, const lm::linear_product& p, std::span<const float> columns,
                       std::span<const float> scale, lm::matrix out) const;
  [[nodiscard]] std::vector<double> row_errors(const lm::linear_product& p, const awq_rows& rows,
                                               lm::const_matrix weight, std::span<const float> scale) const;
  [[nodiscard]] std::vector<float> best_scale(const candidate_losses& s, std::size_t linear,
                                              std::span<const float> mean) const;

  const job_plan& plan_;
  const lm::model& model_;
  thread_pool& pool_;
  std::vector<float> alphas_ = calibration::awq_alphas();
  std::vector<candidate_losses> scales_;
  lm::buffer memory_;  // a scaled and quantized weight
};

}  // namespace qgrain::engine

#endif
