// What the layer-wise pass shows to those who score or calibrate Linears.
#ifndef QGRAIN_LM_VISITOR_HPP
#define QGRAIN_LM_VISITOR_HPP

#include <lm/buffer.hpp>

#include <cstdint>
#include <span>

namespace qgrain::lm {

/// The input of Linears [first_linear, first_linear + linears), which share it, on rows [first_row, first_row +
/// x.rows()) of the packed rows; of an expert's Linears on the rows that were sent to it.
struct linear_input {
  index_t first_linear = 0;
  index_t linears = 0;
  index_t first_row = 0;
  const_matrix x;                        // [rows, in]
  std::span<const std::int32_t> rows{};  // [rows] of an expert: number of each row, ascending; else empty
};

/// Which experts a layer's router has chosen for rows [first_row, first_row + n).
struct routed_rows {
  index_t layer = 0;
  index_t first_row = 0;
  index_t per_row = 0;
  std::span<const std::int32_t> experts;  // [n, per_row] the likeliest first
  std::span<const float> weights;         // [n, per_row] of their outputs
};

/// Sees every Linear input once during the forward pass, block by block, all rows of one input before the next block
/// begins; a bundle of rows at a time (chunk.hpp), whatever the division, an expert's rows as they come. Called from
/// the pass's own thread; the views end with the call.
class forward_observer {
 public:
  virtual ~forward_observer() = default;
  virtual void observe(const linear_input& input) = 0;
  /// Called in front of the inputs of the experts.
  virtual void route(const routed_rows& routed) { static_cast<void>(routed); }
  /// Whether it has to see all rows of every input, in their order, on each rank of a divided run. Else a rank sees
  /// those that are its own.
  [[nodiscard]] virtual bool needs_all_rows() const { return false; }
};

/// One Linear, or for the head a slab of its outputs.
struct linear_output {
  index_t linear = 0;
  index_t first_output = 0;     ///< row of the whole weight at which `weight` starts
  const_matrix weight;          // [out, in]
  std::span<const float> bias;  // [out] or empty
  const_matrix y;               // [rows, out] = x weight^T + bias
  const_matrix gradient;        // [rows, out] d loss / d y
};

/// A Linear input with everything known at its Linears.
struct linear_sample {
  const_matrix x;                      // [rows, in]
  std::span<const std::int32_t> rows;  // [rows] number of each row among the packed rows, ascending
  std::span<const linear_output> outputs;
  std::span<const index_t> bundles{};  // [bundles + 1] bounds among the rows (chunk.hpp); empty: one of any size
};

/// An expert with everything known at its Linears, on the rows that were sent to it.
struct expert_sample {
  index_t layer = 0;
  linear_sample input;             // gate and up
  linear_sample activated;         // down
  std::span<const float> weights;  // [rows] what the expert's output is multiplied by
};

/// The experts of a layer on rows [first_row, first_row + n).
struct expert_rows {
  index_t layer = 0;
  index_t first_row = 0;
  const_matrix gradient;  // [n, hidden] at the weighted sum of their outputs
};

/// Sees every Linear during the backward pass: the head slab by slab, then the blocks from last to first, each in
/// chunks of rows. Within a block all chunks are shown before the block before it begins. Each rank of a divided run
/// sees its own bundles of rows, also of the head's. Called from the pass's own thread; the views end with the
/// call.
class backward_visitor {
 public:
  virtual ~backward_visitor() = default;
  virtual void visit(const linear_sample& sample) = 0;
  /// Called in front of the experts of a chunk and behind them; the gradient is there until then.
  virtual void experts_begin(const expert_rows& rows) { static_cast<void>(rows); }
  virtual void experts_end() {}
  /// Called for the experts of a chunk one after another, those without rows left out.
  virtual void visit_expert(const expert_sample& expert) {
    visit(expert.activated);
    visit(expert.input);
  }
  /// The head and all blocks from `layer` on are done; `gradient` [limited rows, hidden] is that at the output of block
  /// layer - 1. With it a backward pass can go on later (backward_start). Not called behind the first block. In a
  /// divided run every rank is called, and knows the gradient of its own rows.
  virtual void boundary(index_t layer, const_matrix gradient) {
    static_cast<void>(layer);
    static_cast<void>(gradient);
  }
};

}  // namespace qgrain::lm

#endif
