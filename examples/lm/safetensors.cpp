#include <common/json.hpp>
#include <lm/safetensors.hpp>

#include <qgrain/core/half.hpp>
#include <qgrain/core/status.hpp>

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <numeric>

namespace qgrain::lm {
namespace {

struct dtype_facts {
  std::string_view name;
  std::int64_t bits;
};
// In the order of the enumeration; all types of safetensors 0.8.
constexpr std::array<dtype_facts, 22> dtypes{
    {{"BOOL", 8},    {"U8", 8},          {"I8", 8},          {"F8_E5M2", 8}, {"F8_E4M3", 8}, {"F8_E8M0", 8},
     {"I16", 16},    {"U16", 16},        {"F16", 16},        {"BF16", 16},   {"I32", 32},    {"U32", 32},
     {"F32", 32},    {"I64", 64},        {"U64", 64},        {"F64", 64},    {"F4", 4},      {"F6_E2M3", 6},
     {"F6_E3M2", 6}, {"F8_E4M3FNUZ", 8}, {"F8_E5M2FNUZ", 8}, {"C64", 64}}};
constexpr std::int64_t length_bytes = 8;
constexpr std::int64_t header_limit = 100'000'000;

dtype dtype_of(std::string_view name, const std::string& where) {
  const auto found = std::find_if(dtypes.begin(), dtypes.end(), [&](const dtype_facts& d) { return d.name == name; });
  if (found == dtypes.end()) {
    throw error(errc::bad_file, where + ": unknown dtype \"" + std::string(name) + "\"");
  }
  return static_cast<dtype>(found - dtypes.begin());
}

// Bytes of a tensor, or errc::bad_file where the product leaves 63 bits or elements end within a byte.
std::int64_t checked_bytes(std::span<const std::int64_t> shape, dtype type, const std::string& where) {
  std::int64_t bytes = std::max<std::int64_t>(bytes_of(type), 1);
  for (const std::int64_t extent : shape) {
    if (__builtin_mul_overflow(bytes, extent, &bytes)) {
      throw error(errc::bad_file, where + ": the shape " + shape_text(shape) + " overflows");
    }
  }
  if (bytes_of(type) > 0) return bytes;
  std::int64_t bits = 0;
  if (__builtin_mul_overflow(bytes, bits_of(type), &bits)) {
    throw error(errc::bad_file, where + ": the shape " + shape_text(shape) + " overflows");
  }
  if (bits % 8 != 0) {
    throw error(errc::bad_file, where + ": " + std::to_string(bits) + " bits of " + std::string(name_of(type)) + " " +
                                    shape_text(shape) + " are no whole number of bytes");
  }
  return bits / 8;
}

tensor_info parse_entry(std::string_view name, const common::json_field& entry, std::int64_t data_begin,
                        const std::string& path) {
  const std::string where = path + ": tensor \"" + std::string(name) + "\"";
  tensor_info tensor;
  tensor.name = name;
  tensor.type = dtype_of(entry.at("dtype").string(), where);
  for (const common::json_field& extent : entry.at("shape").elements()) tensor.shape.push_back(extent.count());
  const std::vector<common::json_field> offsets = entry.at("data_offsets").elements();
  if (offsets.size() != 2) entry.at("data_offsets").must_be("an array of two numbers");
  const std::int64_t begin = offsets[0].count();
  const std::int64_t end = offsets[1].count();
  const std::int64_t bytes = checked_bytes(tensor.shape, tensor.type, where);
  if (end < begin || end - begin != bytes) {
    throw error(errc::bad_file, where + ": data_offsets [" + std::to_string(begin) + ", " + std::to_string(end) +
                                    "] do not span the " + std::to_string(bytes) + " bytes of " +
                                    std::string(name_of(tensor.type)) + " " + shape_text(tensor.shape));
  }
  if (end > std::numeric_limits<std::int64_t>::max() - data_begin) {
    throw error(errc::bad_file, where + ": data_offsets lie outside of the file");
  }
  tensor.begin = data_begin + begin;
  tensor.end = data_begin + end;
  return tensor;
}

// Every byte behind the header belongs to exactly one tensor.
void check_coverage(const std::vector<tensor_info>& tensors, std::int64_t data_begin, const common::input_file& file) {
  std::vector<const tensor_info*> order;
  for (const tensor_info& tensor : tensors) order.push_back(&tensor);
  std::sort(order.begin(), order.end(), [](const tensor_info* a, const tensor_info* b) {
    return std::pair(a->begin, a->end) < std::pair(b->begin, b->end);
  });
  std::int64_t position = data_begin;
  for (const tensor_info* tensor : order) {
    const std::string where = file.path() + ": tensor \"" + tensor->name + "\"";
    if (tensor->end > file.size()) {
      throw error(errc::bad_file, where + " ends at byte " + std::to_string(tensor->end) + ", but the file has " +
                                      std::to_string(file.size()) + " bytes (truncated?)");
    }
    if (tensor->begin != position) {
      throw error(errc::bad_file,
                  where + " starts at data byte " + std::to_string(tensor->begin - data_begin) +
                      (tensor->begin < position ? ", overlapping its predecessor, which ends at "
                                                : ", leaving a gap after the preceding data, which ends at ") +
                      std::to_string(position - data_begin));
    }
    position = tensor->end;
  }
  if (position != file.size()) {
    throw error(errc::bad_file, file.path() + ": the header describes " + std::to_string(position) +
                                    " bytes, but the file has " + std::to_string(file.size()));
  }
}

// What a file that does not begin with a header length seems to be; empty where that is not known.
std::string_view foreign_format(std::string_view beginning) {
  if (common::is_git_lfs_pointer(beginning)) {
    return "this is a Git LFS pointer, not the file that it stands for; fetch that with \"git lfs pull\"";
  }
  if (beginning.starts_with("<!DOCTYPE") || beginning.starts_with("<!doctype") || beginning.starts_with("<html")) {
    return "this is a web page, not a safetensors file; the download went wrong";
  }
  if (beginning.starts_with("PK\x03\x04")) {
    return "this is a ZIP archive such as PyTorch's checkpoints are, not a safetensors file";
  }
  if (beginning.starts_with("GGUF")) return "this is a GGUF file, not a safetensors file";
  if (beginning.starts_with("{")) return "this is JSON text (an index?), not a safetensors file";
  return {};
}

// Elements of a 16-bit format from `first` on, widened piece by piece.
template <class Half>
void read_widened(const safetensors_file& file, const tensor_info& tensor, std::int64_t first, std::span<float> out) {
  std::array<Half, 16384> piece;
  while (!out.empty()) {
    const auto part = std::span(piece).first(std::min(out.size(), piece.size()));
    file.read_bytes(tensor, first * 2, std::as_writable_bytes(part));
    std::transform(part.begin(), part.end(), out.begin(), [](Half h) { return to_float(h); });
    first += static_cast<std::int64_t>(part.size());
    out = out.subspan(part.size());
  }
}

}  // namespace

std::string_view name_of(dtype type) noexcept { return dtypes[static_cast<std::size_t>(type)].name; }
std::int64_t bits_of(dtype type) noexcept { return dtypes[static_cast<std::size_t>(type)].bits; }
std::int64_t bytes_of(dtype type) noexcept { return bits_of(type) % 8 == 0 ? bits_of(type) / 8 : 0; }

std::string shape_text(std::span<const std::int64_t> shape) {
  std::string text = "[";
  for (const std::int64_t extent : shape) text += (text.size() > 1 ? ", " : "") + std::to_string(extent);
  return text + "]";
}

safetensors_file::safetensors_file(const std::filesystem::path& path) : file_(path) {
  if (file_.size() < length_bytes) {
    throw error(errc::bad_file,
                file_.path() + ": " + std::to_string(file_.size()) +
                    " bytes are too few for a safetensors file, which starts with 8 bytes of header length");
  }
  std::uint64_t header_bytes = 0;
  file_.read(0, std::as_writable_bytes(std::span(&header_bytes, 1)));
  if (header_bytes > static_cast<std::uint64_t>(header_limit)) {
    std::string beginning(static_cast<std::size_t>(std::min<std::int64_t>(file_.size(), 64)), '\0');
    file_.read(0, std::as_writable_bytes(std::span(beginning)));
    if (const std::string_view what = foreign_format(beginning); !what.empty()) {
      throw error(errc::bad_file, file_.path() + ": " + std::string(what));
    }
    throw error(errc::bad_file, file_.path() + ": the header length " + std::to_string(header_bytes) +
                                    " exceeds the limit of " + std::to_string(header_limit) + " bytes");
  }
  const std::int64_t data_begin = length_bytes + static_cast<std::int64_t>(header_bytes);
  if (data_begin > file_.size()) {
    throw error(errc::bad_file, file_.path() + ": the header of " + std::to_string(header_bytes) +
                                    " bytes is longer than the file of " + std::to_string(file_.size()) + " bytes");
  }
  std::string header(header_bytes, '\0');
  file_.read(length_bytes, std::as_writable_bytes(std::span(header)));
  const std::string header_name = file_.path() + " (header)";
  const common::json_document document{header_name, common::parse_json(header, header_name)};
  for (const auto& [key, value] : common::json_field(document).members()) {
    if (key == "__metadata__") {
      if (value.is_null()) continue;
      for (const auto& [name, text] : value.members()) metadata_.emplace(name, text.string());
      continue;
    }
    index_.emplace(key, tensors_.size());
    tensors_.push_back(parse_entry(key, value, data_begin, file_.path()));
  }
  check_coverage(tensors_, data_begin, file_);
}

const tensor_info* safetensors_file::find(std::string_view name) const noexcept {
  const auto found = index_.find(name);
  return found == index_.end() ? nullptr : &tensors_[found->second];
}

const tensor_info& safetensors_file::at(std::string_view name) const {
  if (const tensor_info* tensor = find(name)) return *tensor;
  throw error(errc::bad_file, file_.path() + ": there is no tensor \"" + std::string(name) + "\"");
}

void safetensors_file::read_bytes(const tensor_info& tensor, std::int64_t offset, std::span<std::byte> out) const {
  if (offset < 0 || offset > tensor.end - tensor.begin - static_cast<std::int64_t>(out.size())) {
    throw error(errc::out_of_range, file_.path() + ": bytes beyond the end of tensor \"" + tensor.name + "\"");
  }
  file_.read(tensor.begin + offset, out);
}

void safetensors_file::read_f32(const tensor_info& tensor, std::int64_t first, std::span<float> out) const {
  if (tensor.type == dtype::f32) return read_bytes(tensor, first * 4, std::as_writable_bytes(out));
  if (tensor.type == dtype::bf16) return read_widened<bfloat16>(*this, tensor, first, out);
  if (tensor.type == dtype::f16) return read_widened<float16>(*this, tensor, first, out);
  throw error(errc::bad_file, file_.path() + ": tensor \"" + tensor.name + "\" is " +
                                  std::string(name_of(tensor.type)) + ", where F32, F16 or BF16 is needed");
}

void safetensors_file::read_i32(const tensor_info& tensor, std::int64_t first, std::span<std::int32_t> out) const {
  if (tensor.type == dtype::i32) return read_bytes(tensor, first * 4, std::as_writable_bytes(out));
  if (tensor.type != dtype::i64) {
    throw error(errc::bad_file, file_.path() + ": tensor \"" + tensor.name + "\" is " +
                                    std::string(name_of(tensor.type)) + ", where I32 or I64 is needed");
  }
  std::vector<std::int64_t> wide(out.size());
  read_bytes(tensor, first * 8, std::as_writable_bytes(std::span(wide)));
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (wide[i] != static_cast<std::int32_t>(wide[i])) {
      throw error(errc::out_of_range, file_.path() + ": tensor \"" + tensor.name + "\" holds " +
                                          std::to_string(wide[i]) + ", which does not fit into 32 bits");
    }
    out[i] = static_cast<std::int32_t>(wide[i]);
  }
}

