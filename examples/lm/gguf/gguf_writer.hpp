// GGUF files to write: version 3, little-endian, tensors aligned to 32 bytes.
#ifndef QGRAIN_LM_GGUF_GGUF_WRITER_HPP
#define QGRAIN_LM_GGUF_GGUF_WRITER_HPP

#include <common/file.hpp>
#include <lm/gguf/ggml_type.hpp>
#include <lm/gguf/gguf_value.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace qgrain::lm {

/// What a new file is to hold of one tensor; `shape` with rows first.
struct gguf_tensor_plan {
  std::string name;
  const ggml_type* type = nullptr;
  std::vector<std::int64_t> shape;

  /// @throws error errc::invalid_shape where rows are no whole blocks of the type
  [[nodiscard]] std::int64_t bytes() const;
};

/// Writes the keys and the planned tensors in their orders. Data may arrive in any order and in pieces, so that nothing
/// needs to be in memory as a whole; what is not written is zeros. The file appears under its name only when `finish`
/// succeeds; without it nothing is left behind.
class gguf_writer {
 public:
  static constexpr std::int64_t alignment = 32;

  /// `keys` without "general.alignment": that of the format is used.
  gguf_writer(const std::filesystem::path& path, const gguf_keys& keys, std::span<const gguf_tensor_plan> plan);

  /// Writes bytes at `offset` within tensor number `tensor` of the plan.
  void write(std::size_t tensor, std::int64_t offset, std::span<const std::byte> bytes);
  void finish() { file_.commit(); }
  /// Bytes of the whole file.
  [[nodiscard]] std::int64_t size() const noexcept { return size_; }

 private:
  struct place {
    std::int64_t begin;
    std::int64_t bytes;
  };
  common::atomic_file file_;
  std::vector<place> places_;
  std::int64_t size_ = 0;
};

}  // namespace qgrain::lm

#endif
