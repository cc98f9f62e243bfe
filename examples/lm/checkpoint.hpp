// The tensors of a model: one safetensors file, shards named by an index, plain or quantized, or a GGUF file.
#ifndef QGRAIN_LM_CHECKPOINT_HPP
#define QGRAIN_LM_CHECKPOINT_HPP

#include <lm/buffer.hpp>
#include <lm/gguf/gguf_weights.hpp>
#include <lm/quantized/quantized_weights.hpp>
#include <lm/safetensors.hpp>

#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace qgrain::lm {

/// Reads a folder's `model.safetensors` or, without one, the shards of `model.safetensors.index.json`; or a GGUF file,
/// whose tensors have Hugging Face's names here. Weights that are stored as codes (a GGUF file's blocks, a folder's
/// with `quantization_config`) are there as their values. All headers are checked at opening. Tensor data is read by
/// position only when asked for. Threads may read at once.
class checkpoint {
 public:
  /// Throws errc::io_failure or errc::bad_file naming the file and the tensor at fault.
  explicit checkpoint(const std::filesystem::path& model);

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  /// What a user should know: an index that is not looked at, tensors of a GGUF file that have no place in the model.
  [[nodiscard]] const std::vector<std::string>& warnings() const noexcept { return warnings_; }
  /// The dtype is one that widens to f32 and the shape is `shape`, or errc::bad_file naming both shapes or what the
  /// index promised of the tensor.
  void require(std::string_view tensor, std::span<const std::int64_t> shape) const;
  /// Null where the tensor is missing. A coded weight is F32.
  [[nodiscard]] const tensor_info* find(std::string_view tensor) const noexcept;
  /// Elements [first, first + out.size()) of a tensor that `require` has accepted, widened to f32.
  void read(std::string_view tensor, std::int64_t first, std::span<float> out) const;
  /// The whole of such a tensor will be read soon: the system may bring its bytes meanwhile.
  void will_read(std::string_view tensor) const noexcept;
  /// The safetensors files of a folder; none for a GGUF file.
  [[nodiscard]] const std::vector<safetensors_file>& files() const noexcept { return files_; }
  /// The tensor that a stored one counts as: the weight that it is a part of, else itself.
  [[nodiscard]] std::string_view counts_as(std::string_view stored) const noexcept;
  /// Of all coded weights; null where there are none.
  [[nodiscard]] const weight_source* source() const noexcept {
    return gguf_ ? static_cast<const weight_source*>(&*gguf_) : quantized_ ? &*quantized_ : nullptr;
  }
  /// Null for a folder.
  [[nodiscard]] const gguf_weights* gguf() const noexcept { return gguf_ ? &*gguf_ : nullptr; }
  /// Null but for a folder with `quantization_config`.
  [[nodiscard]] const quantized_weights* quantized() const noexcept { return quantized_ ? &*quantized_ : nullptr; }

 private:
  void open_folder(const std::filesystem::path& folder);
  /// The source whose weight it is, or null.
  [[nodiscard]] const weight_source* source_of(std::string_view tensor) const noexcept;

  std::string name_;
  std::optional<gguf_weights> gguf_;
  std::optional<quantized_weights> quantized_;
  std::vector<safetensors_file> files_;
  std::map<std::string, std::size_t, std::less<>> file_of_;
  std::map<std::string, std::string, std::less<>> broken_promises_;  // of the index, by tensor; many are never needed
  std::vector<std::string> warnings_;
};

}  // namespace qgrain::lm

#endif
