// Linears that compute something else than the model says: quantized ones, for one.
#ifndef QGRAIN_LM_LINEAR_OVERRIDE_HPP
#define QGRAIN_LM_LINEAR_OVERRIDE_HPP

#include <lm/buffer.hpp>
#include <lm/rows.hpp>
#include <lm/visitor.hpp>

#include <cstdint>
#include <span>

namespace qgrain::lm {

/// One Linear to compute, or for the head a slab of its outputs.
struct linear_product {
  index_t linear = 0;
  index_t first_output = 0;     ///< row of the whole weight at which `weight` starts
  const_matrix weight;          // [out, in]
  std::span<const float> bias;  // [out] or empty
  matrix y;                     // [rows, out], to be filled
};

/// Linears that share an input.
struct linear_call {
  const_matrix x;                      // [rows, in]
  std::span<const std::int32_t> rows;  // [rows] number of each row among the packed rows, ascending
  std::span<const linear_product> outputs;
  std::span<const index_t> bundles{};  // [bundles + 1] bounds among the rows (chunk.hpp); empty: not known
};

/// Takes the place of Linears in a forward pass. All members are called from the pass's own thread; `compute` may use
/// the pass's pool. Views end with the call.
class linear_override : public forward_observer {
 public:
  /// A pass over these rows begins.
  virtual void begin(const packed_rows& rows) { static_cast<void>(rows); }
  /// Whether `compute` is to be asked for this Linear. Those that share its input are then asked for as well.
  [[nodiscard]] virtual bool replaces(index_t linear) const = 0;
  /// Whether all rows of a batch must be observed before any of them is computed. A pass then works on whole batches.
  [[nodiscard]] virtual bool needs_whole_batches() const { return false; }
  /// The input of Linears of which one is replaced, before its products; the head's input in pieces, all of them first.
  void observe(const linear_input& input) override { static_cast<void>(input); }
  /// Fills every y. What is not replaced must be x weight^T + bias in the tasks of the call's
  /// bundles (for_each_task) to have the plain pass's bits.
  virtual void compute(const linear_call& call) = 0;
};

}  // namespace qgrain::lm

#endif
