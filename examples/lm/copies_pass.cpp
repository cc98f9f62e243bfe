#include <common/process.hpp>
#include <lm/copies_pass.hpp>
#include <lm/product_flops.hpp>

#include <algorithm>

namespace qgrain::lm {
namespace {

packed_rows copies_of(const packed_rows& rows, index_t batches, index_t copies) {
  packed_rows all;
  for (index_t copy = 0; copy < copies; ++copy) {
    const index_t offset = all.rows();
    for (const sequence_rows& s : rows.sequences) {
      if (batches > 0 && s.batch >= batches) break;
      all.ids.insert(all.ids.end(), rows.ids.begin() + s.begin, rows.ids.begin() + s.end());
      all.positions.insert(all.positions.end(), rows.positions.begin() + s.begin, rows.positions.begin() + s.end());
      all.sequences.push_back(s);
      all.sequences.back().begin += offset;
    }
  }
  return all;
}

// Rows that keep the threads busy: three tasks each. More would only fall out of the caches.
index_t busy_rows(int threads) { return index_t{3} * 128 * threads; }

// Of all copies, each cut as a pass over the rows alone would cut them.
std::vector<index_t> bundles_of_copies(const packed_rows& all, index_t rows, index_t rows_each) {
  std::vector<index_t> bounds = bundles_of(all, 0, rows, rows_each, false);
  const std::size_t of_copy = bounds.size() - 1;
  while (bounds.back() < all.rows()) bounds.push_back(bounds[bounds.size() - of_copy] + rows);
  return bounds;
}

index_t most_rows(const std::vector<chunk>& parts) {
  index_t most = 0;
  for (const chunk& part : parts) most = std::max(most, part.rows());
  return most;
}

}  // namespace

copies_pass::copies_pass(const pass_context& context, index_t batches, index_t copies)
    : model_(context.model),
      pool_(context.pool),
      copied_(copies_of(context.rows, batches, copies)),
      rows_(copied_.rows() / copies),
      angles_(model_.config(), copied_),
      blocks_(model_, context.limits.kept_weight_bytes),
      fitting_(
          block_workspace::fitting_rows(model_.config(), std::max(context.limits.chunk_bytes, blocks_.block_bytes()))),
      bundles_(
          bundles_of_copies(copied_, rows_, rows_of_bundle(rows_, model_.config().hidden, context.limits, fitting_))),
      runner_(model_, copied_, angles_, pool_, most_rows(chunks(copies))) {
  common::use_one_blas_thread();
}

std::vector<chunk> copies_pass::chunks(index_t copies) const {
  // An expert's rows of several copies would make tasks that depend on how many copies there are.
  const index_t at_once =
      model_.config().experts > 0 ? 1 : std::max<index_t>(std::min(fitting_, busy_rows(pool_.threads())) / rows_, 1);
  const index_t of_copy = (static_cast<index_t>(bundles_.size()) - 1) / (copied_.rows() / rows_);
  std::vector<chunk> parts;
  for (index_t first = 0; first < copies; first += at_once) {
    const index_t end = std::min(first + at_once, copies);
    const auto bounds = std::span(bundles_).subspan(static_cast<std::size_t>(first * of_copy),
                                                    static_cast<std::size_t>((end - first) * of_copy + 1));
    for (chunk& part : chunks_of(copied_, bounds, fitting_)) parts.push_back(std::move(part));
  }
  return parts;
}

void copies_pass::forward(index_t first_layer, index_t copies, matrix x, linear_override& instead,
                          const std::function<void()>& before_chunk) {
  const std::vector<chunk> parts = chunks(copies);
  for (index_t layer = first_layer; layer < model_.config().layers; ++layer) {
    const block_weights& weights = blocks_.read(layer, layer + 1, pool_);
    for (const chunk& part : parts) {
      if (before_chunk) before_chunk();
      runner_.forward(weights, part, layer, x, {nullptr, &instead});
    }
    linear_flops_ += block_linear_flops(model_, layer, copies * rows_);
  }
}

}  // namespace qgrain::lm
