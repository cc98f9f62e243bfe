// Ranges and scales for static quantization, in device memory.
#ifndef QGRAIN_CUDA_DEVICE_RANGES_HPP
#define QGRAIN_CUDA_DEVICE_RANGES_HPP

#include <qgrain/scale/range.hpp>

#include <span>

namespace qgrain {

/// Ranges that are known before the data is (static quantization), as given_ranges of the host, but in memory that the
/// device reaches; kernels read it when they run. What is left empty comes from the data. Counts and kinds are checked;
/// the numbers are not, as the host does not see them: they have to be finite and not negative, others give whatever
/// the scale makes of them.
struct device_ranges {
  std::span<const float> absmax = {};         ///< the largest magnitude of each group, in the order of the scales
  const float* tensor_absmax = nullptr;       ///< of the whole tensor, for scales of two levels
  std::span<const signed_range> ends = {};    ///< of each group, for scales with zero points
  const float* tensor_scale = nullptr;        ///< the tensor's scale itself, instead of tensor_absmax
  std::span<const float> tensor_scales = {};  ///< one for each matrix of a stack, instead of tensor_scale
};

}  // namespace qgrain

#endif
