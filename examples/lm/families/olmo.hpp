// OLMo2: norms behind attention and MLP alone, queries and keys normed as a whole.
#ifndef QGRAIN_LM_FAMILIES_OLMO_HPP
#define QGRAIN_LM_FAMILIES_OLMO_HPP

#include <lm/families/architecture.hpp>

namespace qgrain::lm::families {

inline constexpr architecture olmo2{.name = "Olmo2ForCausalLM",
                                    .norms = {.before_attention = "",
                                              .after_attention = "post_attention_layernorm",
                                              .before_mlp = "",
                                              .after_mlp = "post_feedforward_layernorm"},
                                    .query_key_norm = projection_norm::whole,
                                    .biases = {.query_key_value = bias_rule::by_key, .output = bias_rule::by_key},
                                    .rope = {.positions = 2048},
                                    .norm_epsilon = 1e-5};

}  // namespace qgrain::lm::families

#endif
