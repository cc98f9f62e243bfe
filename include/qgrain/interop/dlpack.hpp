// Tensors of other frameworks by DLPack, without a copy. Bring your own dlpack.h: the functions are templates over it.
#ifndef QGRAIN_INTEROP_DLPACK_HPP
#define QGRAIN_INTEROP_DLPACK_HPP

#include <qgrain/core/half.hpp>
#include <qgrain/core/matrix_view.hpp>
#include <qgrain/core/status.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>

namespace qgrain::interop {

/// DLTensor of dlpack.h (any version), or a struct with the same members.
template <class D>
concept dlpack_tensor = requires(D tensor) {
  { tensor.data } -> std::convertible_to<void*>;
  { tensor.device.device_type } -> std::convertible_to<int>;
  { tensor.device.device_id } -> std::convertible_to<int>;
  { tensor.ndim } -> std::convertible_to<int>;
  { tensor.dtype.code } -> std::convertible_to<int>;
  { tensor.dtype.bits } -> std::convertible_to<int>;
  { tensor.dtype.lanes } -> std::convertible_to<int>;
  { tensor.shape } -> std::convertible_to<const std::int64_t*>;
  { tensor.strides } -> std::convertible_to<const std::int64_t*>;
  { tensor.byte_offset } -> std::convertible_to<std::uint64_t>;
};

/// Who can read the memory.
enum class dlpack_memory : std::uint8_t {
  host,    ///< CPU (1), and CUDA's pinned (3) and managed (13) memory
  device,  ///< CUDA (2), pinned and managed memory; the device's number is the caller's to check
};

/// DLPack's type of an element: what it is (0 int, 1 uint, 2 float, 4 bfloat) and its bits.
template <class T>
struct dlpack_type;
/// Integers: codes, packed bytes, zero points.
template <std::integral T>
struct dlpack_type<T> {
  static constexpr int code = std::is_signed_v<T> ? 0 : 1;
  static constexpr int bits = 8 * sizeof(T);
};
/// float32.
template <>
struct dlpack_type<float> {
  static constexpr int code = 2;
  static constexpr int bits = 32;
};
/// IEEE binary16.
template <>
struct dlpack_type<float16> {
  static constexpr int code = 2;
  static constexpr int bits = 16;
};
/// bfloat16, which has a code of its own.
template <>
struct dlpack_type<bfloat16> {
  static constexpr int code = 4;
  static constexpr int bits = 16;
};

namespace detail {

[[noreturn]] inline void dlpack_refuse(errc code, const std::string& what, std::int64_t wanted, std::int64_t found) {
  qgrain::detail::raise(
      code, "DLPack tensor: " + what + ": expected " + std::to_string(wanted) + ", found " + std::to_string(found));
}

/// Extents whose product, or strides whose distance, leaves 63 bits.
[[noreturn]] inline void dlpack_refuse_size(const std::int64_t* shape, int dimensions) {
  std::string text;
  for (int d = 0; d < dimensions; ++d) text += (d > 0 ? ", " : "") + std::to_string(shape[d]);
  qgrain::detail::raise(errc::invalid_shape, "DLPack tensor: the extents [" + text + "] overflow 63 bits of elements");
}

[[nodiscard]] constexpr bool dlpack_reachable(int device_type, dlpack_memory memory) noexcept {
  const bool shared = device_type == 3 || device_type == 13;
  return shared || device_type == (memory == dlpack_memory::host ? 1 : 2);
}

}  // namespace detail

/// A tensor as a matrix: columns are the last dimension, all leading ones together are rows (a vector is one row).
///
/// T is the element type, const to read only; it has to be the tensor's own (one lane). Elements of a row have to be
/// neighbours and leading dimensions evenly spaced, so that the rows have one distance; strides of dimensions of one
/// element do not count. A null strides member means dense. The tensor must outlive the view.
/// @throws error errc::unsupported for another element type, other memory or strides that no view has;
/// errc::invalid_shape for no dimensions or negative ones; errc::invalid_argument for missing or misaligned memory.
/// Each names what was expected and found
template <class T, dlpack_tensor D>
[[nodiscard]] matrix_view<T> view_of(const D& tensor, dlpack_memory memory = dlpack_memory::host) {
  using type = dlpack_type<std::remove_const_t<T>>;
  if (static_cast<int>(tensor.dtype.code) != type::code) {
    detail::dlpack_refuse(errc::unsupported, "type code", type::code, static_cast<int>(tensor.dtype.code));
  }
  if (tensor.dtype.bits != type::bits) {
    detail::dlpack_refuse(errc::unsupported, "bits of an element", type::bits, tensor.dtype.bits);
  }
  if (tensor.dtype.lanes != 1) detail::dlpack_refuse(errc::unsupported, "lanes of an element", 1, tensor.dtype.lanes);
  const auto device_type = static_cast<int>(tensor.device.device_type);
  if (!detail::dlpack_reachable(device_type, memory)) {
    detail::dlpack_refuse(errc::unsupported, "device type", memory == dlpack_memory::host ? 1 : 2, device_type);
  }
  const int last = tensor.ndim - 1;
  if (last < 0) detail::dlpack_refuse(errc::invalid_shape, "dimensions, at least", 1, tensor.ndim);
  shape2d shape{1, tensor.shape[last]};
  for (int d = 0; d <= last; ++d) {
    const std::int64_t extent = tensor.shape[d];
    if (extent < 0) detail::dlpack_refuse(errc::invalid_shape, "extent " + std::to_string(d) + ", at least", 0, extent);
    if (d < last && __builtin_mul_overflow(shape.rows, extent, &shape.rows))
      detail::dlpack_refuse_size(tensor.shape, tensor.ndim);
  }
  std::int64_t elements = 0;
  if (__builtin_mul_overflow(shape.rows, shape.cols, &elements)) detail::dlpack_refuse_size(tensor.shape, tensor.ndim);
  std::int64_t row_stride = shape.cols;
  if (tensor.strides != nullptr && shape.elements() != 0) {
    if (shape.cols > 1 && tensor.strides[last] != 1) {
      detail::dlpack_refuse(errc::unsupported, "stride of the last dimension", 1, tensor.strides[last]);
    }
    // From the inside out: the first leading dimension that counts gives the distance of rows, the next ones continue
    // it.
    std::int64_t rows_below = 1;
    for (int d = last - 1; d >= 0; --d) {
      if (tensor.shape[d] == 1) continue;
      if (rows_below == 1) {
        row_stride = tensor.strides[d];
        if (row_stride < shape.cols) {
          detail::dlpack_refuse(errc::unsupported, "stride of dimension " + std::to_string(d) + ", at least",
                                shape.cols, row_stride);
        }
      } else {
        std::int64_t continued = 0;
        if (__builtin_mul_overflow(row_stride, rows_below, &continued))
          detail::dlpack_refuse_size(tensor.shape, tensor.ndim);
        if (tensor.strides[d] != continued) {
          detail::dlpack_refuse(errc::unsupported, "stride of dimension " + std::to_string(d), continued,
                                tensor.strides[d]);
        }
      }
      rows_below *= tensor.shape[d];
    }
  }
  if (shape.elements() == 0) return {nullptr, shape, shape.cols};
  if (tensor.data == nullptr) qgrain::detail::raise(errc::invalid_argument, "DLPack tensor: it has no memory");
  auto* const first = static_cast<std::byte*>(static_cast<void*>(tensor.data)) + tensor.byte_offset;
  const auto misaligned = static_cast<std::int64_t>(reinterpret_cast<std::uintptr_t>(first) % alignof(T));
  if (misaligned != 0) detail::dlpack_refuse(errc::invalid_argument, "bytes beyond the alignment", 0, misaligned);
  return {reinterpret_cast<T*>(first), shape, row_stride};
}

/// A view as a tensor of two dimensions. `extents` gets rows, columns and the two strides; it and the view's memory
/// must outlive the tensor. device_type is DLPack's number (1 CPU, 2 CUDA). DLPack cannot express const: who gets the
/// tensor must not write where T is const.
template <dlpack_tensor D, class T>
[[nodiscard]] D to_dlpack(matrix_view<T> view, std::array<std::int64_t, 4>& extents, int device_type = 1,
                          int device_id = 0) {
  using element = std::remove_const_t<T>;
  using type = dlpack_type<element>;
  extents = {view.shape.rows, view.shape.cols, view.leading_dimension, 1};
  D tensor{};
  tensor.data = const_cast<element*>(view.data);
  tensor.device.device_type = static_cast<decltype(tensor.device.device_type)>(device_type);
  tensor.device.device_id = device_id;
  tensor.ndim = 2;
  tensor.dtype.code = static_cast<decltype(tensor.dtype.code)>(type::code);
  tensor.dtype.bits = static_cast<decltype(tensor.dtype.bits)>(type::bits);
  tensor.dtype.lanes = 1;
  tensor.shape = extents.data();
  tensor.strides = extents.data() + 2;
  tensor.byte_offset = 0;
  return tensor;
}

}  // namespace qgrain::interop

#endif
