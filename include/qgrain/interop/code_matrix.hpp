// The form between two stores of quantized weights: one code per byte, scales as they are stored, zero points.
#ifndef QGRAIN_INTEROP_CODE_MATRIX_HPP
#define QGRAIN_INTEROP_CODE_MATRIX_HPP

#include <qgrain/core/arithmetic.hpp>
#include <qgrain/core/bits.hpp>
#include <qgrain/core/half.hpp>
#include <qgrain/core/matrix_view.hpp>
#include <qgrain/core/status.hpp>
#include <qgrain/format/codebook.hpp>
#include <qgrain/format/float4.hpp>
#include <qgrain/format/float6.hpp>
#include <qgrain/format/float8.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace qgrain::interop {

/// What a code stands for. Integers are unsigned codes minus a zero point (2^(bits - 1) where none is given), so that
/// int4 -8 to 7 has codes 0 to 15; all others are the format's own code.
enum class code_kind : std::uint8_t { integer, e2m1, e2m3, e3m2, e4m3, e5m2, nf4_modelopt, iq4_nl };

/// For error messages.
[[nodiscard]] constexpr std::string_view name_of(code_kind kind) noexcept {
  constexpr std::string_view names[] = {"integers", "e2m1", "e2m3", "e3m2", "e4m3", "e5m2", "nf4_modelopt", "iq4_nl"};
  return names[static_cast<std::size_t>(kind)];
}

/// The type in which scales are stored.
enum class scale_kind : std::uint8_t { float32, float16, bfloat16, e8m0, e4m3 };

/// For error messages.
[[nodiscard]] constexpr std::string_view name_of(scale_kind kind) noexcept {
  constexpr std::string_view names[] = {"float32", "float16", "bfloat16", "e8m0", "e4m3"};
  return names[static_cast<std::size_t>(kind)];
}

/// How a stored number acts on the way to values.
enum class scale_use : std::uint8_t { multiplies, divides };

/// x times or over `by`, in float32, rounded once; zeros, infinities and NaN as IEEE arithmetic has them.
[[nodiscard]] QGRAIN_HOST_DEVICE constexpr float applied(float x, scale_use use, float by) noexcept {
  return use == scale_use::multiplies ? mul_rn(x, by) : div_rn(x, by);
}

/// Bit patterns of scales, one type for all.
struct scale_array {
  scale_kind kind = scale_kind::float32;
  std::vector<std::uint32_t> patterns;

  scale_array() = default;
  /// float, float16 and bfloat16 as they are.
  template <storage_element T>
  explicit scale_array(std::span<const T> scales) : kind(kind_of<T>()) {
    for (const T scale : scales) patterns.push_back(pattern_of(scale));
  }
  /// Bytes of e8m0 or e4m3.
  scale_array(scale_kind type, std::span<const std::uint8_t> bytes)
      : kind(type), patterns(bytes.begin(), bytes.end()) {}

  [[nodiscard]] std::size_t size() const noexcept { return patterns.size(); }
  [[nodiscard]] float value(std::size_t i) const noexcept { return value_of(kind, patterns[i]); }

  template <storage_element T>
  [[nodiscard]] static constexpr scale_kind kind_of() noexcept {
    if constexpr (std::same_as<T, float16>) return scale_kind::float16;
    if constexpr (std::same_as<T, bfloat16>) return scale_kind::bfloat16;
    return scale_kind::float32;
  }
  template <storage_element T>
  [[nodiscard]] static constexpr std::uint32_t pattern_of(T scale) noexcept {
    if constexpr (std::same_as<T, float>) {
      return bits_of(scale);
    } else {
      return scale.bits;
    }
  }
  [[nodiscard]] static constexpr float value_of(scale_kind kind, std::uint32_t pattern) noexcept {
    switch (kind) {
      case scale_kind::float16:
        return to_float(float16{static_cast<std::uint16_t>(pattern)});
      case scale_kind::bfloat16:
        return to_float(bfloat16{static_cast<std::uint16_t>(pattern)});
      case scale_kind::e8m0:
        return float8_e8m0fnu::decode(static_cast<std::uint8_t>(pattern));
      case scale_kind::e4m3:
        return float8_e4m3fn::decode(static_cast<std::uint8_t>(pattern));
      case scale_kind::float32:
        break;
    }
    return float_from_bits(pattern);
  }
  friend bool operator==(const scale_array&, const scale_array&) = default;
};

