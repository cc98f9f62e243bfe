// AWQ's importance of a weight's columns, for weights of any size.
#ifndef QGRAIN_ENGINE_CALIBRATE_AWQ_WEIGHT_SHARES_HPP
#define QGRAIN_ENGINE_CALIBRATE_AWQ_WEIGHT_SHARES_HPP

#include <lm/buffer.hpp>

#include <qgrain/calibration/input_scale.hpp>
#include <qgrain/host/fake_recipe.hpp>
#include <qgrain/host/parallel.hpp>

#include <vector>

namespace qgrain::engine {

/// A column's mean share of the largest magnitude of its quantization group, over weights that come in slabs of
/// outputs. Whole groups of columns are a unit of work.
class awq_weight_shares {
 public:
  awq_weight_shares(const fake_recipe& weight, index_t in);
  void observe(lm::const_matrix rows, thread_pool& pool);
  /// [in]
  [[nodiscard]] std::vector<float> share() const;

 private:
  index_t in_;
  index_t width_;
  std::vector<calibration::weight_share_observer> parts_;
};

}  // namespace qgrain::engine

#endif
