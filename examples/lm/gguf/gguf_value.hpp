// The value of a GGUF key: a number, a truth value, a text, or an array of one of them.
#ifndef QGRAIN_LM_GGUF_GGUF_VALUE_HPP
#define QGRAIN_LM_GGUF_GGUF_VALUE_HPP

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace qgrain::lm {

/// Types of values by their numbers in the file.
enum class gguf_kind : std::uint32_t { u8, i8, u16, i16, u32, i32, f32, boolean, text, array, u64, i64, f64 };

[[nodiscard]] std::string_view name_of(gguf_kind kind) noexcept;
/// Bytes of a value in the file; of texts the least, their length.
[[nodiscard]] std::int64_t least_bytes_of(gguf_kind kind) noexcept;

/// `content` holds one value, or all of an array: unsigned numbers and truth values, signed numbers, floating-point
/// numbers, texts.
struct gguf_value {
  using contents = std::variant<std::vector<std::uint64_t>, std::vector<std::int64_t>, std::vector<double>,
                                std::vector<std::string>>;
  gguf_kind kind = gguf_kind::u32;  ///< of an array: of its elements
  bool is_array = false;
  contents content;

  [[nodiscard]] bool operator==(const gguf_value&) const = default;

  [[nodiscard]] static gguf_value u32(std::uint32_t value) {
    return {gguf_kind::u32, false, std::vector<std::uint64_t>{value}};
  }
  [[nodiscard]] static gguf_value f32(float value) {
    return {gguf_kind::f32, false, std::vector<double>{static_cast<double>(value)}};
  }
  [[nodiscard]] static gguf_value boolean(bool value) {
    return {gguf_kind::boolean, false, std::vector<std::uint64_t>{value ? 1U : 0U}};
  }
  [[nodiscard]] static gguf_value text(std::string_view value) {
    return {gguf_kind::text, false, std::vector<std::string>{std::string(value)}};
  }
  [[nodiscard]] static gguf_value i32s(std::vector<std::int64_t> values) {
    return {gguf_kind::i32, true, std::move(values)};
  }
  [[nodiscard]] static gguf_value texts(std::vector<std::string> values) {
    return {gguf_kind::text, true, std::move(values)};
  }
};

/// Keys in the order of the file.
using gguf_keys = std::vector<std::pair<std::string, gguf_value>>;

}  // namespace qgrain::lm

#endif
