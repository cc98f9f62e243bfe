#include <lm/block_source.hpp>

namespace qgrain::lm {

block_source::block_source(const model& m, index_t kept_bytes)
    : model_(m),
      left_bytes_(kept_bytes),
      current_(m.config()),
      kept_(static_cast<std::size_t>(m.config().layers)),
      block_bytes_(current_.storage.size() * static_cast<index_t>(sizeof(float))) {}

const block_weights& block_source::read(index_t layer, index_t next, thread_pool& pool) {
  std::unique_ptr<block_weights>& kept = kept_[static_cast<std::size_t>(layer)];
  if (!is_here(layer)) {
    if (left_bytes_ >= block_bytes_) {
      auto block = std::make_unique<block_weights>(model_.config());
      model_.read_block(layer, *block, pool);
      kept = std::move(block);
      left_bytes_ -= block_bytes_;
    } else {
      current_layer_.reset();
      model_.read_block(layer, current_, pool);
      current_layer_ = layer;
    }
  }
  if (next >= 0 && next < model_.config().layers && !is_here(next)) model_.will_read_block(next);
  return kept != nullptr ? *kept : current_;
}

}  // namespace qgrain::lm
