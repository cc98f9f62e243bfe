#include <lm/gguf/gguf_file.hpp>

#include <qgrain/core/status.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>

namespace qgrain::lm {
namespace {

constexpr std::uint32_t gguf_magic = 0x46554747;  // "GGUF"
constexpr std::uint64_t most_dimensions = 4;      // of ggml

struct kind_facts {
  std::string_view name;
  std::int64_t bytes;
};
constexpr std::array<kind_facts, 13> kinds{{{"u8", 1},
                                            {"i8", 1},
                                            {"u16", 2},
                                            {"i16", 2},
                                            {"u32", 4},
                                            {"i32", 4},
                                            {"f32", 4},
                                            {"bool", 1},
                                            {"string", 8},
                                            {"array", 12},
                                            {"u64", 8},
                                            {"i64", 8},
                                            {"f64", 8}}};

// The head of a file from front to back, in portions.
class head_reader {
 public:
  explicit head_reader(const common::input_file& file) : file_(&file) {}

  [[nodiscard]] std::int64_t position() const noexcept { return begin_ + static_cast<std::int64_t>(at_); }
  [[nodiscard]] std::int64_t left() const noexcept { return file_->size() - position(); }

  void read(std::span<std::byte> out, const std::string& what) {
    if (static_cast<std::int64_t>(out.size()) > left()) {
      throw error(errc::bad_file, file_->path() + ": " + what + " at byte " + std::to_string(position()) + " needs " +
                                      std::to_string(out.size()) + " bytes, but the file ends at byte " +
                                      std::to_string(file_->size()));
    }
    while (!out.empty()) {
      if (at_ == portion_.size()) refill();
      const std::size_t count = std::min(out.size(), portion_.size() - at_);
      std::memcpy(out.data(), portion_.data() + at_, count);
      at_ += count;
      out = out.subspan(count);
    }
  }
  template <class T>
  [[nodiscard]] T take(const std::string& what) {
    T value{};
    read(std::as_writable_bytes(std::span(&value, 1)), what);
    return value;
  }
  [[nodiscard]] std::string text(const std::string& what) {
    const std::int64_t size = count(take<std::uint64_t>(what), 1, what);
    std::string value(static_cast<std::size_t>(size), '\0');
    read(std::as_writable_bytes(std::span(value)), what);
    return value;
  }
  // A count of things of at least `bytes` each, which the file can hold.
  [[nodiscard]] std::int64_t count(std::uint64_t value, std::int64_t bytes, const std::string& what) const {
    if (value > static_cast<std::uint64_t>(left() / bytes)) {
      throw error(errc::bad_file, file_->path() + ": " + what + " has a count of " + std::to_string(value) +
                                      " at byte " + std::to_string(position()) + ", more than the " +
                                      std::to_string(left()) + " bytes behind it can hold");
    }
    return static_cast<std::int64_t>(value);
  }

 private:
  void refill() {
    begin_ += static_cast<std::int64_t>(portion_.size());
    constexpr std::int64_t portion_bytes = std::int64_t{1} << 16;
    portion_.resize(static_cast<std::size_t>(std::min(portion_bytes, file_->size() - begin_)));
    at_ = 0;
    file_->read(begin_, portion_);
  }

