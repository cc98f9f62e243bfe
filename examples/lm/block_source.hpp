// The blocks of a model, one after another, as a pass goes through them.
#ifndef QGRAIN_LM_BLOCK_SOURCE_HPP
#define QGRAIN_LM_BLOCK_SOURCE_HPP

#include <lm/buffer.hpp>
#include <lm/model.hpp>

#include <qgrain/host/parallel.hpp>

#include <memory>
#include <optional>
#include <vector>

namespace qgrain::lm {

/// Memory of one block, and of those that stay. While one block computes the system is asked to bring the bytes of the
/// next: all threads widen them once it is their turn. Not for two threads at once.
class block_source {
 public:
  /// Blocks of up to `kept_bytes` in all stay in memory as float32: the first ones that are read, as any order that
  /// comes back to them needs.
  explicit block_source(const model& m, index_t kept_bytes = 0);

  /// The weights of a block, good until the next call. It is not read where it has stayed or was the last one asked
  /// for. `next` is the block that will be asked for then, or no number of one.
  /// @throws error as model::read_block
  [[nodiscard]] const block_weights& read(index_t layer, index_t next, thread_pool& pool);
  /// Of the largest block.
  [[nodiscard]] index_t block_bytes() const noexcept { return block_bytes_; }

 private:
  [[nodiscard]] bool is_here(index_t layer) const noexcept {
    return current_layer_ == layer || kept_[static_cast<std::size_t>(layer)] != nullptr;
  }

  const model& model_;
  index_t left_bytes_;
  block_weights current_;
  std::optional<index_t> current_layer_;
  std::vector<std::unique_ptr<block_weights>> kept_;  // [layers]
  index_t block_bytes_;
};

}  // namespace qgrain::lm

#endif
