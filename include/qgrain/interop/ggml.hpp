// ggml's block formats: rows of blocks as they lie in a GGUF file.
#ifndef QGRAIN_INTEROP_GGML_HPP
#define QGRAIN_INTEROP_GGML_HPP

#include <qgrain/core/matrix_view.hpp>
#include <qgrain/core/status.hpp>
#include <qgrain/interop/detail/ggml_blocks.hpp>
#include <qgrain/interop/detail/ggml_super_blocks.hpp>

#include <concepts>
#include <string>
#include <string_view>
#include <type_traits>

namespace qgrain::interop {

/// A block that can be read: its bytes are the struct's bytes (little-endian), `value(i)` is element i.
template <class B>
concept ggml_block = std::is_trivially_copyable_v<B> && requires(const B block, int i) {
  { B::name() } -> std::convertible_to<std::string_view>;
  { B::elements } -> std::convertible_to<int>;
  { block.value(i) } -> std::same_as<float>;
};

/// A block that can be written too.
template <class B>
concept ggml_writable_block = ggml_block<B> && requires(const float* x) {
  { B::encode(x) } -> std::same_as<B>;
};

/// Bits of storage per element, scales and minima counted.
template <ggml_block B>
inline constexpr double ggml_bits_per_element = 8.0 * sizeof(B) / B::elements;

/// Blocks per row; errc::invalid_shape where the row is not made of whole blocks.
template <ggml_block B>
[[nodiscard]] index_t ggml_blocks_per_row(index_t cols) {
  if (cols >= 1 && cols % B::elements == 0) return cols / B::elements;
  throw error(errc::invalid_shape, std::string(B::name()) + " has blocks of " + std::to_string(B::elements) +
                                       " elements, so a row of " + std::to_string(cols) + " cannot be cut into them");
}

/// Quantizes rows to blocks. in: [rows, cols], any leading dimension; blocks: [rows, cols / B::elements], dense. One
/// pass; the bits are those of the gguf package (and depend on nothing else).
/// @throws error errc::invalid_shape where rows are no whole blocks; nothing has been written then
template <ggml_writable_block B>
void ggml_quantize(matrix_view<const float> in, B* blocks) {
  const index_t per_row = ggml_blocks_per_row<B>(in.shape.cols);
  for (index_t r = 0; r < in.shape.rows; ++r) {
    for (index_t b = 0; b < per_row; ++b) blocks[r * per_row + b] = B::encode(in.row(r) + b * B::elements);
  }
}

/// Blocks back to values. out: [rows, cols], any leading dimension.
/// @throws error errc::invalid_shape where rows are no whole blocks; nothing has been written then
template <ggml_block B>
void ggml_dequantize(const B* blocks, matrix_view<float> out) {
  const index_t per_row = ggml_blocks_per_row<B>(out.shape.cols);
  for (index_t r = 0; r < out.shape.rows; ++r) {
    for (index_t c = 0; c < out.shape.cols; ++c) {
      out(r, c) = blocks[r * per_row + c / B::elements].value(static_cast<int>(c % B::elements));
    }
  }
}

}  // namespace qgrain::interop

#endif