  const common::input_file* file_;
  std::vector<std::byte> portion_;
  std::int64_t begin_ = 0;
  std::size_t at_ = 0;
};

gguf_kind kind_of(std::uint32_t number, const std::string& where) {
  if (number < kinds.size()) return static_cast<gguf_kind>(number);
  throw error(errc::bad_file, where + " has the unknown type " + std::to_string(number));
}

template <class Stored, class Held>
void append(head_reader& head, std::int64_t count, std::vector<Held>& out, const std::string& what) {
  out.reserve(static_cast<std::size_t>(count));
  for (std::int64_t i = 0; i < count; ++i) out.push_back(static_cast<Held>(head.take<Stored>(what)));
}

template <class Stored, class Held>
gguf_value::contents values_as(head_reader& head, std::int64_t count, const std::string& what) {
  std::vector<Held> values;
  append<Stored>(head, count, values, what);
  return values;
}

gguf_value::contents read_contents(head_reader& head, gguf_kind kind, std::int64_t count, const std::string& what) {
  switch (kind) {
    case gguf_kind::boolean:
    case gguf_kind::u8:
      return values_as<std::uint8_t, std::uint64_t>(head, count, what);
    case gguf_kind::u16:
      return values_as<std::uint16_t, std::uint64_t>(head, count, what);
    case gguf_kind::u32:
      return values_as<std::uint32_t, std::uint64_t>(head, count, what);
    case gguf_kind::u64:
      return values_as<std::uint64_t, std::uint64_t>(head, count, what);
    case gguf_kind::i8:
      return values_as<std::int8_t, std::int64_t>(head, count, what);
    case gguf_kind::i16:
      return values_as<std::int16_t, std::int64_t>(head, count, what);
    case gguf_kind::i32:
      return values_as<std::int32_t, std::int64_t>(head, count, what);
    case gguf_kind::i64:
      return values_as<std::int64_t, std::int64_t>(head, count, what);
    case gguf_kind::f32:
      return values_as<float, double>(head, count, what);
    case gguf_kind::f64:
      return values_as<double, double>(head, count, what);
    case gguf_kind::text:
    case gguf_kind::array:
      break;
  }
  std::vector<std::string> texts;
  for (std::int64_t i = 0; i < count; ++i) texts.push_back(head.text(what));
  return texts;
}

gguf_value read_value(head_reader& head, const std::string& where, const std::string& what) {
  gguf_value value;
  value.kind = kind_of(head.take<std::uint32_t>(what), where);
  value.is_array = value.kind == gguf_kind::array;
  std::int64_t count = 1;
  if (value.is_array) {
    value.kind = kind_of(head.take<std::uint32_t>(what), where);
    if (value.kind == gguf_kind::array) throw error(errc::unsupported, where + " is an array of arrays");
    count = head.count(head.take<std::uint64_t>(what), least_bytes_of(value.kind), what);
  }
  value.content = read_contents(head, value.kind, count, what);
  return value;
}

// Extents, type and offset; `begin` counts from the start of the data section as yet.
gguf_tensor read_info(head_reader& head, const std::string& path) {
  gguf_tensor tensor;
  tensor.name = head.text("a tensor's name");
  const std::string what = "tensor \"" + tensor.name + "\"";
  const std::string where = path + ": " + what;
  const auto dimensions = head.take<std::uint32_t>(what);
  if (dimensions > most_dimensions) {
    throw error(errc::bad_file, where + " has " + std::to_string(dimensions) + " dimensions, more than ggml's 4");
  }
  std::int64_t elements = 1;
  for (std::uint32_t d = 0; d < dimensions; ++d) {
    const auto extent = head.take<std::uint64_t>(what);
    if (extent > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) ||
        __builtin_mul_overflow(elements, static_cast<std::int64_t>(extent), &elements)) {
      throw error(errc::bad_file, where + ": the product of its extents overflows at " + std::to_string(extent));
    }
    tensor.shape.insert(tensor.shape.begin(), static_cast<std::int64_t>(extent));
  }
  const auto number = head.take<std::uint32_t>(what);
  tensor.type = find_ggml_type(number);
  if (tensor.type == nullptr) {
    throw error(errc::unsupported, where + " is of ggml's type " + std::to_string(number) + ", which is not known");
  }
  const std::int64_t row = tensor.shape.empty() ? 1 : tensor.shape.back();
  if (row % tensor.type->elements != 0) {
    throw error(errc::bad_file, where + ": rows of " + std::to_string(row) + " elements are no whole number of " +
                                    std::string(tensor.type->name) + " blocks of " +
                                    std::to_string(tensor.type->elements));
  }
  if (__builtin_mul_overflow(elements / tensor.type->elements, tensor.type->bytes, &tensor.bytes)) {
    throw error(errc::bad_file,
                where + ": " + std::to_string(elements) + " elements are more bytes than 63 bits count");
  }
  const auto offset = head.take<std::uint64_t>(what);
  if (offset > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    throw error(errc::bad_file, where + " lies at the impossible offset " + std::to_string(offset));
  }
  tensor.begin = static_cast<std::int64_t>(offset);
  return tensor;
}

// Offsets become positions in the file: aligned, within it, apart from each other.
void place_data(std::vector<gguf_tensor>& tensors, std::int64_t data_begin, std::int64_t alignment,
                const common::input_file& file) {
  std::vector<const gguf_tensor*> in_order;
  for (gguf_tensor& tensor : tensors) {
    const std::string where = file.path() + ": tensor \"" + tensor.name + "\"";
    if (tensor.begin % alignment != 0) {
      throw error(errc::bad_file, where + " lies at offset " + std::to_string(tensor.begin) + ", no multiple of the " +
                                      std::to_string(alignment) + " bytes of general.alignment");
    }
    const std::int64_t room = file.size() - data_begin;
    if (tensor.bytes > room || tensor.begin > room - tensor.bytes) {
      throw error(errc::bad_file, where + " has " + std::to_string(tensor.bytes) + " bytes at offset " +
                                      std::to_string(tensor.begin) + " of the data, which has only " +
                                      std::to_string(std::max<std::int64_t>(room, 0)) + ": the file of " +
                                      std::to_string(file.size()) + " bytes is truncated");
    }
    tensor.begin += data_begin;
    if (tensor.bytes > 0) in_order.push_back(&tensor);
  }
  std::sort(in_order.begin(), in_order.end(),
            [](const gguf_tensor* a, const gguf_tensor* b) { return a->begin < b->begin; });
  for (std::size_t i = 1; i < in_order.size(); ++i) {
    const gguf_tensor& before = *in_order[i - 1];
    if (before.begin + before.bytes > in_order[i]->begin) {
      throw error(errc::bad_file, file.path() + ": tensors \"" + before.name + "\" and \"" + in_order[i]->name +
                                      "\" overlap at byte " + std::to_string(in_order[i]->begin));
    }
  }
}

std::int64_t alignment_of(const gguf_file& file) {
  constexpr std::int64_t of_the_format = 32;
  const gguf_value* value = file.find_key("general.alignment");
  if (value == nullptr) return of_the_format;
  const auto* numbers = std::get_if<std::vector<std::uint64_t>>(&value->content);
  const bool is_one = value->kind == gguf_kind::u32 && !value->is_array && numbers != nullptr;
  if (!is_one || !std::has_single_bit(numbers->front())) {
    throw error(errc::bad_file, file.path() + ": general.alignment must be a power of two of type u32" +
                                    (is_one ? ", not " + std::to_string(numbers->front()) : std::string()));
  }
  return static_cast<std::int64_t>(numbers->front());
}

void check_beginning(head_reader& head, const std::string& path) {
  const auto magic = head.take<std::uint32_t>("the beginning");
  if (magic != gguf_magic) throw error(errc::bad_file, path + ": not a GGUF file: it does not begin with \"GGUF\"");
  const auto version = head.take<std::uint32_t>("the version");
  if (version == 2 || version == 3) return;
  const bool is_swapped = version != 0 && (version & 0xFFFFU) == 0;
  throw error(errc::unsupported, path + (is_swapped ? ": big-endian files are not supported"
                                                    : ": GGUF version " + std::to_string(version) +
                                                          " is not supported; supported are 2 and 3"));
}

[[noreturn]] void refuse_kind(const gguf_file& file, std::string_view key, const gguf_value& value,
                              std::string_view wanted) {
  throw error(errc::bad_file, file.path() + ": " + std::string(key) + " must be " + std::string(wanted) + ", not " +
                                  (value.is_array ? "an array of " : "of type ") + std::string(name_of(value.kind)));
}

}  // namespace

