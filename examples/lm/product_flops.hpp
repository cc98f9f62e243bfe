// Operations of matrix products.
#ifndef QGRAIN_LM_PRODUCT_FLOPS_HPP
#define QGRAIN_LM_PRODUCT_FLOPS_HPP

#include <lm/buffer.hpp>

namespace qgrain::lm {

/// Of [rows, in] times [in, out]; a multiply and an add are two.
[[nodiscard]] inline double product_flops(index_t rows, index_t in, index_t out) {
  return 2.0 * static_cast<double>(rows) * static_cast<double>(in) * static_cast<double>(out);
}

}  // namespace qgrain::lm

#endif
