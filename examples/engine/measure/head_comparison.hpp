// What changed hidden states do to the model's prediction: divergence, loss and first choice of every row.
#ifndef QGRAIN_ENGINE_MEASURE_HEAD_COMPARISON_HPP
#define QGRAIN_ENGINE_MEASURE_HEAD_COMPARISON_HPP

#include <common/communicator.hpp>
#include <lm/buffer.hpp>
#include <lm/head_slabs.hpp>
#include <lm/linear_override.hpp>
#include <lm/model.hpp>
#include <lm/pass_context.hpp>
#include <lm/rows.hpp>

#include <qgrain/host/parallel.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace qgrain::engine {

struct row_sums;

/// One row's changed prediction q against the unquantized model's p.
struct row_comparison {
  double divergence = 0;           ///< sum over the vocabulary of p log(p / q), natural logarithm
  double loss_increase = 0;        ///< log p - log q of the row's target; 0 where it has none
  bool same_first_choice = false;  ///< whether the likeliest entry is the same, among equals the smallest; if asked
};

/// Compares states with those of the unquantized model, in slabs of the vocabulary. With d = z_q - z_p the change of a
/// logit, the divergence is log(sum p e^d) - sum p d, taken as log1p(sum p (e^d - 1)) - sum p d: it is 0 where nothing
/// changed and keeps its digits where little did. Per entry in f32, sums in f64 in a fixed order: the same bits for any
/// number of threads and copies. Rows where a change leaves less than a tenth of sum p e^d, or raises a logit by more
/// than 80, get their logits once more, for the logarithm of their own sum. Infinite or NaN where logits are.
///
/// A padding row's divergence is multiplied by the positions that it stands for, and with it the rounding of the tool
/// that scores are compared with. So it is taken as that tool does, from two log-softmax rows rounded to f32
/// (log_softmax of PyTorch on vectors of 16 floats): sum of f32(e^a) (a - b).
class head_comparison {
 public:
  /// `base`: the residual stream behind the last block, of the first rows of the context's; must outlive the
  /// comparison. Takes one pass over the head. `bundles`: [bundles + 1] bounds of rows that no product crosses; none:
  /// products are of lm::task_rows. Ranks of the context divide the bundles, are called alike and know all results.
  head_comparison(const lm::pass_context& context, lm::const_matrix base, std::span<const index_t> bundles = {});

  /// States behind the last block, and what replaces the head's product (null: nothing). To the override row r is
  /// first_row + r.
  struct copy {
    lm::const_matrix state;  // [rows, hidden]
    lm::linear_override* head = nullptr;
    index_t first_row = 0;
  };
  /// [copy][row], all rows of a copy one after another.
  [[nodiscard]] std::vector<row_comparison> compare(std::span<const copy> copies, bool first_choices = false);

  /// Mean loss of the unquantized model over the rows that have a target.
  [[nodiscard]] double mean_loss() const noexcept { return mean_loss_; }
  [[nodiscard]] index_t targets() const noexcept { return target_count_; }
  /// Operations of the head's products so far.
  [[nodiscard]] double linear_flops() const noexcept { return linear_flops_; }

 private:
  struct broken_rows;
  struct work;
  /// Rows whose logits of a slab exist at once.
  struct row_piece {
    index_t begin = 0;
    index_t end = 0;
    std::vector<index_t> bundles;  ///< bounds among its rows, or none
    [[nodiscard]] index_t rows() const noexcept { return end - begin; }
  };
  /// Where changed logits come from: states, what replaces the head (null: nothing), and the rows as it knows them.
  struct source {
    lm::const_matrix state;  // [rows, hidden]
    lm::linear_override* head;
    std::vector<std::int32_t> rows;
  };
  [[nodiscard]] std::vector<row_piece> pieces_of(index_t rows, std::span<const index_t> bundles) const;
  void normed(lm::const_matrix state, lm::matrix out) const;
  void head_product(const source& from, index_t first_output, lm::const_matrix w, const row_piece& piece, lm::matrix y);
  using logit_visitor = std::function<void(std::size_t source, lm::const_matrix y, index_t first_row)>;
  void changed_logits(std::span<const source> sources, lm::const_matrix w, index_t first_output, const row_piece& piece,
                      lm::buffer& memory, const logit_visitor& visit);
  [[nodiscard]] static std::vector<source> sources_of(std::span<const copy> copies, index_t rows);
  void add_slabs(std::span<const source> sources, bool first_choices, work& w);
  void find_log_sums(std::span<const source> copies, std::vector<broken_rows>& broken);
  void plain_product(lm::const_matrix state, lm::const_matrix w, index_t first, index_t end, lm::matrix y) const;
  void compare_rows(lm::const_matrix z, lm::const_matrix base, lm::const_matrix weight, index_t first,
                    index_t first_output, bool first_choices, row_sums* rows) const;
  /// Makes what each rank has found for its rows known to all.
  template <class Element>
  void share(std::span<Element> of_rows) const {
    if (common::is_divided(ranks_)) common::share_elements(*ranks_, of_rows, owners_);
  }

  const lm::model& model_;
  const lm::packed_rows& rows_;
  lm::const_matrix base_;
  std::span<const std::int32_t> targets_;
  thread_pool& pool_;
  common::communicator* ranks_;
  lm::head_slabs slabs_;
  std::vector<index_t> owners_;  // [ranks + 1] which rows are whose
  index_t first_ = 0;            // this rank's rows
  index_t end_ = 0;
  std::vector<index_t> own_bundles_;  // bounds, or none
  std::vector<row_piece> pieces_;     // of this rank's rows
  std::vector<float> final_weight_;
  std::vector<double> log_sums_;            // [rows] log of the sum of e^z
  std::vector<std::int32_t> first_choice_;  // [rows]
  double mean_loss_ = 0;
  index_t target_count_ = 0;
  double linear_flops_ = 0;
};

}  // namespace qgrain::engine

#endif
