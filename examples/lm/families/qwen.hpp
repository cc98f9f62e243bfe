// Qwen2 (and 2.5), Qwen3 and its mixtures of experts, the language model of Qwen3-VL.
#ifndef QGRAIN_LM_FAMILIES_QWEN_HPP
#define QGRAIN_LM_FAMILIES_QWEN_HPP

#include <lm/families/architecture.hpp>

namespace qgrain::lm::families {

inline constexpr window_rule qwen_windows{.where = window_rule::layers::from_max_window_layers,
                                          .missing = 4096,
                                          .needs_flag = true,
                                          .by_layer_types = true,
                                          .max_window_layers = 28};

// The biases of q, k and v have no key; o never has one.
inline constexpr architecture qwen2{.name = "Qwen2ForCausalLM",
                                    .biases = {.query_key_value = bias_rule::always},
                                    .windows = qwen_windows,
                                    .rope = {.positions = 32768},
                                    .key_value_heads = 32};

inline constexpr architecture qwen3{.name = "Qwen3ForCausalLM",
                                    .query_key_norm = projection_norm::per_head,
                                    .biases = {.query_key_value = bias_rule::by_key, .output = bias_rule::by_key},
                                    .windows = qwen_windows,
                                    .rope = {.positions = 32768},
                                    .head_size = 128,
                                    .key_value_heads = 32};

inline constexpr architecture qwen3_moe{
    .name = "Qwen3MoeForCausalLM",
    .query_key_norm = projection_norm::per_head,
    .biases = {.query_key_value = bias_rule::by_key, .output = bias_rule::by_key},
    .experts = {.count_key = "num_experts",
                .count = 128,
                .per_token = 8,
                .width_key = "moe_intermediate_size",
                .width = 768,
                .some_dense = true,
                .normalized_key = "norm_topk_prob",
                .router = "mlp.gate",
                .experts = "mlp.experts."},
    .windows = {.where = window_rule::layers::all, .missing = 4096, .needs_flag = true},
    .rope = {.positions = 32768},
    .key_value_heads = 4};

inline constexpr architecture qwen3_vl{.name = "Qwen3VLForConditionalGeneration",
                                       .tensor_prefix = "model.language_model.",
                                       .config_object = "text_config",
                                       .query_key_norm = projection_norm::per_head,
                                       .biases = {.query_key_value = bias_rule::by_key, .output = bias_rule::by_key},
                                       .rope = {.base = 5e6, .positions = 128000},
                                       .head_size = 128,
                                       .key_value_heads = 32};

}  // namespace qgrain::lm::families

#endif