safetensors_writer::safetensors_writer(std::filesystem::path path, std::vector<tensor_plan> plan,
                                       const std::map<std::string, std::string>& metadata)
    : file_(path) {
  boost::json::object header;
  if (!metadata.empty()) {
    boost::json::object& texts = header["__metadata__"].emplace_object();
    for (const auto& [key, value] : metadata) texts[key] = value;
  }
  std::int64_t position = 0;
  for (const tensor_plan& tensor : plan) {
    const std::string where = path.string() + ": tensor \"" + tensor.name + "\"";
    if (header.contains(tensor.name)) throw error(errc::invalid_argument, where + " is planned twice");
    const std::int64_t bytes = checked_bytes(tensor.shape, tensor.type, where);
    header[tensor.name] = {{"dtype", name_of(tensor.type)},
                           {"shape", boost::json::array(tensor.shape.begin(), tensor.shape.end())},
                           {"data_offsets", {position, position + bytes}}};
    spans_.emplace_back(position, position + bytes);
    position += bytes;
  }
  std::string text = boost::json::serialize(header);
  text.resize((text.size() + 7) / 8 * 8, ' ');  // data starts on a multiple of 8
  const std::uint64_t header_bytes = text.size();
  const std::int64_t data_begin = length_bytes + static_cast<std::int64_t>(header_bytes);
  for (auto& [begin, end] : spans_) {
    begin += data_begin;
    end += data_begin;
  }
  file_.write(0, std::as_bytes(std::span(&header_bytes, 1)));
  file_.write(length_bytes, std::as_bytes(std::span(text)));
  file_.resize(data_begin + position);
}

void safetensors_writer::write(std::size_t tensor, std::int64_t offset, std::span<const std::byte> bytes) {
  const auto [begin, end] = spans_.at(tensor);
  if (offset < 0 || offset > end - begin - static_cast<std::int64_t>(bytes.size())) {
    throw error(errc::out_of_range, "bytes beyond the end of a planned tensor");
  }
  file_.write(begin + offset, bytes);
}

}  // namespace qgrain::lm
