// The head's weight, a slab of the vocabulary at a time.
#ifndef QGRAIN_LM_HEAD_SLABS_HPP
#define QGRAIN_LM_HEAD_SLABS_HPP

#include <lm/buffer.hpp>
#include <lm/limits.hpp>
#include <lm/model.hpp>

#include <qgrain/host/parallel.hpp>

#include <algorithm>
#include <vector>

namespace qgrain::lm {

class head_slabs {
 public:
  /// Slabs begin at multiples of this many outputs where memory allows, so that tiles of a quantized weight do not
  /// cross them.
  static constexpr index_t alignment = 128;

  head_slabs(const model& m, thread_pool& pool, const pass_limits& limits) : model_(m), pool_(pool) {
    const model_config& config = m.config();
    const index_t row_bytes = config.hidden * static_cast<index_t>(sizeof(float));
    const index_t fitting = std::clamp<index_t>(limits.slab_bytes / row_bytes, 1, config.vocabulary);
    slab_ = fitting > alignment ? fitting / alignment * alignment : fitting;
    piece_ = std::max<index_t>(limits.slab_output_bytes / (slab_ * static_cast<index_t>(sizeof(float))), 1);
  }

  /// Rows whose logits of a slab exist at once.
  [[nodiscard]] index_t piece() const noexcept { return piece_; }

  [[nodiscard]] index_t slabs() const noexcept { return ceil_div(model_.config().vocabulary, slab_); }
  /// body(first_output, weight [slab, hidden]) for slabs [begin, end).
  template <class Body>
  void for_each_slab(index_t begin, index_t end, const Body& body) const {
    const model_config& config = model_.config();
    buffer weight(slab_ * config.hidden);
    for (index_t first_output = begin * slab_; first_output < std::min(end * slab_, config.vocabulary);
         first_output += slab_) {
      const matrix w = weight.view(std::min(slab_, config.vocabulary - first_output), config.hidden);
      model_.read_head(first_output, w, pool_);
      body(first_output, as_const(w));
    }
  }

  /// body(first_output, weight [slab, hidden], first, end): all pieces [first, end) of `rows` for one slab, then the
  /// next slab.
  template <class Body>
  void for_each(index_t rows, const Body& body) const {
    std::vector<index_t> begins;
    for (index_t first = 0; first < rows; first += piece_) begins.push_back(first);
    for_each(begins, [&](index_t first_output, const_matrix w, index_t first) {
      body(first_output, w, first, std::min(first + piece_, rows));
    });
  }
  /// body(first_output, weight [slab, hidden], piece): all of these pieces for one slab, then the next slab.
  template <class Piece, class Body>
  void for_each(const std::vector<Piece>& pieces, const Body& body) const {
    if (pieces.empty()) return;
    for_each_slab(0, slabs(), [&](index_t first_output, const_matrix w) {
      for (const Piece& piece : pieces) body(first_output, w, piece);
    });
  }

 private:
  const model& model_;
  thread_pool& pool_;
  index_t slab_ = 1;
  index_t piece_ = 1;
};

}  // namespace qgrain::lm

#endif
