#include <lm/experts.hpp>

#include <algorithm>
#include <cstddef>
#include <numeric>

namespace qgrain::lm {
namespace {

using row_values = Eigen::Array<float, 1, Eigen::Dynamic>;

row_values softmax(const_matrix logits, index_t row) {
  row_values p = logits.row(row).array();
  p = (p - p.maxCoeff()).exp();
  return p / p.sum();
}

}  // namespace

std::vector<expert_choice::part> expert_choice::by_expert(index_t count) const {
  std::vector<part> parts(static_cast<std::size_t>(count));
  for (std::size_t at = 0; at < experts.size(); ++at) {
    part& p = parts[static_cast<std::size_t>(experts[at])];
    p.rows.push_back(static_cast<std::int32_t>(at / static_cast<std::size_t>(per_row)));
    p.places.push_back(at);
  }
  return parts;
}

expert_choice choose_experts(const_matrix logits, index_t per_row, bool normalized) {
  expert_choice choice{per_row, {}, {}};
  std::vector<std::int32_t> order(static_cast<std::size_t>(logits.cols()));
  for (index_t row = 0; row < logits.rows(); ++row) {
    const row_values p = softmax(logits, row);
    std::iota(order.begin(), order.end(), 0);
    std::partial_sort(order.begin(), order.begin() + per_row, order.end(),
                      [&](std::int32_t a, std::int32_t b) { return p[a] > p[b] || (p[a] == p[b] && a < b); });
    float sum = 0;
    for (index_t i = 0; i < per_row; ++i) sum += p[order[static_cast<std::size_t>(i)]];
    for (index_t i = 0; i < per_row; ++i) {
      const std::int32_t expert = order[static_cast<std::size_t>(i)];
      choice.experts.push_back(expert);
      choice.weights.push_back(normalized ? p[expert] / sum : p[expert]);
    }
  }
  return choice;
}

void choose_experts_backward(const_matrix logits, const expert_choice& choice, bool normalized,
                             std::span<const float> d_weights, matrix d_logits) {
  const auto k = static_cast<std::size_t>(choice.per_row);
  for (index_t row = 0; row < logits.rows(); ++row) {
    const row_values p = softmax(logits, row);
    const std::size_t first = static_cast<std::size_t>(row) * k;
    float sum = 0;     // of the chosen probabilities
    float shared = 0;  // what each of them moves the others' weights by
    for (std::size_t at = first; at < first + k; ++at) {
      sum += p[choice.experts[at]];
      shared += d_weights[at] * choice.weights[at];
    }
    row_values d_p = row_values::Zero(logits.cols());
    for (std::size_t at = first; at < first + k; ++at)
      d_p[choice.experts[at]] = normalized ? (d_weights[at] - shared) / sum : d_weights[at];
    d_logits.row(row).array() = p * (d_p - (p * d_p).sum());
  }
}

}  // namespace qgrain::lm
