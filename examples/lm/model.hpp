// A checkpoint with its configuration: what tensors there are, and the weights of one block at a time.
#ifndef QGRAIN_LM_MODEL_HPP
#define QGRAIN_LM_MODEL_HPP

#include <lm/buffer.hpp>
#include <lm/checkpoint.hpp>
#include <lm/config.hpp>
#include <lm/non_finite.hpp>

#include <qgrain/host/parallel.hpp>

#include <array>
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

  [[nodiscard]] index_t elements() const noexcept { return out * in; }
};

/// The Linears of a block in their order.
enum class block_linear : std::uint8_t { q, k, v, o, gate, up, down };
inline constexpr index_t linears_per_block = 7;

/// The weights of one block, in memory that is reused from block to block. d hidden, a query width, c key width,
/// f intermediate, s head size.
struct block_weights {
  explicit block_weights(const model_config& config);

  [[nodiscard]] const_matrix of(block_linear which) const { return linears[static_cast<std::size_t>(which)]; }
  /// Empty where the architecture has no bias.
  [[nodiscard]] std::span<const float> bias_of(block_linear which) const {
    return biases[static_cast<std::size_t>(which)];
  }

  buffer storage;
  std::vector<const_matrix> linears;  // q [a, d], k [c, d], v [c, d], o [d, a], gate [f, d], up [f, d], down [d, f]
  std::array<std::span<const float>, linears_per_block> biases;  // of q, k, v, o
  std::span<const float> input_norm;                             // [d]
  std::span<const float> attention_norm;                         // [d], in front of the MLP
  std::span<const float> query_norm;                             // [s] or empty
  std::span<const float> key_norm;                               // [s] or empty
};

class model {
 public:
  /// Reads the configuration of a model folder or GGUF file and opens its checkpoint. Every tensor that the
  /// architecture needs is checked for presence, shape and type here, before any work.
  explicit model(const std::filesystem::path& place, non_finite values = non_finite::allowed);

  [[nodiscard]] const model_config& config() const noexcept { return config_; }
  [[nodiscard]] const checkpoint& tensors() const noexcept { return tensors_; }
  /// Seven per block, then `lm_head`.
  [[nodiscard]] const std::vector<linear_info>& linears() const noexcept { return linears_; }
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

  /// out [ids, hidden]: the embedding of each id.
  void read_embeddings(std::span<const std::int32_t> ids, matrix out, thread_pool& pool) const;
  void read_block(index_t layer, block_weights& out, thread_pool& pool) const;
  /// out [hidden]
  void read_final_norm(std::span<float> out) const;
  /// Rows [first, first + out.rows()) of the head's weight [vocabulary, hidden].
  void read_head(index_t first, matrix out, thread_pool& pool) const;

 private:
  void read_rows(const std::string& tensor, index_t first, matrix out, thread_pool& pool) const;
  void check_finite(const std::string& tensor, index_t first_row, const_matrix values) const;

  model_config config_;
  checkpoint tensors_;
  non_finite values_;
  std::vector<linear_info> linears_;
  std::string embedding_;
  std::string head_;
};

}  // namespace qgrain::lm

#endif
