// Scales for static quantization.
#ifndef QGRAIN_QUANTIZER_GIVEN_SCALES_HPP
#define QGRAIN_QUANTIZER_GIVEN_SCALES_HPP

#include <qgrain/core/concepts.hpp>

#include <span>

namespace qgrain {

/// Scales that are known, such as those of a file: one per group, zero points among them, and the tensor's scale where
/// there are two levels. Memory of the host, or of the device on a stream; it must outlive every use.
template <quantizer_type Q>
struct given_scales {
  std::span<const typename Q::stored_scale> scales = {};
  const float* tensor_scale = nullptr;
};

}  // namespace qgrain

#endif
