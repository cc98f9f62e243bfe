// The rest of the model for several copies of the same rows, which differ in what replaces some Linears.
#ifndef QGRAIN_LM_COPIES_PASS_HPP
#define QGRAIN_LM_COPIES_PASS_HPP

#include <lm/block.hpp>
#include <lm/block_source.hpp>
#include <lm/buffer.hpp>
#include <lm/chunk.hpp>
#include <lm/limits.hpp>
#include <lm/linear_override.hpp>
#include <lm/model.hpp>
#include <lm/operations.hpp>
#include <lm/pass_context.hpp>
#include <lm/row_angles.hpp>
#include <lm/rows.hpp>

#include <qgrain/host/parallel.hpp>

#include <functional>
#include <vector>

namespace qgrain::lm {

/// Row r of copy c is row c * rows() + r. What a copy computes does not depend on how many there are, nor on the number
/// of threads.
class copies_pass {
 public:
  /// For up to `copies` copies of the first `batches` batches of the context's rows; 0 takes all.
  copies_pass(const pass_context& context, index_t batches, index_t copies);

  /// Of one copy.
  [[nodiscard]] index_t rows() const noexcept { return rows_; }
  /// x [copies * rows(), hidden]: the residual stream in front of block `first_layer`, on return behind the last.
  /// `instead` takes the place of Linears in these blocks. `before_chunk`, if any, is called often; what it throws ends
  /// the pass.
  void forward(index_t first_layer, index_t copies, matrix x, linear_override& instead,
               const std::function<void()>& before_chunk = {});
  /// Operations of the products of Linears so far.
  [[nodiscard]] double linear_flops() const noexcept { return linear_flops_; }

 private:
  [[nodiscard]] std::vector<chunk> chunks(index_t copies) const;

  const model& model_;
  thread_pool& pool_;
  packed_rows copied_;
  index_t rows_;  // of one copy
  row_angles angles_;
  block_source blocks_;
  index_t fitting_;               // rows whose intermediate results memory allows
  std::vector<index_t> bundles_;  // bounds, of all copies
  block_runner runner_;
  double linear_flops_ = 0;
};

}  // namespace qgrain::lm

#endif
