// One decoder block over a chunk of rows: forward, and backward with recomputation.
#ifndef QGRAIN_LM_BLOCK_HPP
#define QGRAIN_LM_BLOCK_HPP

#include <lm/buffer.hpp>
#include <lm/chunk.hpp>
#include <lm/experts.hpp>
#include <lm/linear_override.hpp>
#include <lm/model.hpp>
#include <lm/operations.hpp>
#include <lm/row_angles.hpp>
#include <lm/rows.hpp>
#include <lm/visitor.hpp>

#include <qgrain/host/parallel.hpp>

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace qgrain::lm {

/// What a block computes on the way, for up to `capacity` rows. n rows; a query width, c key width, d hidden,
/// f intermediate.
struct block_workspace {
  block_workspace(const model_config& config, index_t capacity);
  /// Floats per row.
  [[nodiscard]] static index_t width(const model_config& config);
  /// Rows whose results fit into so many bytes.
  [[nodiscard]] static index_t fitting_rows(const model_config& config, index_t bytes) {
    return bytes / (width(config) * static_cast<index_t>(sizeof(float)));
  }

  buffer attention_input;         // [n, d] normed
  buffer turned_query;            // [n, a] normed and turned
  buffer turned_key;              // [n, c]
  buffer attended;                // [n, a]
  buffer middle;                  // [n, d] residual stream between attention and MLP
  buffer mlp_input;               // [n, d] normed
  buffer activated;               // [n, f]
  std::vector<buffer> outputs;    // [n, out] of each Linear
  std::vector<buffer> gradients;  // [n, out] there; of the Linears in front of the stream where a norm follows them
  buffer branch;                  // [n, d] what is added to the stream, where a norm follows
  buffer d_middle;                // [n, d] gradients
  buffer d_attended;              // [n, a]
  buffer mixed, d_mixed;          // [n, d] the sum of the experts' outputs, the gradient there
  buffer d_input;                 // [n, d]
};

/// One expert at a time, for up to `capacity` rows: m of them, e its intermediate size.
struct expert_workspace {
  expert_workspace(const model_config& config, index_t capacity);

  buffer input;                                // [m, d]
  buffer activated;                            // [m, e]
  std::array<buffer, expert_parts> outputs;    // [m, out] of gate, up, down
  std::array<buffer, expert_parts> gradients;  // [m, out] there
  buffer d_input;                              // [m, d]
  expert_weights weights;
};

/// The block's computation with its weights, bound to one set of rows.
class block_runner {
 public:
  block_runner(const model& m, const packed_rows& rows, const row_angles& angles, thread_pool& pool, index_t capacity)
      : model_(m),
        config_(m.config()),
        rows_(rows),
        angles_(angles),
        pool_(pool),
        work_(config_, capacity),
        expert_(config_, config_.experts > 0 ? capacity : 0) {}

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
  [[nodiscard]] buffer& input_of(block_input input);
  [[nodiscard]] attention_rule attention_of(index_t layer) const;
  // Rows [begin, end) of the chunk of what the Linears of an input read, of one Linear's output or the gradient there,
  // and of a part of it.
  [[nodiscard]] const_matrix input_rows(block_input input, index_t begin, index_t end);
  [[nodiscard]] matrix rows_at(std::vector<buffer>& all, std::size_t linear, index_t begin, index_t end);
  [[nodiscard]] matrix part_of(std::vector<buffer>& all, const block_part& part, index_t begin, index_t end);

  void linears(const block_weights& weights, block_input input, index_t begin, index_t end);
  void attention_input(const block_weights& weights, const_matrix x, index_t begin, index_t end);
  void turn_heads(const block_weights& weights, const chunk& part, index_t layer, index_t begin, index_t end);
  void until_attention(const block_weights& weights, const chunk& part, index_t layer, const_matrix x);
  template <class Body>
  void for_each_head(const chunk& part, const Body& body);
  void attend(const chunk& part, index_t layer);
  void add_branch(std::span<const float> norm, const_matrix stream, const_matrix branch, index_t begin, matrix sum);
  void mlp_input(const block_weights& weights, const_matrix x, index_t begin, index_t end);
  void activate(index_t begin, index_t end);
  [[nodiscard]] matrix mlp_output(index_t begin, index_t end);
  void after_attention(const block_weights& weights, const_matrix x, index_t begin, index_t end);

  void compute(const block_weights& weights, const chunk& part, index_t layer, block_input input,
               linear_override* instead);
  void forward_in_stages(const block_weights& weights, const chunk& part, index_t layer, const_matrix x,
                         const participants& others);

  // Experts (block_experts.cpp). Rows are those of the chunk.
  [[nodiscard]] expert_choice route(const chunk& part, index_t layer);
  void mix_experts(const chunk& part, index_t layer, const participants& others);
  void run_expert(index_t layer, index_t expert, std::optional<index_t> next, std::span<const std::int32_t> rows,
                  std::span<const std::int32_t> numbers, const participants& others);
  void expert_products(index_t layer, index_t expert, block_input input, std::span<const std::int32_t> numbers,
                       const participants& others);
  [[nodiscard]] const_matrix expert_input(block_input input, index_t rows);
  void experts_backward(const block_weights& weights, const chunk& part, index_t layer, const_matrix gradient,
                        backward_visitor& visitor);
  void expert_backward(index_t layer, index_t expert, std::span<const std::int32_t> numbers,
                       std::span<const float> weights, backward_visitor& visitor);
  void sparse_backward(const block_weights& weights, const chunk& part, index_t layer, const_matrix x,
                       const_matrix gradient, backward_visitor& visitor);

  [[nodiscard]] const_matrix branch_gradient(std::span<const float> norm, const_matrix branch, buffer& in_front,
                                             const_matrix gradient, index_t begin, index_t end);
  void input_backward(const block_weights& weights, block_input input, index_t begin, index_t end, matrix dx);
  void mlp_backward(const block_weights& weights, const_matrix gradient, index_t begin, index_t end);
  void stream_backward(const block_weights& weights, const_matrix gradient, index_t begin, index_t end);
  void attend_backward(const chunk& part, index_t layer);
  void turn_back(const block_weights& weights, const chunk& part, index_t layer, index_t begin, index_t end);
  void show(const block_weights& weights, const chunk& part, index_t layer, block_input input, const_matrix gradient,
            backward_visitor& visitor);

  const model& model_;
  const model_config& config_;
  const packed_rows& rows_;
  const row_angles& angles_;
  thread_pool& pool_;
  block_workspace work_;
  expert_workspace expert_;
  const block_layout* layout_ = nullptr;  // of the layer that is worked on
};

}  // namespace qgrain::lm

#endif
