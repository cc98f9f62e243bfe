// Gemma 1 and 2, and the text models of Gemma 3.
#ifndef QGRAIN_LM_FAMILIES_GEMMA_HPP
#define QGRAIN_LM_FAMILIES_GEMMA_HPP

#include <lm/families/architecture.hpp>

namespace qgrain::lm::families {

inline constexpr norm_places four_norms{.before_attention = "input_layernorm",
                                        .after_attention = "post_attention_layernorm",
                                        .before_mlp = "pre_feedforward_layernorm",
                                        .after_mlp = "post_feedforward_layernorm"};

// `hidden_act` of Gemma says "gelu" in some checkpoints, where tanh is meant: only `hidden_activation` counts.
inline constexpr activation_rule gemma_activation{.key = "hidden_activation", .missing = gate_activation::gelu_tanh};

inline constexpr architecture gemma{.name = "GemmaForCausalLM",
                                    .norms_add_one = true,
                                    .biases = {.query_key_value = bias_rule::by_key, .output = bias_rule::by_key},
                                    .activation = gemma_activation,
                                    .rope = {.positions = 8192},
                                    .scaled_embedding = true,
                                    .head_size = 256,
                                    .key_value_heads = 16,
                                    .tied_head = true};

inline constexpr architecture gemma2{
    .name = "Gemma2ForCausalLM",
    .norms = four_norms,
    .norms_add_one = true,
    .biases = {.query_key_value = bias_rule::by_key, .output = bias_rule::by_key},
    .activation = gemma_activation,
    .windows = {.where = window_rule::layers::all_but_every, .missing = 4096, .by_layer_types = true, .interval = 2},
    .rope = {.positions = 8192},
    .scaled_embedding = true,
    .query_scalar = {"query_pre_attn_scalar", 256},
    .attention_cap = {"attn_logit_softcapping", 50},
    .logit_cap = {"final_logit_softcapping", 30},
    .head_size = 256,
    .key_value_heads = 4,
    .tied_head = true};

inline constexpr architecture gemma3{
    .name = "Gemma3ForCausalLM",
    .norms = four_norms,
    .norms_add_one = true,
    .query_key_norm = projection_norm::per_head,
    .biases = {.query_key_value = bias_rule::by_key, .output = bias_rule::by_key},
    .activation = gemma_activation,
    .windows = {.where = window_rule::layers::all_but_every,
                .missing = 4096,
                .by_layer_types = true,
                .interval_key = "sliding_window_pattern",
                .interval = 6},
    .rope = {.base = 1e6, .windowed_base = "rope_local_base_freq", .windowed_base_missing = 1e4, .positions = 131072},
    .scaled_embedding = true,
    .query_scalar = {"query_pre_attn_scalar", 256},
    .attention_cap = {"attn_logit_softcapping", 0},
    .logit_cap = {"final_logit_softcapping", 0},
    .head_size = 256,
    .key_value_heads = 4,
    .tied_head = true};

}  // namespace qgrain::lm::families

#endif
