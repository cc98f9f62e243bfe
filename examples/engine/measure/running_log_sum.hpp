// The logarithm of a softmax denominator over logits that come in slabs.
#ifndef QGRAIN_ENGINE_MEASURE_RUNNING_LOG_SUM_HPP
#define QGRAIN_ENGINE_MEASURE_RUNNING_LOG_SUM_HPP

#include <lm/buffer.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

namespace qgrain::engine {

/// log(sum e^z) of a row.
struct running_log_sum {
  float largest = -std::numeric_limits<float>::infinity();
  double exponentials = 0;  // of z - largest

  void add(const float* z, index_t n) {
    const auto row = Eigen::Map<const Eigen::ArrayXf>(z, n);
    const float top = std::max(largest, row.maxCoeff());
    exponentials = exponentials * std::exp(static_cast<double>(largest) - static_cast<double>(top)) +
                   static_cast<double>((row - top).exp().sum());
    largest = top;
  }
  [[nodiscard]] double value() const { return static_cast<double>(largest) + std::log(exponentials); }
};

}  // namespace qgrain::engine

#endif
