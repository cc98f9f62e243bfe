// Llama and families that are close to it: Mistral and its mixtures of experts, SmolLM3.
#ifndef QGRAIN_LM_FAMILIES_LLAMA_HPP
#define QGRAIN_LM_FAMILIES_LLAMA_HPP

#include <lm/families/architecture.hpp>

namespace qgrain::lm::families {

inline constexpr bias_places all_by_key{
    .query_key_value = bias_rule::by_key, .output = bias_rule::by_key, .mlp = bias_rule::by_key};

inline constexpr architecture llama{.name = "LlamaForCausalLM", .biases = all_by_key, .rope = {.positions = 2048}};

inline constexpr architecture mistral{.name = "MistralForCausalLM",
                                      .windows = {.where = window_rule::layers::all, .missing = 4096},
                                      .rope = {.positions = 131072},
                                      .key_value_heads = 8};

inline constexpr architecture mixtral{.name = "MixtralForCausalLM",
                                      .experts = {.count_key = "num_local_experts",
                                                  .count = 8,
                                                  .per_token = 2,
                                                  .width_key = "intermediate_size",
                                                  .router = "block_sparse_moe.gate",
                                                  .experts = "block_sparse_moe.experts.",
                                                  .gate = "w1",
                                                  .up = "w3",
                                                  .down = "w2"},
                                      .windows = {.where = window_rule::layers::all},
                                      .rope = {.base = 1e6, .positions = 131072},
                                      .key_value_heads = 8,
                                      .norm_epsilon = 1e-5};

inline constexpr architecture smollm3{
    .name = "SmolLM3ForCausalLM",
    .biases = all_by_key,
    .windows = {.where = window_rule::layers::unrotated, .needs_flag = true, .by_layer_types = true},
    .rope = {.base = 2e6,
             .rotated_layers = "no_rope_layers",
             .unrotated_interval = "no_rope_layer_interval",
             .unrotated_interval_missing = 4,
             .positions = 32768},
    .key_value_heads = 4,
    .tied_head = true};

}  // namespace qgrain::lm::families

#endif
