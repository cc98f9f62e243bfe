// Ranges that recipes need from whole tensors: of weights, and of Linear inputs over the calibration data.
#ifndef QGRAIN_ENGINE_CALIBRATE_RANGES_HPP
#define QGRAIN_ENGINE_CALIBRATE_RANGES_HPP

#include <common/communicator.hpp>
#include <lm/limits.hpp>
#include <lm/model.hpp>
#include <lm/pass_context.hpp>
#include <lm/rows.hpp>
#include <lm/visitor.hpp>

#include <qgrain/host/parallel.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace qgrain::engine {

/// Largest magnitudes of a weight [out, in].
struct weight_range {
  std::vector<float> columns;  ///< [in]
  float tensor = 0;
};

/// FNV-1a of 64 bits over bytes.
class fnv1a {
 public:
  void add(std::span<const std::byte> bytes) noexcept {
    for (const std::byte b : bytes) hash_ = (hash_ ^ static_cast<std::uint64_t>(b)) * 0x100000001b3U;
  }
  /// 16 hexadecimal digits.
  [[nodiscard]] std::string text() const;

 private:
  std::uint64_t hash_ = 0xcbf29ce484222325U;
};

/// columns [cols] := max(columns, |x| by column); a NaN stays.
void widen_columns(lm::const_matrix x, std::span<float> columns, thread_pool& pool);
/// batches [batches] := max(batches, |x| by batch); a NaN stays. batch_of: the batch of each row of x, ascending.
void widen_batches(lm::const_matrix x, std::span<const std::int32_t> batch_of, std::span<float> batches,
                   thread_pool& pool);
/// most [at least as many] := max(most, values); a NaN stays.
void widen_by(std::span<const float> values, std::vector<float>& most);
/// body(Linears) for each layer with experts and each of an expert's projections: that Linear of every expert.
void for_each_expert_input(const lm::model& model, const std::function<void(std::span<const index_t> linears)>& body);
/// The largest of values that are not negative; NaN if there is one.
[[nodiscard]] float largest(std::span<const float> values);
/// [rows] the batch of each packed row
[[nodiscard]] std::vector<std::int32_t> batch_of_rows(const lm::packed_rows& rows);

/// [Linear] the first of those that read the same input.
[[nodiscard]] std::vector<index_t> first_linears_of_inputs(const lm::model& model);

/// body(Linear, first_output, weight) for every Linear in their order, one block, expert or slab of the head in memory
/// at a time; on each rank for its share of the blocks and slabs.
void for_each_weight(
    const lm::model& model, thread_pool& pool, const lm::pass_limits& limits, common::communicator* ranks,
    const std::function<void(std::size_t linear, index_t first_output, lm::const_matrix weight)>& body);

/// Reads every Linear's weight once, each rank its share of them. NaN or infinity anywhere is errc::non_finite; all
/// tensors at fault are named.
[[nodiscard]] std::vector<weight_range> find_weight_ranges(const lm::model& model, thread_pool& pool,
                                                           common::communicator* ranks = nullptr);

/// Linears that read the same input, of which engines make one layer (q, k, v; gate, up), get the largest of their
/// `tensor` ranges.
void share_tensor_ranges(const lm::model& model, std::vector<weight_range>& ranges);
/// [Linear] their `tensor`.
[[nodiscard]] std::vector<float> tensor_ranges(const std::vector<weight_range>& ranges);

/// Tells models apart: 16 hexadecimal digits of FNV-1a-64 over the names, shapes and column ranges of all Linears.
[[nodiscard]] std::string model_fingerprint(const lm::model& model, const std::vector<weight_range>& ranges);

/// Largest magnitudes of every Linear's input, per channel over all rows (an expert's: those sent to it) and per batch;
/// filled by a forward pass.
class input_ranges final : public lm::forward_observer {
 public:
  explicit input_ranges(const lm::pass_context& context);
  void observe(const lm::linear_input& input) override;
  /// Once each rank has seen its rows: what all of them have seen.
  void widen(common::communicator& ranks);
  /// NaN or infinity in any input: errc::non_finite naming the first layer and how many more.
  void require_finite() const;
  /// Gives inputs of experts that got no row the largest magnitudes of their layer's other experts; with `shared`, all
  /// inputs of experts, as ModelOpt does. A batch without a row for an expert gets the expert's own: where something is
  /// quantized, later routers may send it some.
  void complete_experts(bool shared);
  /// Whether the input of a Linear was there: an expert may have got no row.
  [[nodiscard]] bool has_seen(index_t linear) const { return seen_[static_cast<std::size_t>(linear)]; }

  /// [in] largest magnitude of each channel, padding rows included
  [[nodiscard]] const std::vector<float>& channels(index_t linear) const { return entry_of(linear).channels; }
  [[nodiscard]] float tensor(index_t linear) const { return entry_of(linear).tensor; }
  /// [batches] largest magnitude of each batch
  [[nodiscard]] const std::vector<float>& batches(index_t linear) const { return entry_of(linear).batches; }
  /// [rows] batch of each packed row
  [[nodiscard]] std::span<const std::int32_t> batches_of_rows() const noexcept { return batch_of_; }
  /// Batch of a packed row.
  [[nodiscard]] std::int32_t batch_of(std::int32_t row) const { return batch_of_[static_cast<std::size_t>(row)]; }

 private:
  struct entry {
    std::vector<float> channels;  // [in]
    std::vector<float> batches;   // [batches]
    float tensor = 0;
  };
  [[nodiscard]] const entry& entry_of(index_t linear) const {
    return entries_[static_cast<std::size_t>(entry_index_[static_cast<std::size_t>(linear)])];
  }

  const lm::model& model_;
  thread_pool& pool_;
  std::vector<std::int32_t> batch_of_;  // [rows]
  std::vector<index_t> entry_index_;    // [linears] Linears with one input share an entry
  std::vector<bool> seen_;              // [linears]
  std::vector<entry> entries_;          // by the first Linear of an input
};

}  // namespace qgrain::engine

#endif
