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

// Rows of a chunk: whole copies if they fit, else part of a copy, at least the longest sequence. How many whole copies
// there are changes no result.
index_t chunk_rows(const model_config& config, const packed_rows& all, index_t rows, index_t bytes, int threads) {
  const index_t fitting = bytes / (block_workspace::width(config) * static_cast<index_t>(sizeof(float)));
  if (fitting >= rows) {
    const index_t copies = std::max<index_t>(std::min(fitting, busy_rows(threads)) / rows, 1);
    return std::min(copies * rows, all.rows());
  }
  index_t longest = 0;
  for (const sequence_rows& s : all.sequences) longest = std::max(longest, s.rows);
  return std::max(fitting, longest);
}

}  // namespace

copies_pass::copies_pass(const pass_context& context, index_t batches, index_t copies)
    : model_(context.model),
      pool_(context.pool),
      copied_(copies_of(context.rows, batches, copies)),
      angles_(model_.config(), copied_),
      blocks_(model_, context.limits.kept_weight_bytes),
      capacity_(chunk_rows(model_.config(), copied_, copied_.rows() / copies,
                           std::max(context.limits.chunk_bytes, blocks_.block_bytes()), pool_.threads())),
      runner_(model_, copied_, angles_, pool_, capacity_) {
  common::use_one_blas_thread();
  rows_ = copied_.rows() / copies;
  sequences_ = static_cast<index_t>(copied_.sequences.size()) / copies;
}

std::vector<chunk> copies_pass::chunks(index_t copies) const {
  std::vector<chunk> parts;
  // An expert's rows of several copies would make tasks that depend on how many copies there are.
  if (const index_t at_once = model_.config().experts > 0 ? std::min<index_t>(capacity_ / rows_, 1) : capacity_ / rows_;
      at_once > 0) {
    for (index_t first = 0; first < copies; first += at_once) {
      const index_t end = std::min(first + at_once, copies);
      parts.push_back({first * sequences_, end * sequences_, first * rows_, end * rows_, rows_});
    }
    return parts;
  }
  for (index_t s = 0; s < copies * sequences_; ++s) {
    const sequence_rows& sequence = copied_.sequences[static_cast<std::size_t>(s)];
    const bool is_new_copy = s % sequences_ == 0;
    if (is_new_copy || sequence.end() - parts.back().begin > capacity_)
      parts.push_back({s, s, sequence.begin, sequence.begin, 0});
    parts.back().end_sequence = s + 1;
    parts.back().end = sequence.end();
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
