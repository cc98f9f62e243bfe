#include <lm/gguf/gguf_writer.hpp>

#include <qgrain/core/status.hpp>

#include <set>
#include <utility>

namespace qgrain::lm {
namespace {

constexpr std::uint32_t written_version = 3;

template <class Stored, class Value>
void put(std::string& head, Value value) {
  const auto stored = static_cast<Stored>(value);
  head.append(reinterpret_cast<const char*>(&stored), sizeof stored);
}

void put_text(std::string& head, std::string_view text) {
  put<std::uint64_t>(head, text.size());
  head.append(text);
}

template <class Held>
void put_number(std::string& head, gguf_kind kind, Held value) {
  switch (kind) {
    case gguf_kind::boolean:
    case gguf_kind::u8:
      return put<std::uint8_t>(head, value);
    case gguf_kind::i8:
      return put<std::int8_t>(head, value);
    case gguf_kind::u16:
      return put<std::uint16_t>(head, value);
    case gguf_kind::i16:
      return put<std::int16_t>(head, value);
    case gguf_kind::u32:
      return put<std::uint32_t>(head, value);
    case gguf_kind::i32:
      return put<std::int32_t>(head, value);
    case gguf_kind::u64:
      return put<std::uint64_t>(head, value);
    case gguf_kind::i64:
      return put<std::int64_t>(head, value);
    case gguf_kind::f32:
      return put<float>(head, value);
    case gguf_kind::f64:
      return put<double>(head, value);
    case gguf_kind::text:
    case gguf_kind::array:
      break;
  }
}

void put_value(std::string& head, const gguf_value& value) {
  if (value.is_array) put<std::uint32_t>(head, gguf_kind::array);
  put<std::uint32_t>(head, value.kind);
  std::visit(
      [&](const auto& values) {
        if (value.is_array) put<std::uint64_t>(head, values.size());
        for (const auto& v : values) {
          if constexpr (std::is_convertible_v<decltype(v), std::string_view>) {
            put_text(head, v);
          } else {
            put_number(head, value.kind, v);
          }
        }
      },
      value.content);
}

std::int64_t aligned(std::int64_t bytes) {
  return (bytes + gguf_writer::alignment - 1) / gguf_writer::alignment * gguf_writer::alignment;
}

}  // namespace

std::int64_t gguf_tensor_plan::bytes() const {
  std::int64_t elements = 1;
  for (const std::int64_t extent : shape) elements *= extent;
  const std::int64_t row = shape.empty() ? 1 : shape.back();
  if (row % type->elements != 0) {
    throw error(errc::invalid_shape, "tensor \"" + name + "\": rows of " + std::to_string(row) +
                                         " elements are no whole number of " + std::string(type->name) + " blocks of " +
                                         std::to_string(type->elements));
  }
  return type->bytes_of(elements);
}

gguf_writer::gguf_writer(const std::filesystem::path& path, const gguf_keys& keys,
                         std::span<const gguf_tensor_plan> plan)
    : file_(path) {
  std::string head = "GGUF";
  put<std::uint32_t>(head, written_version);
  put<std::uint64_t>(head, plan.size());
  put<std::uint64_t>(head, keys.size());
  for (const auto& [key, value] : keys) {
    put_text(head, key);
    put_value(head, value);
  }
  std::set<std::string_view> names;
  std::int64_t offset = 0;
  for (const gguf_tensor_plan& tensor : plan) {
    if (!names.insert(tensor.name).second) {
      throw error(errc::invalid_argument, path.string() + ": tensor \"" + tensor.name + "\" is planned twice");
    }
    put_text(head, tensor.name);
    put<std::uint32_t>(head, tensor.shape.size());
    for (std::size_t d = tensor.shape.size(); d > 0; --d) put<std::uint64_t>(head, tensor.shape[d - 1]);
    put<std::uint32_t>(head, tensor.type->number);
    put<std::uint64_t>(head, offset);
    places_.push_back({offset, tensor.bytes()});
    offset = aligned(offset + places_.back().bytes);
  }
  const std::int64_t data_begin = aligned(static_cast<std::int64_t>(head.size()));
  for (place& p : places_) p.begin += data_begin;
  size_ = data_begin + offset;
  file_.write(0, std::as_bytes(std::span(head)));
  file_.resize(size_);  // what lies between and behind the tensors is zeros
}

void gguf_writer::write(std::size_t tensor, std::int64_t offset, std::span<const std::byte> bytes) {
  const place& p = places_.at(tensor);
  if (offset < 0 || offset > p.bytes - static_cast<std::int64_t>(bytes.size())) {
    throw error(errc::out_of_range, "bytes beyond the end of a planned tensor");
  }
  file_.write(p.begin + offset, bytes);
}

}  // namespace qgrain::lm
