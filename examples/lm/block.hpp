// One decoder block over a chunk of rows: forward, and backward with recomputation.
#ifndef QGRAIN_LM_BLOCK_HPP
#define QGRAIN_LM_BLOCK_HPP

#include <lm/buffer.hpp>
#include <lm/linear_override.hpp>
#include <lm/model.hpp>
#include <lm/operations.hpp>
#include <lm/rows.hpp>
#include <lm/visitor.hpp>

#include <qgrain/host/parallel.hpp>

#include <array>

namespace qgrain::lm {

/// A run of whole sequences that is worked on at once.
struct chunk {
  index_t first_sequence = 0;
  index_t end_sequence = 0;
  index_t begin = 0;  // rows
  index_t end = 0;
  index_t period = 0;  ///< tasks do not cross multiples of so many rows; a divisor of rows(), 0: rows()

  [[nodiscard]] index_t rows() const noexcept { return end - begin; }
};

/// What a block computes on the way, for up to `capacity` rows. n rows; a, c, d, f as in block_weights.
struct block_workspace {
  block_workspace(const model_config& config, index_t capacity);
  /// Floats per row.
  [[nodiscard]] static index_t width(const model_config& config) noexcept;

  buffer attention_input;  // [n, d] normed
  buffer query, key;       // [n, a], [n, c] as the Linears give them
  buffer value;            // [n, c]
  buffer turned_query;     // [n, a] normed per head and turned
  buffer turned_key;       // [n, c]
  buffer attended;         // [n, a]
  buffer projected;        // [n, d] output of o_proj
  buffer middle;           // [n, d] residual stream between attention and MLP
  buffer mlp_input;        // [n, d] normed
  buffer gate, up;         // [n, f]
  buffer activated;        // [n, f]
  buffer down;             // [n, d]
  buffer d_gate, d_up;     // [n, f] gradients
  buffer d_middle;         // [n, d]
  buffer d_attended;       // [n, a]
  buffer d_query;          // [n, a]
  buffer d_key, d_value;   // [n, c]
  buffer d_input;          // [n, d]
};

/// The block's computation with its weights, bound to one set of rows.
class block_runner {
 public:
  block_runner(const model_config& config, const packed_rows& rows, const rope_table& angles, thread_pool& pool,
               index_t capacity)
      : config_(config), rows_(rows), angles_(angles), pool_(pool), work_(config, capacity) {}

  /// Who takes part in a forward pass: each may be null.
  struct participants {
    forward_observer* observer = nullptr;
    linear_override* instead = nullptr;  ///< takes the place of Linears
  };
  /// x := block(x) for the chunk's rows of x, a matrix of all rows.
  void forward(const block_weights& weights, const chunk& part, index_t layer, matrix x, const participants& others);
  /// gradient := gradient at the block's input, given the gradient at its output; x is the block's input. The first
  /// block's input gradient is not computed.
  void backward(const block_weights& weights, const chunk& part, index_t layer, matrix x, matrix gradient,
                backward_visitor& visitor);

 private:
  /// Linears of a block that share an input, and what one of them reads and writes.
  struct shared_input {
    block_linear first;
    index_t linears;
    buffer* input;
    std::array<buffer*, 3> outputs;
  };
  [[nodiscard]] std::array<shared_input, 4> inputs();
  void compute(const block_weights& weights, const chunk& part, index_t layer, const shared_input& shared,
               linear_override& instead);

  void forward_with(linear_override& instead, const block_weights& weights, const chunk& part, index_t layer,
                    const_matrix x);
  void attention_inputs(const block_weights& weights, const chunk& part, const_matrix x);
  void turn_heads(const block_weights& weights, const chunk& part, index_t begin, index_t end);
  template <class Body>
  void for_each_head(const chunk& part, const Body& body);
  void attend(const chunk& part);
  void attend_backward(const chunk& part);
  void after_attention(const block_weights& weights, const_matrix x, index_t begin, index_t end);
  void mlp_inputs(const block_weights& weights, const_matrix x, index_t begin, index_t end);
  void activate(index_t rows, index_t begin, index_t end);
  [[nodiscard]] std::span<const std::int32_t> positions(const chunk& part, index_t begin, index_t end) const;

  const model_config& config_;
  const packed_rows& rows_;
  const rope_table& angles_;
  thread_pool& pool_;
  block_workspace work_;
};

}  // namespace qgrain::lm

#endif
