// 4-bit codes, two per byte, and their scales that somebody else owns; to be read element by element, in kernels too.
#ifndef QGRAIN_QUANTIZER_PACKED_VIEW_HPP
#define QGRAIN_QUANTIZER_PACKED_VIEW_HPP

#include <qgrain/core/concepts.hpp>
#include <qgrain/core/config.hpp>
#include <qgrain/core/matrix_view.hpp>
#include <qgrain/quantizer/packing.hpp>

#include <cstdint>

namespace qgrain {

/// codes: packed_bytes(rows * cols, 4) bytes as `pack_codes` makes them of a whole matrix, row after row; rows have an
/// even number of columns. Scales and tensor scale as in quantized_view. Trivially copyable; the memory must outlive
/// every use.
template <quantizer_type Q>
struct packed_view {
  static_assert(Q::format_type::bits == 4,
                "qgrain::packed_view: two codes per byte need a format of 4 bits; use quantized_view for others");
  std::uint8_t* codes = nullptr;
  typename Q::stored_scale* scales = nullptr;
  float* tensor_scale = nullptr;
  shape2d shape;
  bit_order order = bit_order::low_first;

  /// The value of one element.
  [[nodiscard]] QGRAIN_HOST_DEVICE float operator()(index_t row, index_t col) const noexcept {
    const float tensor = tensor_scale == nullptr ? 1.0F : *tensor_scale;
    const auto code = packed_code<typename Q::code_type>(codes, row * shape.cols + col, 4, order);
    return Q::decode(code, Q::factors(scales[Q::scale_index(shape, row, col)], tensor));
  }
};

}  // namespace qgrain

#endif