std::string_view name_of(gguf_kind kind) noexcept { return kinds[static_cast<std::size_t>(kind)].name; }
std::int64_t least_bytes_of(gguf_kind kind) noexcept { return kinds[static_cast<std::size_t>(kind)].bytes; }

gguf_file::gguf_file(const std::filesystem::path& path) : file_(path) {
  head_reader head(file_);
  check_beginning(head, file_.path());
  constexpr std::int64_t least_info_bytes = 24;  // length of the name, number of dimensions, type, offset
  constexpr std::int64_t least_key_bytes = 13;   // length of the name, type, one byte
  const std::int64_t tensors =
      head.count(head.take<std::uint64_t>("the number of tensors"), least_info_bytes, "tensors");
  const std::int64_t keys = head.count(head.take<std::uint64_t>("the number of keys"), least_key_bytes, "keys");
  for (std::int64_t k = 0; k < keys; ++k) {
    const std::string key = head.text("the name of key " + std::to_string(k));
    const std::string what = "key \"" + key + "\"";
    keys_.emplace_back(key, read_value(head, file_.path() + ": " + what, what));
    if (!key_index_.emplace(key, keys_.size() - 1).second) {
      throw error(errc::bad_file, file_.path() + ": " + what + " is there twice");
    }
  }
  for (std::int64_t t = 0; t < tensors; ++t) {
    tensors_.push_back(read_info(head, file_.path()));
    if (!tensor_index_.emplace(tensors_.back().name, tensors_.size() - 1).second) {
      throw error(errc::bad_file, file_.path() + ": tensor \"" + tensors_.back().name + "\" is there twice");
    }
  }
  const std::int64_t alignment = alignment_of(*this);
  const std::int64_t data_begin = (head.position() + alignment - 1) / alignment * alignment;
  place_data(tensors_, data_begin, alignment, file_);
}

