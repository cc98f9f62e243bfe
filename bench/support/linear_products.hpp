// The matrix products that a scored job cannot do without.
#ifndef QGRAIN_BENCH_SUPPORT_LINEAR_PRODUCTS_HPP
#define QGRAIN_BENCH_SUPPORT_LINEAR_PRODUCTS_HPP

#include <lm/buffer.hpp>
#include <lm/model.hpp>
#include <lm/operations.hpp>

#include <qgrain/host/parallel.hpp>

#include <algorithm>

namespace qgrain::bench {

// One product of every Linear over some rows, in tasks of 128 rows. Returns its operations.
class linear_products {
 public:
  linear_products(const lm::model& m, index_t rows, thread_pool& pool) : model_(m), rows_(rows), pool_(pool) {
    index_t widest = 0;
    index_t largest = 0;
    for (const lm::linear_info& l : m.linears()) {
      widest = std::max({widest, l.in, l.out});
      largest = std::max(largest, l.elements());
    }
    x_ = lm::buffer(rows * widest);
    y_ = lm::buffer(rows * widest);
    w_ = lm::buffer(largest);
    for (lm::buffer* b : {&x_, &y_, &w_}) std::fill(b->all().begin(), b->all().end(), 0.5F);
  }
  double run() {
    double flops = 0;
    for (const lm::linear_info& l : model_.linears()) {
      const lm::matrix x = x_.view(rows_, l.in);
      const lm::matrix y = y_.view(rows_, l.out);
      for_each_chunk(pool_, rows_, 128, [&](index_t b, index_t e) {
        lm::linear(lm::as_const(lm::rows_of(x, b, e)), lm::as_const(w_.view(l.out, l.in)), {}, lm::rows_of(y, b, e));
      });
      flops += 2.0 * static_cast<double>(l.elements()) * static_cast<double>(rows_);
    }
    return flops;
  }

 private:
  const lm::model& model_;
  index_t rows_;
  thread_pool& pool_;
  lm::buffer x_, y_, w_;
};

}  // namespace qgrain::bench

#endif
