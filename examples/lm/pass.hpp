// The layer-wise pass: all sequences through one block, then through the next, with one block's weights in memory.
#ifndef QGRAIN_LM_PASS_HPP
#define QGRAIN_LM_PASS_HPP

#include <lm/block.hpp>
#include <lm/block_source.hpp>
#include <lm/buffer.hpp>
#include <lm/head_slabs.hpp>
#include <lm/labels.hpp>
#include <lm/limits.hpp>
#include <lm/linear_override.hpp>
#include <lm/model.hpp>
#include <lm/operations.hpp>
#include <lm/pass_context.hpp>
#include <lm/row_angles.hpp>
#include <lm/row_division.hpp>
#include <lm/rows.hpp>
#include <lm/visitor.hpp>

#include <qgrain/host/parallel.hpp>

#include <functional>
#include <optional>
#include <span>
#include <vector>

namespace qgrain::lm {

struct loss_report {
  struct batch {
    double loss = 0;  ///< mean cross entropy of the batch's targets, natural logarithm
    index_t targets = 0;
  };
  std::vector<batch> batches;
  double mean_of_batches = 0;
  double mean_over_targets = 0;
};

/// Where a backward pass goes on: see backward_visitor::boundary.
struct backward_start {
  index_t layer;
  const_matrix gradient;
};

/// Floating-point operations of matrix products (a multiply and an add are two) and seconds spent.
struct pass_costs {
  double linear_flops = 0;
  double attention_flops = 0;
  double forward_seconds = 0;
  double loss_seconds = 0;
  double backward_seconds = 0;  ///< without the visitor
  double visitor_seconds = 0;
};

/// One run over one data set. Call forward first; then loss; then, if inputs were kept, backward; or logits instead of
/// the last two.
///
/// In a divided run (context.ranks) a rank takes whole bundles of rows (chunk.hpp), also of the head's: every product
/// and every sum is then one of the undivided run, and so are the bits. Several ranks may have the same rows of the
/// backward pass (rank_grid.hpp). All members are called on all ranks. Rows keep their numbers; memory of rows that are
/// another rank's is asked for and not touched.
///
/// Memory: the hidden states [rows, hidden] after each block (one of them where inputs are not kept) and one gradient
/// of that size, one block's weights, a block's intermediate results for one chunk of rows, one slab of the head.
class layer_pass {
 public:
  /// `batches`: how many of the first batches loss and backward take; 0 takes all. `instead`, unless it is null, takes
  /// the place of Linears; such a pass has no gradients, so it keeps the last state alone.
  explicit layer_pass(const pass_context& context, index_t batches = 0, linear_override* instead = nullptr);

  enum class keep : std::uint8_t { last_state, all_states };
  /// Runs the embedding and all blocks. The observer, if any, sees every Linear input, the head's last.
  void forward(keep what, forward_observer* observer = nullptr);
  /// Mean next-token cross entropy, in slabs of the vocabulary. With `draw`, the labels that `backward` will take are
  /// drawn from the model's prediction at every row that has a target; the report is that of the text all the same.
  [[nodiscard]] loss_report loss(const std::optional<label_draw>& draw = {});
  /// The label of each row with a target, in row order: the text's or the drawn ones of the last call of loss().
  [[nodiscard]] std::span<const std::int32_t> labels() const noexcept { return labels_; }
  [[nodiscard]] std::span<const std::int32_t> target_rows() const noexcept { return target_rows_; }
  /// The gradient of the sum of all batches' losses at every Linear. Needs keep::all_states and loss(). With `start`
  /// only the blocks below start->layer are visited, to the same bits. Throws errc::invalid_shape where the gradient is
  /// not one of these rows.
  void backward(backward_visitor& visitor, const backward_start* start = nullptr);

  /// Called for a slab of logits: rows from first_row, vocabulary from first_output.
  using logits_sink = std::function<void(index_t first_row, index_t first_output, const_matrix logits)>;
  void logits(const logits_sink& sink) { logits(0, sink); }
  /// The same for rows from `first_row` on.
  void logits(index_t first_row, const logits_sink& sink) { logits(first_row, rows_.rows(), sink); }
  /// The same for rows [first_row, end_row), whose last state is known here.
  void logits(index_t first_row, index_t end_row, const logits_sink& sink);

  /// The residual stream of the limited rows in front of block `layer`; `layers` is the one behind the last block, of
  /// all rows until `backward`. Only kept states exist.
  [[nodiscard]] const_matrix state(index_t layer) const;
  /// The final norm of rows [begin, end), into out [end - begin, hidden].
  void final_norm(index_t begin, index_t end, matrix out) const;
  [[nodiscard]] const pass_costs& costs() const noexcept { return costs_; }

  /// How so many ranks share the rows that loss and backward take, and what the visitor does there (context.load).
  [[nodiscard]] rank_grid grid(index_t ranks) const { return division_.grid(ranks); }
  /// [ranks + 1] which of these rows are whose, among so many ranks: rank r owns [bounds[r], bounds[r + 1]), none
  /// behind the row shares of the grid. What it finds there for all jobs is known to all.
  [[nodiscard]] std::vector<index_t> row_bounds(index_t ranks) const { return division_.row_bounds(ranks); }
  /// [bundles + 1] bounds of what ranks are given whole of these rows.
  [[nodiscard]] std::span<const index_t> scored_bounds() const noexcept { return division_.scored_bounds(); }
  /// Into how many bundles these rows are cut.
  [[nodiscard]] index_t scored_bundles() const noexcept { return division_.scored_bundles(); }
  /// How many rows this rank takes in a forward pass that need not show all of them.
  [[nodiscard]] index_t own_rows() const;
  /// And in the backward pass.
  [[nodiscard]] index_t own_scored_rows() const;

 private:
  /// Of the rows with a target, as the head takes them.
  struct head_division {
    std::vector<index_t> owners;               ///< [ranks + 1] bounds, as row_bounds()
    std::vector<std::vector<index_t>> pieces;  ///< this rank's: bounds of the bundles of each
  };
  [[nodiscard]] head_division divide_head() const;
  [[nodiscard]] bool is_divided() const { return common::is_divided(ranks_); }
  [[nodiscard]] index_t rank_count() const { return is_divided() ? ranks_->size() : 1; }
  void gather_normed(std::span<const std::int32_t> rows, matrix out) const;
  [[nodiscard]] bool replaces_head() const { return instead_ != nullptr && instead_->replaces(model_.head_linear()); }
  void replaced_head(std::span<const std::int32_t> rows, index_t first_output, const_matrix weight, const_matrix x,
                     matrix y, std::span<const index_t> bundles = {});
  void observe_head(const chunk& part, forward_observer* observer);
  void end_layer(forward_observer* observer) const;
  void backward_head(backward_visitor& visitor);

  const model& model_;
  const model_config& config_;
  const packed_rows& rows_;
  thread_pool& pool_;
  linear_override* instead_;
  common::communicator* ranks_;
  head_slabs slabs_;
  row_angles angles_;
  block_source blocks_;
  index_t batches_;       // that loss and backward take
  index_t limited_rows_;  // of these batches
  row_division division_;
  block_runner runner_;
  std::vector<float> final_weight_;
  buffer current_;                         // [rows, hidden]
  std::vector<buffer> states_;             // per block [limited rows, hidden]
  std::vector<std::int32_t> target_rows_;  // rows that have a target
  std::vector<std::int32_t> labels_;       // [target rows]
  std::vector<float> log_sums_;            // [target rows] log of the sum of exp(logits)
  pass_costs costs_;
};

}  // namespace qgrain::lm

#endif
