// A checkpoint with its configuration: what tensors there are, and the weights of one block at a time.
#ifndef QGRAIN_LM_MODEL_HPP
#define QGRAIN_LM_MODEL_HPP

#include <lm/block_layout.hpp>
#include <lm/buffer.hpp>
#include <lm/checkpoint.hpp>
#include <lm/config.hpp>
#include <lm/non_finite.hpp>

#include <qgrain/host/parallel.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace qgrain::lm {

/// One Linear: a weight [out, in] that is a scoring point.
struct linear_info {
  std::string name;  ///< module name, as `model.layers.0.mlp.up_proj`
  index_t out = 0;
  index_t in = 0;
  index_t layer = 0;  ///< its block's number; that of the head is the number of blocks
  index_t input = 0;  ///< Linears with the same number read the same input

  [[nodiscard]] index_t elements() const noexcept { return out * in; }
};

/// The weights of one block, in memory that is reused from block to block. d hidden, s head size.
struct block_weights {
  explicit block_weights(const model_config& config);
  /// Makes the views those of a layer with an MLP, or with experts: those are not among them.
  void arrange(const model_config& config, bool is_sparse);

  buffer storage;
  std::vector<const_matrix> linears;           // [out, in] in the order of block_layout
  std::vector<std::span<const float>> biases;  // [out] or empty
  // [d] or empty
  std::span<const float> before_attention, after_attention, before_mlp, after_mlp;
  std::span<const float> query_norm, key_norm;  // [s], or as wide as the projection, or empty
};

/// The weights of one expert, in memory that is reused.
struct expert_weights {
  explicit expert_weights(const model_config& config);

  buffer storage;
  std::vector<const_matrix> linears;  // gate, up, down; empty where the model has no experts
};

class model {
 public:
  /// Reads the configuration of a model folder or GGUF file and opens its checkpoint. Every tensor that the
  /// architecture needs is checked for presence, shape and type here, before any work.
  /// `foreign`: see read_config.
  explicit model(const std::filesystem::path& place, non_finite values = non_finite::allowed,
                 std::span<const architecture> foreign = {});

  [[nodiscard]] const model_config& config() const noexcept { return config_; }
  [[nodiscard]] const checkpoint& tensors() const noexcept { return tensors_; }
  /// Those of each block in the order of its layout, then those of its experts one after another; then `lm_head`.
  [[nodiscard]] const std::vector<linear_info>& linears() const noexcept { return linears_; }
  [[nodiscard]] const block_layout& layout(index_t layer) const { return config_.is_sparse(layer) ? sparse_ : dense_; }
  /// The number of a Linear of a block by its place in the layout.
  [[nodiscard]] index_t linear_of(index_t layer, std::size_t place) const {
    return first_linear_[static_cast<std::size_t>(layer)] + static_cast<index_t>(place);
  }
  /// The number of an expert's Linear.
  [[nodiscard]] index_t linear_of(index_t layer, index_t expert, expert_part part) const {
    return linear_of(layer, layout(layer).linears.size() + static_cast<std::size_t>(expert) * expert_parts +
                                static_cast<std::size_t>(part));
  }
  /// Whether a Linear is one of an expert, or chooses between them.
  [[nodiscard]] bool is_of_expert(index_t linear) const;
  [[nodiscard]] bool is_router(index_t linear) const;
  /// Weights of the checkpoint outside of the language model, such as a vision tower: linear layers and convolutions
  /// (tensors of two and more dimensions, embeddings left out), by name. Their size counts where a whole model's bits
  /// are counted.
  [[nodiscard]] std::vector<linear_info> other_layers() const;
  /// The tensors that the language model is made of; no others are read.
  [[nodiscard]] std::set<std::string> read_tensors() const;
  /// What a user should know of the checkpoint, a sentence each: an index that is not looked at, tensors of the
  /// language model that are not read (surplus layers, biases that config.json does not announce).
  [[nodiscard]] std::vector<std::string> warnings() const;
  [[nodiscard]] index_t head_linear() const noexcept { return static_cast<index_t>(linears_.size()) - 1; }

  // Where NaN and infinity are refused, reading throws errc::non_finite, naming tensor, count and first place. (The
  // scoring engine allows them here: it names all such weights at once.)

  /// out [ids, hidden]: the embedding of each id, scaled where the family scales it.
  void read_embeddings(std::span<const std::int32_t> ids, matrix out, thread_pool& pool) const;
  void read_block(index_t layer, block_weights& out, thread_pool& pool) const;
  /// That block will be read soon: the system may bring its bytes meanwhile. Of one with experts, all but those.
  void will_read_block(index_t layer) const;
  void read_expert(index_t layer, index_t expert, expert_weights& out, thread_pool& pool) const;
  void will_read_expert(index_t layer, index_t expert) const;
  /// out [hidden]: what normed values are multiplied by.
  void read_final_norm(std::span<float> out) const;
  /// Rows [first, first + out.rows()) of the head's weight [vocabulary, hidden].
  void read_head(index_t first, matrix out, thread_pool& pool) const;

  struct slot;  // a tensor of a block or an expert, and its place in their memory

 private:
  void add_layer(index_t layer);
  void read_slots(const std::string& prefix, const std::vector<slot>& slots, buffer& out, thread_pool& pool) const;
  void read_rows(const std::string& tensor, index_t first, matrix out, thread_pool& pool) const;
  void will_read_slots(const std::string& prefix, const std::vector<slot>& slots) const;
  [[noreturn]] void refuse_values(const std::string& tensor, index_t first_row, const_matrix values) const;

  model_config config_;
  block_layout dense_;
  block_layout sparse_;
  checkpoint tensors_;
  non_finite values_;
  std::vector<linear_info> linears_;
  std::vector<index_t> first_linear_;  // [layers]
  std::string embedding_;
  std::string head_;
};

}  // namespace qgrain::lm

#endif