/// Codes and scales of a matrix [rows, cols], a Linear weight as [out, in]. Groups are `group_size` consecutive columns
/// of a row, numbered row by row; the last one of a row may be shorter.
///
/// value = code with zero point or format applied, (times | divided by) the scale of the group, plus the minimum of the
/// group; the scale is the stored one (times | divided by) the tensor's. Each is one float32 operation, rounded once.
struct code_matrix {
  std::string origin = "a code_matrix";  ///< whose codes these are, for error sentences
  shape2d shape;
  code_kind kind = code_kind::integer;
  int bits = 4;  ///< 1 to 8
  index_t group_size = 0;
  std::vector<std::uint8_t> codes;  ///< row by row, one per byte
  scale_array scales;
  scale_use use = scale_use::multiplies;
  std::vector<std::int32_t> zero_points;  ///< one per group, in codes; empty: 2^(bits - 1). Integers only
  scale_array minimums;                   ///< one per group; empty: none
  bool two_level = false;                 ///< whether there is a scale of the tensor
  float tensor_scale = 1.0F;
  scale_use tensor_use = scale_use::multiplies;

  [[nodiscard]] index_t groups_per_row() const noexcept { return ceil_div(shape.cols, group_size); }
  [[nodiscard]] std::size_t group_count() const noexcept {
    return static_cast<std::size_t>(shape.rows * groups_per_row());
  }
  [[nodiscard]] std::size_t group_of(index_t row, index_t col) const noexcept {
    return static_cast<std::size_t>(row * groups_per_row() + col / group_size);
  }
  [[nodiscard]] std::uint8_t& code(index_t row, index_t col) noexcept {
    return codes[static_cast<std::size_t>(row * shape.cols + col)];
  }
  [[nodiscard]] std::uint8_t code(index_t row, index_t col) const noexcept {
    return codes[static_cast<std::size_t>(row * shape.cols + col)];
  }
  [[nodiscard]] std::int32_t zero_point(std::size_t group) const noexcept {
    return zero_points.empty() ? 1 << (bits - 1) : zero_points[group];
  }
  /// The scale of a group with the tensor's applied.
  [[nodiscard]] float scale(std::size_t group) const noexcept {
    const float own = scales.value(group);
    return two_level ? applied(own, tensor_use, tensor_scale) : own;
  }
  [[nodiscard]] float value(index_t row, index_t col) const noexcept {
    const std::size_t group = group_of(row, col);
    const float scaled = applied(level(code(row, col), group), use, scale(group));
    return minimums.size() == 0 ? scaled : add_rn(scaled, minimums.value(group));
  }
  /// A code with zero point or format applied.
  [[nodiscard]] float level(std::uint8_t code_bits, std::size_t group) const noexcept {
    switch (kind) {
      case code_kind::integer:
        return static_cast<float>(std::int64_t{code_bits} - zero_point(group));
      case code_kind::e2m1:
        return float4_e2m1fn::decode(code_bits);
      case code_kind::e2m3:
        return float6_e2m3fn::decode(code_bits);
      case code_kind::e3m2:
        return float6_e3m2fn::decode(code_bits);
      case code_kind::e4m3:
        return float8_e4m3fn::decode(code_bits);
      case code_kind::e5m2:
        return float8_e5m2::decode(code_bits);
      case code_kind::nf4_modelopt:
        return nf4_modelopt::decode(code_bits);
      case code_kind::iq4_nl:
        return iq4_nl::decode(code_bits);
    }
    return quiet_nan();
  }
};

/// All values. out: [rows, cols], any leading dimension.
/// @throws error errc::invalid_shape where the shapes differ; nothing has been written then
inline void dequantize(const code_matrix& in, matrix_view<float> out) {
  if (in.shape != out.shape) {
    qgrain::detail::raise(errc::invalid_shape, "the output is " + std::to_string(out.shape.rows) + " x " +
                                                   std::to_string(out.shape.cols) + ", the codes are " +
                                                   std::to_string(in.shape.rows) + " x " +
                                                   std::to_string(in.shape.cols));
  }
  for (index_t r = 0; r < out.shape.rows; ++r) {
    for (index_t c = 0; c < out.shape.cols; ++c) out(r, c) = in.value(r, c);
  }
}

}  // namespace qgrain::interop

#endif
