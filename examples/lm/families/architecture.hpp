// How a model family differs from the plain decoder (RMSNorm in front of attention and MLP, grouped-query attention,
// RoPE, SwiGLU): plain data that one engine reads. No family has code of its own.
#ifndef QGRAIN_LM_FAMILIES_ARCHITECTURE_HPP
#define QGRAIN_LM_FAMILIES_ARCHITECTURE_HPP

#include <qgrain/core/matrix_view.hpp>

#include <cstdint>
#include <string_view>

namespace qgrain::lm {

/// Tensors behind `layers.<n>.`, without ".weight" or ".bias".
struct tensor_names {
  std::string_view query = "self_attn.q_proj";
  std::string_view key = "self_attn.k_proj";
  std::string_view value = "self_attn.v_proj";
  std::string_view output = "self_attn.o_proj";
  std::string_view gate = "mlp.gate_proj";
  std::string_view up = "mlp.up_proj";
  std::string_view down = "mlp.down_proj";
  std::string_view query_norm = "self_attn.q_norm";
  std::string_view key_norm = "self_attn.k_norm";
  /// One Linear with the rows of query, key and value, in this order; empty: three Linears.
  std::string_view query_key_value{};
  /// One Linear with the rows of gate, then up; empty: two Linears.
  std::string_view gate_up{};
};

/// RMSNorms of a block by their tensors' names, as in tensor_names; empty where there is none. What follows attention
/// or MLP is applied to its output in front of the addition to the residual stream.
struct norm_places {
  std::string_view before_attention = "input_layernorm";
  std::string_view after_attention{};
  std::string_view before_mlp = "post_attention_layernorm";
  std::string_view after_mlp{};
};

/// RMSNorm of queries and keys in front of RoPE.
enum class projection_norm : std::uint8_t { none, per_head, whole };

/// `by_key`: as the key says, false where it is missing.
enum class bias_rule : std::uint8_t { never, always, by_key };

struct bias_places {
  bias_rule query_key_value = bias_rule::never;  ///< key `attention_bias`
  bias_rule output = bias_rule::never;           ///< key `attention_bias`
  bias_rule mlp = bias_rule::never;              ///< key `mlp_bias`; gate, up and down
};

/// y = f(gate) * up with f(x) = x / (1 + exp(-x)), or x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))).
enum class gate_activation : std::uint8_t { silu, gelu_tanh };

struct activation_rule {
  std::string_view key = "hidden_act";
  gate_activation missing = gate_activation::silu;
};

/// Layers in which a query sees the last `sliding_window` keys up to its own, and no others.
struct window_rule {
  enum class layers : std::uint8_t {
    none,
    all,
    from_max_window_layers,  ///< the key's value: how many layers in front have no window
    unrotated,               ///< those without RoPE
    all_but_every,           ///< every so many layers, counted from 1, one has no window
  };
  layers where = layers::none;
  index_t missing = 0;              ///< where `sliding_window` is missing; 0: no window. A null always means none.
  bool needs_flag = false;          ///< `use_sliding_window` must be true
  bool by_layer_types = false;      ///< `layer_types`, where present, says it instead
  index_t max_window_layers = 0;    ///< where that key is missing
  std::string_view interval_key{};  ///< of all_but_every; empty: there is no key
  index_t interval = 0;             ///< where that key is missing
};

struct rope_rule {
  double base = 1e4;                 ///< where `rope_theta` is missing
  std::string_view windowed_base{};  ///< key of the base of layers with a window, whose frequencies are never scaled
  double windowed_base_missing = 0;
  std::string_view rotated_layers{};      ///< key of a list: 1 rotates, 0 does not; empty: all layers rotate
  std::string_view unrotated_interval{};  ///< without that list: key of how many layers there are to one unrotated
  index_t unrotated_interval_missing = 0;
  bool partial = false;            ///< key `partial_rotary_factor` counts
  index_t positions = 0;           ///< where `max_position_embeddings` is missing
  index_t original_positions = 0;  ///< where `original_max_position_embeddings` is missing; 0: nothing is said then
};

/// A key that holds a number or null for "none", and what counts where it is missing; 0: none. No key: none.
struct number_rule {
  std::string_view key{};
  double missing = 0;
};

/// A mixture of experts in the place of the MLP: for each token a router's softmax over all experts chooses the
/// `num_experts_per_tok` likeliest. Each is an MLP of its own; their outputs are added, weighted by the softmax.
struct expert_rule {
  std::string_view count_key{};  ///< of the number of experts; empty: the family has none
  index_t count = 0;             ///< where that key is missing
  index_t per_token = 0;         ///< where `num_experts_per_tok` is missing
  std::string_view width_key{};  ///< of an expert's intermediate size
  index_t width = 0;             ///< where that key is missing
  bool some_dense = false;  ///< layers of `mlp_only_layers`, and all but each `decoder_sparse_step`-th, have an MLP
  std::string_view normalized_key{};  ///< key, false where it is missing: the chosen weights are divided by their sum;
                                      ///< empty: they always are
  std::string_view router{};          ///< tensors behind `layers.<n>.`
  std::string_view experts{};         ///< and what stands in front of an expert's number
  std::string_view gate = "gate_proj";  ///< and behind it
  std::string_view up = "up_proj";
  std::string_view down = "down_proj";
};

/// Everything that config.json does not say, and which of its keys count.
struct architecture {
  std::string_view name;                      ///< as in `architectures` of config.json
  std::string_view tensor_prefix = "model.";  ///< in front of `embed_tokens`, `layers.<n>` and `norm`
  std::string_view config_object{};           ///< where the language model's fields are; empty: at the top
  tensor_names names{};
  norm_places norms{};
  bool norms_add_one = false;  ///< values are multiplied by 1 + weight
  projection_norm query_key_norm = projection_norm::none;
  bias_places biases{};
  activation_rule activation{};
  expert_rule experts{};
  window_rule windows{};
  rope_rule rope{};
  bool scaled_embedding = false;  ///< embeddings are multiplied by the square root of the hidden size
  number_rule query_scalar{};     ///< scores are divided by the square root of this; none: of the head size
  number_rule attention_cap{};    ///< scores s become c tanh(s / c)
  number_rule logit_cap{};        ///< logits l become c tanh(l / c)
  index_t head_size = 0;          ///< where `head_dim` is missing; 0: hidden size by heads
  index_t key_value_heads = 0;    ///< where `num_key_value_heads` is missing; 0: as many as heads
  double norm_epsilon = 1e-6;     ///< where `rms_norm_eps` is missing
  bool tied_head = false;         ///< where `tie_word_embeddings` is missing
};

}  // namespace qgrain::lm

#endif
