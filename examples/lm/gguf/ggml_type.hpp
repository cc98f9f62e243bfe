// ggml's tensor types by number and name: the size of their blocks, and the conversions of those known here.
#ifndef QGRAIN_LM_GGUF_GGML_TYPE_HPP
#define QGRAIN_LM_GGUF_GGML_TYPE_HPP

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace qgrain::lm {

/// The numbers are those of a GGUF file's tensor infos. Rows are whole numbers of blocks.
struct ggml_type {
  using encoder = void (*)(std::span<const float> in, std::byte* out);
  using decoder = void (*)(const std::byte* in, std::span<float> out);

  std::uint32_t number = 0;
  std::string_view name;      ///< as ggml spells it in capitals: Q4_0
  std::int64_t elements = 0;  ///< of a block
  std::int64_t bytes = 0;     ///< of a block
  encoder encode = nullptr;   ///< whole blocks of elements; null where the type is only read
  decoder decode = nullptr;   ///< the same back to values; null where only the size of a block is known

  /// Bytes of that many elements, a whole number of blocks.
  [[nodiscard]] std::int64_t bytes_of(std::int64_t count) const noexcept { return count / elements * bytes; }
  /// Bits of storage per element, scales counted.
  [[nodiscard]] double bits_per_element() const noexcept {
    return 8.0 * static_cast<double>(bytes) / static_cast<double>(elements);
  }
};

/// All types whose size is known, by number.
[[nodiscard]] std::span<const ggml_type> ggml_types() noexcept;
/// Null where there is no such type.
[[nodiscard]] const ggml_type* find_ggml_type(std::uint32_t number) noexcept;
[[nodiscard]] const ggml_type* find_ggml_type(std::string_view name) noexcept;

}  // namespace qgrain::lm

#endif
