#include <quantize/host_tensor.hpp>

#include <qgrain/core/status.hpp>

#include <algorithm>
#include <span>
#include <utility>

namespace qgrain::convert {
namespace {

template <class T>
void widen(const host_tensor& tensor, std::vector<float>& out) {
  std::transform(tensor.data<T>(), tensor.data<T>() + out.size(), out.begin(), [](T x) { return to_float(x); });
}

template <class T>
void round_through(std::span<float> values) {
  for (float& x : values) x = to_float(from_float<T>(x));
}

template <class T>
void store(std::span<const float> values, host_tensor& out) {
  std::transform(values.begin(), values.end(), out.data<T>(), [](float x) { return from_float<T>(x); });
}

template <class T>
std::vector<std::int64_t> as_integers(const host_tensor& tensor) {
  return {tensor.data<T>(), tensor.data<T>() + tensor.elements()};
}

}  // namespace

std::int64_t element_count(std::span<const std::int64_t> shape) noexcept {
  std::int64_t count = 1;
  for (const std::int64_t extent : shape) count *= extent;
  return count;
}

host_tensor make_tensor(dtype type, extents shape) {
  host_tensor tensor{type, std::move(shape), {}};
  tensor.bytes.resize(static_cast<std::size_t>(tensor.elements() * lm::bytes_of(type)));
  return tensor;
}

const host_tensor* find_part(const tensor_parts& parts, std::string_view name) noexcept {
  const auto found = parts.find(name);
  return found == parts.end() ? nullptr : &found->second;
}

bool is_float(dtype type) noexcept { return type == dtype::f32 || type == dtype::bf16 || type == dtype::f16; }

std::vector<float> floats_of(const host_tensor& tensor) {
  std::vector<float> values(static_cast<std::size_t>(tensor.elements()));
  const std::span<std::byte> raw = std::as_writable_bytes(std::span(values));
  if (tensor.type == dtype::f32) std::copy(tensor.bytes.begin(), tensor.bytes.end(), raw.begin());
  if (tensor.type == dtype::bf16) widen<bfloat16>(tensor, values);
  if (tensor.type == dtype::f16) widen<float16>(tensor, values);
  return values;
}

void round_to_type(std::span<float> values, dtype type) {
  if (type == dtype::bf16) round_through<bfloat16>(values);
  if (type == dtype::f16) round_through<float16>(values);
}

host_tensor tensor_of(dtype type, extents shape, std::span<const float> values) {
  host_tensor tensor = make_tensor(type, std::move(shape));
  if (type == dtype::f32) store<float>(values, tensor);
  if (type == dtype::bf16) store<bfloat16>(values, tensor);
  if (type == dtype::f16) store<float16>(values, tensor);
  return tensor;
}

std::vector<std::int64_t> integers_of(const host_tensor& tensor, const std::string& where) {
  switch (tensor.type) {
    case dtype::u8:
      return as_integers<std::uint8_t>(tensor);
    case dtype::i8:
      return as_integers<std::int8_t>(tensor);
    case dtype::i16:
      return as_integers<std::int16_t>(tensor);
    case dtype::u16:
      return as_integers<std::uint16_t>(tensor);
    case dtype::i32:
      return as_integers<std::int32_t>(tensor);
    case dtype::u32:
      return as_integers<std::uint32_t>(tensor);
    case dtype::i64:
      return as_integers<std::int64_t>(tensor);
    default:
      throw error(errc::bad_file, where + " is " + text_of(tensor.type, tensor.shape) + ", where integers are needed");
  }
}

std::string text_of(dtype type, std::span<const std::int64_t> shape) {
  return std::string(lm::name_of(type)) + " " + lm::shape_text(shape);
}

}  // namespace qgrain::convert
