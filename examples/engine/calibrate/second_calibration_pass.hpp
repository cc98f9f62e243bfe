// The second calibration pass: what has to see all inputs again once their largest magnitudes are known.
#ifndef QGRAIN_ENGINE_CALIBRATE_SECOND_CALIBRATION_PASS_HPP
#define QGRAIN_ENGINE_CALIBRATE_SECOND_CALIBRATION_PASS_HPP

#include <engine/calibrate/awq_alpha_search.hpp>
#include <engine/calibrate/input_calibration.hpp>
#include <engine/calibrate/mse_range_search.hpp>
#include <engine/calibrate/ordered_addends.hpp>
#include <engine/calibrate/ranges.hpp>
#include <lm/linear_override.hpp>
#include <lm/pass.hpp>
#include <lm/visitor.hpp>

#include <span>
#include <vector>

namespace qgrain::engine {

/// Searches the ranges of mse and the input scales of awq_lite, for all jobs at once. Where awq_lite is among them it
/// takes the place of the Linears, whose outputs the search compares with; else it only observes.
class input_calibration::second_pass final : public lm::linear_override {
 public:
  second_pass(input_calibration& owner, const std::vector<weight_range>& weights, const second_pass_observer& observed);

  void run();

  [[nodiscard]] bool replaces(index_t) const override { return true; }
  [[nodiscard]] bool takes_bundles() const override { return true; }
  void observe(const lm::linear_input& input) override;
  void compute(const lm::linear_call& call) override;
  void layer_end() override;

 private:
  void search_head(lm::layer_pass& pass, index_t rows);
  void keep_results();
  [[nodiscard]] ordered_addends* written() { return common::is_divided(ranks_) ? &written_ : nullptr; }
  [[nodiscard]] awq_rows rows_of_call(const lm::linear_call& call, index_t rows) const;

  input_calibration& owner_;
  const std::vector<weight_range>& weights_;
  const second_pass_observer& observed_;
  std::vector<mse_range_search> ranges_;
  awq_alpha_search alphas_;
  std::vector<double> positions_;  // [batches], padding included
  common::communicator* ranks_;    // whose rows are divided, or null
  ordered_addends written_;        // targets: [search][Linear], then those of the alphas
};

}  // namespace qgrain::engine

#endif
