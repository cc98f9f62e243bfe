// Codes and scales that somebody else owns, to be read element by element, in kernels too.
#ifndef QGRAIN_QUANTIZER_QUANTIZED_VIEW_HPP
#define QGRAIN_QUANTIZER_QUANTIZED_VIEW_HPP

#include <qgrain/core/concepts.hpp>
#include <qgrain/core/config.hpp>
#include <qgrain/core/matrix_view.hpp>

namespace qgrain {

/// codes: [rows, cols], row-major, dense; scales: Q::scale_count(shape), groups row by row; tensor_scale: 1 for one
/// level. Trivially copyable; the memory must outlive every use.
template <quantizer_type Q>
struct quantized_view {
  typename Q::code_type* codes = nullptr;
  typename Q::stored_scale* scales = nullptr;
  float* tensor_scale = nullptr;  ///< one float, written by `quantize`; may be null where Q::scale_type has one level
  shape2d shape;

  /// The value of one element.
  [[nodiscard]] QGRAIN_HOST_DEVICE float operator()(index_t row, index_t col) const noexcept {
    const float tensor = tensor_scale == nullptr ? 1.0F : *tensor_scale;
    return Q::decode(codes[row * shape.cols + col], Q::factors(scales[Q::scale_index(shape, row, col)], tensor));
  }
};

}  // namespace qgrain

#endif
