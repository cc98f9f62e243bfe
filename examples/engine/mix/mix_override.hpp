// Runs a model with every Linear under its recipes.
#ifndef QGRAIN_ENGINE_MIX_MIX_OVERRIDE_HPP
#define QGRAIN_ENGINE_MIX_MIX_OVERRIDE_HPP

#include <common/communicator.hpp>
#include <engine/mix/mix.hpp>
#include <lm/buffer.hpp>
#include <lm/linear_override.hpp>
#include <lm/model.hpp>

#include <qgrain/host/parallel.hpp>

#include <cstdint>
#include <map>
#include <span>
#include <vector>

namespace qgrain::engine {

/// y = Q_a(x) Q_w(w)^T + bias in every Linear that has a recipe; Q_a(x s) Q_w(w / s)^T + bias behind an input scale s.
/// Static activation ranges are those of the mix; dynamic ones come from the rows, a per-tensor one from all rows of
/// the batch. Weights are quantized anew in every pass, a block's or a slab's at a time. Model, mix and pool must
/// outlive the override, which serves one pass at a time.
class mix_override final : public lm::linear_override {
 public:
  /// `ranks`: those of the pass, where it is divided.
  /// Throws errc::invalid_argument where a static recipe has no range (require_ranges).
  mix_override(const lm::model& model, const recipe_mix& mix, thread_pool& pool, common::communicator* ranks = nullptr);

  void begin(const lm::packed_rows& rows) override;
  [[nodiscard]] bool replaces(index_t linear) const override;
  [[nodiscard]] bool needs_whole_batches() const override { return needs_whole_batches_; }
  [[nodiscard]] bool takes_bundles() const override { return true; }
  void observe(const lm::linear_input& input) override;
  void layer_end() override;
  void compute(const lm::linear_call& call) override;

 private:
  struct made_weight {
    index_t linear = -1;
    index_t first_output = -1;
    lm::buffer values;
  };
  struct weight_magnitudes {
    std::vector<float> columns;
    float tensor = 0;
  };
  [[nodiscard]] const linear_recipes& recipes(index_t linear) const {
    return mix_.linears[static_cast<std::size_t>(linear)];
  }
  /// [in] or empty.
  [[nodiscard]] std::span<const float> scale(index_t linear) const {
    return mix_.scale_of(static_cast<std::size_t>(linear));
  }
  [[nodiscard]] bool has_batch_range(index_t linear) const;
  [[nodiscard]] lm::const_matrix weight_of(const lm::linear_product& product);
  [[nodiscard]] std::size_t place_of(index_t linear) const;
  [[nodiscard]] weight_magnitudes magnitudes(const lm::linear_product& product);

  const lm::model& model_;
  const recipe_mix& mix_;
  thread_pool& pool_;
  common::communicator* ranks_;
  bool needs_whole_batches_ = false;
  std::vector<std::int32_t> batch_of_;  // [rows]
  index_t observed_ = -1;               // first Linear of the input that batch_ranges_ belong to
  std::vector<float> batch_ranges_;     // [batches]
  index_t ended_ = 0;                   // blocks, then the head's observation
  std::vector<made_weight> made_;       // by place in the block, one expert's behind; the head's slab last
  weight_magnitudes head_;              // of the whole head, once it is needed
  bool has_head_ = false;
};

}  // namespace qgrain::engine

#endif
