// Phi-3: fused projections, and a part of each head rotated.
#ifndef QGRAIN_LM_FAMILIES_PHI_HPP
#define QGRAIN_LM_FAMILIES_PHI_HPP

#include <lm/families/architecture.hpp>

namespace qgrain::lm::families {

inline constexpr architecture phi3{.name = "Phi3ForCausalLM",
                                   .names = {.query_key_value = "self_attn.qkv_proj", .gate_up = "mlp.gate_up_proj"},
                                   .windows = {.where = window_rule::layers::all},
                                   .rope = {.partial = true, .positions = 4096, .original_positions = 4096},
                                   .norm_epsilon = 1e-5};

}  // namespace qgrain::lm::families

#endif
