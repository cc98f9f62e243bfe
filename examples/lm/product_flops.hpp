// Operations of matrix products.
#ifndef QGRAIN_LM_PRODUCT_FLOPS_HPP
#define QGRAIN_LM_PRODUCT_FLOPS_HPP

#include <lm/buffer.hpp>
#include <lm/model.hpp>

namespace qgrain::lm {

/// Of [rows, in] times [in, out]; a multiply and an add are two.
[[nodiscard]] inline double product_flops(index_t rows, index_t in, index_t out) {
  return 2.0 * static_cast<double>(rows) * static_cast<double>(in) * static_cast<double>(out);
}

/// Of the Linears of a block for so many rows; of its experts those that a row is sent to.
[[nodiscard]] inline double block_linear_flops(const model& m, index_t layer, index_t rows) {
  const model_config& c = m.config();
  double flops = c.is_sparse(layer) ? static_cast<double>(static_cast<index_t>(expert_parts) * c.experts_per_token) *
                                          product_flops(rows, c.hidden, c.expert_width)
                                    : 0;
  for (const block_linear& l : m.layout(layer).linears) flops += product_flops(rows, l.in, l.out);
  return flops;
}

}  // namespace qgrain::lm

#endif
