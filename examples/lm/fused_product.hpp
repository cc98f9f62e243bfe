// A matrix product with a defined order of summation, for shapes where BLAS implementations choose different ones.
#ifndef QGRAIN_LM_FUSED_PRODUCT_HPP
#define QGRAIN_LM_FUSED_PRODUCT_HPP

#include <qgrain/core/arithmetic.hpp>
#include <qgrain/core/matrix_view.hpp>
#include <qgrain/host/run_fused.hpp>

#include <cstddef>

namespace qgrain::lm {

/// c [m, n] += a [m, k] * b [k, n], all row-major with a row stride. Every element's product is one chain of fused
/// multiply-adds from 0 in the order of k, and is then added to c.
struct fused_product {
  QGRAIN_ALWAYS_INLINE static void run(const float* a, index_t a_stride, const float* b, index_t b_stride, float* c,
                                       index_t c_stride, index_t m, index_t k, index_t n) {
    index_t j = 0;
    for (; j + 32 <= n; j += 32) columns<32>(a, a_stride, b + j, b_stride, c + j, c_stride, m, k);
    for (; j + 8 <= n; j += 8) columns<8>(a, a_stride, b + j, b_stride, c + j, c_stride, m, k);
    for (; j < n; ++j) columns<1>(a, a_stride, b + j, b_stride, c + j, c_stride, m, k);
  }

 private:
  template <index_t Columns>
  QGRAIN_ALWAYS_INLINE static void columns(const float* a, index_t a_stride, const float* b, index_t b_stride, float* c,
                                           index_t c_stride, index_t m, index_t k) {
    index_t i = 0;
    for (; i + 4 <= m; i += 4) tile<4, Columns>(a + i * a_stride, a_stride, b, b_stride, c + i * c_stride, c_stride, k);
    for (; i < m; ++i) tile<1, Columns>(a + i * a_stride, a_stride, b, b_stride, c + i * c_stride, c_stride, k);
  }

  template <index_t Rows, index_t Columns>
  QGRAIN_ALWAYS_INLINE static void tile(const float* a, index_t a_stride, const float* b, index_t b_stride, float* c,
                                        index_t c_stride, index_t k) {
    float sums[static_cast<std::size_t>(Rows)][static_cast<std::size_t>(Columns)] = {};
    for (index_t l = 0; l < k; ++l, b += b_stride) {
      for (index_t r = 0; r < Rows; ++r) {
        const float factor = a[r * a_stride + l];
        for (index_t j = 0; j < Columns; ++j) sums[r][j] = fma_rn(factor, b[j], sums[r][j]);
      }
    }
    for (index_t r = 0; r < Rows; ++r) {
      for (index_t j = 0; j < Columns; ++j) c[r * c_stride + j] += sums[r][j];
    }
  }
};

}  // namespace qgrain::lm

#endif
