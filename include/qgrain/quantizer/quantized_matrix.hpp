// Codes and scales in host memory, owned.
#ifndef QGRAIN_QUANTIZER_QUANTIZED_MATRIX_HPP
#define QGRAIN_QUANTIZER_QUANTIZED_MATRIX_HPP

#include <qgrain/core/concepts.hpp>
#include <qgrain/core/matrix_view.hpp>
#include <qgrain/quantizer/quantized_view.hpp>

#include <cstddef>
#include <vector>

namespace qgrain {

/// What `quantize` returns. Layout as in quantized_view.
template <quantizer_type Q>
struct quantized_matrix {
  std::vector<typename Q::code_type> codes;
  std::vector<typename Q::stored_scale> scales;
  float tensor_scale = 1.0F;
  shape2d shape;

  quantized_matrix() = default;
  explicit quantized_matrix(shape2d extent)
      : codes(static_cast<std::size_t>(extent.elements())),
        scales(static_cast<std::size_t>(Q::scale_count(extent))),
        shape(extent) {}

  /// Valid until this object is moved, changed in size or destroyed.
  [[nodiscard]] quantized_view<Q> view() noexcept { return {codes.data(), scales.data(), &tensor_scale, shape}; }
  [[nodiscard]] quantized_view<const Q> view() const noexcept {
    return {codes.data(), scales.data(), &tensor_scale, shape};
  }
};

}  // namespace qgrain

#endif
