// Which experts a router chooses for each token, and the way back through that choice.
#ifndef QGRAIN_LM_EXPERTS_HPP
#define QGRAIN_LM_EXPERTS_HPP

#include <lm/buffer.hpp>

#include <cstdint>
#include <span>
#include <vector>

namespace qgrain::lm {

/// The experts of n rows, k each.
struct expert_choice {
  index_t per_row = 0;
  std::vector<std::int32_t> experts;  // [n, k] the likeliest first; of equals the one with the smaller number
  std::vector<float> weights;         // [n, k] what their outputs are multiplied by

  /// One expert's rows, ascending, and their places in `weights`.
  struct part {
    std::vector<std::int32_t> rows;
    std::vector<std::size_t> places;
  };
  /// [experts]
  [[nodiscard]] std::vector<part> by_expert(index_t experts) const;
};

/// p = softmax(logits [n, experts]) per row; the k largest, divided by their sum if `normalized`.
[[nodiscard]] expert_choice choose_experts(const_matrix logits, index_t per_row, bool normalized);
/// d_logits [n, experts] from d_weights [n, k] of a choice made from these logits.
void choose_experts_backward(const_matrix logits, const expert_choice& choice, bool normalized,
                             std::span<const float> d_weights, matrix d_logits);

}  // namespace qgrain::lm

#endif
