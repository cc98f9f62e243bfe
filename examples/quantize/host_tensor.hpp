// A tensor in memory as a safetensors file has it: type, shape, raw bytes.
#ifndef QGRAIN_QUANTIZE_HOST_TENSOR_HPP
#define QGRAIN_QUANTIZE_HOST_TENSOR_HPP

#include <lm/safetensors.hpp>

#include <qgrain/core/half.hpp>
#include <qgrain/core/matrix_view.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace qgrain::convert {

using lm::dtype;
using extents = std::vector<std::int64_t>;

[[nodiscard]] std::int64_t element_count(std::span<const std::int64_t> shape) noexcept;

struct host_tensor {
  dtype type = dtype::f32;
  extents shape;
  std::vector<std::byte> bytes;

  [[nodiscard]] std::int64_t elements() const noexcept { return element_count(shape); }
  /// The elements as T, which has the size of the type.
  template <class T>
  [[nodiscard]] T* data() noexcept {
    return reinterpret_cast<T*>(bytes.data());
  }
  template <class T>
  [[nodiscard]] const T* data() const noexcept {
    return reinterpret_cast<const T*>(bytes.data());
  }
};

/// Zeros.
[[nodiscard]] host_tensor make_tensor(dtype type, extents shape);

/// The parts of one tensor by name: "codes", "scales", ...
using tensor_parts = std::map<std::string, host_tensor, std::less<>>;

[[nodiscard]] const host_tensor* find_part(const tensor_parts& parts, std::string_view name) noexcept;

/// F32, BF16 or F16.
[[nodiscard]] bool is_float(dtype type) noexcept;

/// Elements of a float tensor, widened exactly.
[[nodiscard]] std::vector<float> floats_of(const host_tensor& tensor);

/// Rounds values to a float type and back, in place.
void round_to_type(std::span<float> values, dtype type);

/// Values, rounded to a float type, as a tensor.
[[nodiscard]] host_tensor tensor_of(dtype type, extents shape, std::span<const float> values);

/// Integers of any of the file format's types as 64 bits; `where` names the tensor in the error.
[[nodiscard]] std::vector<std::int64_t> integers_of(const host_tensor& tensor, const std::string& where);

/// "F32 [2, 3]"
[[nodiscard]] std::string text_of(dtype type, std::span<const std::int64_t> shape);

}  // namespace qgrain::convert

#endif