const gguf_value* gguf_file::find_key(std::string_view key) const noexcept {
  const auto found = key_index_.find(key);
  return found == key_index_.end() ? nullptr : &keys_[found->second].second;
}

const gguf_tensor* gguf_file::find(std::string_view tensor) const noexcept {
  const auto found = tensor_index_.find(tensor);
  return found == tensor_index_.end() ? nullptr : &tensors_[found->second];
}

std::string gguf_file::text(std::string_view key, std::string_view otherwise) const {
  const gguf_value* value = find_key(key);
  if (value == nullptr) return std::string(otherwise);
  if (value->kind != gguf_kind::text || value->is_array) refuse_kind(*this, key, *value, "a string");
  return std::get<std::vector<std::string>>(value->content).front();
}

bool gguf_file::flag(std::string_view key, bool otherwise) const {
  const gguf_value* value = find_key(key);
  if (value == nullptr) return otherwise;
  if (value->kind != gguf_kind::boolean || value->is_array) refuse_kind(*this, key, *value, "true or false");
  return std::get<std::vector<std::uint64_t>>(value->content).front() != 0;
}

std::span<const std::string> gguf_file::texts(std::string_view key) const {
  const gguf_value* value = find_key(key);
  if (value == nullptr) return {};
  if (value->kind != gguf_kind::text || !value->is_array) refuse_kind(*this, key, *value, "an array of strings");
  return std::get<std::vector<std::string>>(value->content);
}

void gguf_file::read_bytes(const gguf_tensor& tensor, std::int64_t offset, std::span<std::byte> out) const {
  const auto size = static_cast<std::int64_t>(out.size());
  if (offset < 0 || size > tensor.bytes || offset > tensor.bytes - size) {
    throw error(errc::out_of_range, path() + ": tensor \"" + tensor.name + "\" has no " + std::to_string(size) +
                                        " bytes at offset " + std::to_string(offset));
  }
  file_.read(tensor.begin + offset, out);
}

void gguf_file::require_readable(const gguf_tensor& tensor) const {
  if (tensor.type->decode != nullptr) return;
  throw error(errc::unsupported, path() + ": tensor \"" + tensor.name + "\" is of type " +
                                     std::string(tensor.type->name) + ", whose codes cannot be read");
}

void gguf_file::read_values(const gguf_tensor& tensor, std::int64_t first, std::span<float> out) const {
  const ggml_type& type = *tensor.type;
  require_readable(tensor);
  if (out.empty()) return;
  const std::int64_t begin = first / type.elements;
  const std::int64_t last = first + static_cast<std::int64_t>(out.size());
  const std::int64_t end = (last + type.elements - 1) / type.elements;
  std::vector<std::byte> blocks(static_cast<std::size_t>((end - begin) * type.bytes));
  read_bytes(tensor, begin * type.bytes, blocks);
  if (first == begin * type.elements && last == end * type.elements) return type.decode(blocks.data(), out);
  std::vector<float> values(static_cast<std::size_t>((end - begin) * type.elements));
  type.decode(blocks.data(), values);
  std::copy_n(values.begin() + (first - begin * type.elements), out.size(), out.begin());
}

bool is_gguf(const std::filesystem::path& path) {
  std::error_code unknown;
  if (!std::filesystem::is_regular_file(path, unknown)) return false;
  if (path.extension() == ".gguf") return true;
  const common::input_file file(path);
  std::uint32_t magic = 0;
  if (file.size() >= 4) file.read(0, std::as_writable_bytes(std::span(&magic, 1)));
  return magic == gguf_magic;
}

}  // namespace qgrain::lm
