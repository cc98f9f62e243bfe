// The range of an input with the least squared error of quantization, as calibration method mse asks for it.
#ifndef QGRAIN_ENGINE_CALIBRATE_MSE_RANGE_SEARCH_HPP
#define QGRAIN_ENGINE_CALIBRATE_MSE_RANGE_SEARCH_HPP

#include <common/communicator.hpp>
#include <engine/calibrate/ordered_addends.hpp>
#include <engine/calibrate/ranges.hpp>
#include <lm/visitor.hpp>

#include <qgrain/calibration/observer.hpp>
#include <qgrain/host/fake_recipe.hpp>
#include <qgrain/host/parallel.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace qgrain::engine {

/// Searches the multiples of the largest magnitude for one activation variant at all inputs. Its recipe must outlive
/// it.
class mse_range_search {
 public:
  /// `activation`: the variant that it is for. `ranks`: those that see the same rows, and divide the channels where
  /// each has a range; null: this process has all.
  mse_range_search(std::size_t activation, const fake_recipe& recipe, std::size_t linears,
                   common::communicator* ranks = nullptr)
      : activation_(activation), recipe_(recipe), ranks_(ranks), losses_(linears) {}

  [[nodiscard]] std::size_t activation() const noexcept { return activation_; }
  /// Whether its range is one for all channels, whose errors can be written down.
  [[nodiscard]] bool is_of_tensor() const { return !recipe_.needs_column_range(); }
  /// Adds the errors of some rows under every candidate. `ranges`: complete; times [rows]: how many positions a row
  /// stands for. With `written` they are only written down there, for `target` and the first of the rows.
  void observe(const lm::linear_input& input, const input_ranges& ranges, std::span<const std::int32_t> times,
               thread_pool& pool, ordered_addends* written = nullptr, std::int64_t target = 0);
  /// Adds what was written down of an input.
  void add(index_t first_linear, const input_ranges& ranges, std::span<const double> errors);
  /// The best range of an input: one value, or one per channel; none of an expert that got no row. On all ranks.
  [[nodiscard]] std::vector<float> amax(index_t first_linear) const;

 private:
  void add_by_column(calibration::multiplier_losses& losses, lm::const_matrix all, std::span<const std::int32_t> times,
                     thread_pool& pool) const;
  [[nodiscard]] std::vector<double> errors_by_rows(const calibration::multiplier_losses& losses, lm::const_matrix all,
                                                   std::span<const std::int32_t> times, thread_pool& pool) const;
  [[nodiscard]] calibration::multiplier_losses& losses_of(index_t first_linear, const input_ranges& ranges);

  std::size_t activation_;
  const fake_recipe& recipe_;
  common::communicator* ranks_;
  std::vector<std::optional<calibration::multiplier_losses>> losses_;  // [Linear], by the first of an input
};

}  // namespace qgrain::engine

#endif
