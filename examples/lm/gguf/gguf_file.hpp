// GGUF files to read: keys with typed values, and tensors in ggml's types.
// Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
#ifndef QGRAIN_LM_GGUF_GGUF_FILE_HPP
#define QGRAIN_LM_GGUF_GGUF_FILE_HPP

#include <common/file.hpp>
#include <lm/gguf/ggml_type.hpp>
#include <lm/gguf/gguf_value.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace qgrain::lm {

/// One tensor's entry. `shape` is in the order of Hugging Face: rows first, the elements of a row last.
struct gguf_tensor {
  std::string name;
  const ggml_type* type = nullptr;
  std::vector<std::int64_t> shape;
  std::int64_t begin = 0;  ///< byte position in the file
  std::int64_t bytes = 0;

  [[nodiscard]] std::int64_t elements() const noexcept { return bytes / type->bytes * type->elements; }
};

/// An open file of version 2 or 3, little-endian, whose keys and tensor infos have been checked in full: kinds and
/// types known, names once each, rows of whole blocks, data aligned, without overlap and within the file. Tensor data
/// is read by position. Const members may be called from several threads at once.
class gguf_file {
 public:
  /// @throws error errc::io_failure, or errc::bad_file and errc::unsupported with a sentence that names the path, the
  /// key or tensor, and the numbers
  explicit gguf_file(const std::filesystem::path& path);

  [[nodiscard]] const std::string& path() const noexcept { return file_.path(); }
  [[nodiscard]] const gguf_keys& keys() const noexcept { return keys_; }
  [[nodiscard]] const std::vector<gguf_tensor>& tensors() const noexcept { return tensors_; }

  // Null where there is none of that name.
  [[nodiscard]] const gguf_value* find_key(std::string_view key) const noexcept;
  [[nodiscard]] const gguf_tensor* find(std::string_view tensor) const noexcept;

  // A single value of a key, or `otherwise` where the key is missing. Another kind is errc::bad_file.
  [[nodiscard]] std::string text(std::string_view key, std::string_view otherwise) const;
  [[nodiscard]] bool flag(std::string_view key, bool otherwise) const;
  /// The texts of an array; empty where the key is missing.
  [[nodiscard]] std::span<const std::string> texts(std::string_view key) const;

  /// Raw bytes from `offset` within the tensor.
  void read_bytes(const gguf_tensor& tensor, std::int64_t offset, std::span<std::byte> out) const;
  /// @throws error errc::unsupported, naming the type, where codes of the tensor's type cannot be read
  void require_readable(const gguf_tensor& tensor) const;
  /// Elements [first, first + out.size()) of a readable tensor as values.
  void read_values(const gguf_tensor& tensor, std::int64_t first, std::span<float> out) const;
  /// The whole tensor will be read soon.
  void will_read(const gguf_tensor& tensor) const noexcept { file_.will_read(tensor.begin, tensor.bytes); }

 private:
  common::input_file file_;
  gguf_keys keys_;
  std::vector<gguf_tensor> tensors_;
  std::map<std::string, std::size_t, std::less<>> key_index_;
  std::map<std::string, std::size_t, std::less<>> tensor_index_;
};

/// Whether a path names a regular file that begins as a GGUF file does or ends in ".gguf"; a model folder does not.
[[nodiscard]] bool is_gguf(const std::filesystem::path& path);

}  // namespace qgrain::lm

#endif
