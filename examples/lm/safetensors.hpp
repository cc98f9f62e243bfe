// The safetensors file format, read and write: 8 bytes of header length, a JSON header, tensor data.
// Format: https://github.com/huggingface/safetensors (its README states the layout).
#ifndef QGRAIN_LM_SAFETENSORS_HPP
#define QGRAIN_LM_SAFETENSORS_HPP

#include <common/file.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace qgrain::lm {

/// Element types by their names in the header.
enum class dtype : std::uint8_t {
  boolean,
  u8,
  i8,
  f8_e5m2,
  f8_e4m3,
  f8_e8m0,
  i16,
  u16,
  f16,
  bf16,
  i32,
  u32,
  f32,
  i64,
  u64,
  f64,
  // Known by their size alone, so that a file that holds them can be opened for its other tensors.
  f4,
  f6_e2m3,
  f6_e3m2,
  f8_e4m3fnuz,
  f8_e5m2fnuz,
  c64
};

[[nodiscard]] std::string_view name_of(dtype type) noexcept;
/// Of one element: 4 to 64.
[[nodiscard]] std::int64_t bits_of(dtype type) noexcept;
/// Of one element; 0 where it is no whole number of bytes (F4, F6).
[[nodiscard]] std::int64_t bytes_of(dtype type) noexcept;

/// One tensor's entry. `begin` and `end` are byte positions in the file.
struct tensor_info {
  std::string name;
  dtype type = dtype::f32;
  std::vector<std::int64_t> shape;
  std::int64_t begin = 0;
  std::int64_t end = 0;

  [[nodiscard]] std::int64_t elements() const noexcept { return (end - begin) * 8 / bits_of(type); }
};

/// "[2, 3]"
[[nodiscard]] std::string shape_text(std::span<const std::int64_t> shape);

/// An open file whose header has been checked in full: types known, sizes equal to shapes, data without gap or overlap
/// and exactly as long as the file. Tensor data is read by position into the caller's memory. Const members may be
/// called from several threads at once.
class safetensors_file {
 public:
  /// Throws errc::io_failure or errc::bad_file with a sentence that names the path and the fault.
  explicit safetensors_file(const std::filesystem::path& path);

  [[nodiscard]] const std::string& path() const noexcept { return file_.path(); }
  /// In the order of the header.
  [[nodiscard]] const std::vector<tensor_info>& tensors() const noexcept { return tensors_; }
  [[nodiscard]] const std::map<std::string, std::string>& metadata() const noexcept { return metadata_; }
  /// Null where there is no such tensor.
  [[nodiscard]] const tensor_info* find(std::string_view name) const noexcept;
  /// Throws errc::bad_file naming the tensor and the file.
  [[nodiscard]] const tensor_info& at(std::string_view name) const;

  /// Elements [first, first + out.size()) of an F32, F16 or BF16 tensor, widened exactly. Other types: errc::bad_file.
  void read_f32(const tensor_info& tensor, std::int64_t first, std::span<float> out) const;
  /// The same of an I32 or I64 tensor; a number outside of 32 bits is errc::out_of_range.
  void read_i32(const tensor_info& tensor, std::int64_t first, std::span<std::int32_t> out) const;
  /// Raw bytes from `offset` within the tensor.
  void read_bytes(const tensor_info& tensor, std::int64_t offset, std::span<std::byte> out) const;
  /// The whole tensor will be read soon.
  void will_read(const tensor_info& tensor) const noexcept { file_.will_read(tensor.begin, tensor.end - tensor.begin); }

 private:
  common::input_file file_;
  std::vector<tensor_info> tensors_;
  std::map<std::string, std::string> metadata_;
  std::map<std::string, std::size_t, std::less<>> index_;
};

/// What a new file is to hold.
struct tensor_plan {
  std::string name;
  dtype type = dtype::f32;
  std::vector<std::int64_t> shape;
};

/// Writes a file of the planned tensors, in their order. Data may arrive in any order and in pieces, so nothing needs
/// to be in memory as a whole. The file appears under its name only when `finish` succeeds; without it nothing is left
/// behind.
class safetensors_writer {
 public:
  safetensors_writer(std::filesystem::path path, std::vector<tensor_plan> plan,
                     const std::map<std::string, std::string>& metadata = {});

  /// Writes bytes at `offset` within tensor number `tensor` of the plan.
  void write(std::size_t tensor, std::int64_t offset, std::span<const std::byte> bytes);
  template <class Element>
  void write_elements(std::size_t tensor, std::int64_t first, std::span<const Element> elements) {
    write(tensor, first * static_cast<std::int64_t>(sizeof(Element)), std::as_bytes(elements));
  }
  void finish() { file_.commit(); }

 private:
  common::atomic_file file_;
  std::vector<std::pair<std::int64_t, std::int64_t>> spans_;  // byte positions in the file
};

}  // namespace qgrain::lm

#endif
