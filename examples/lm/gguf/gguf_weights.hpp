// The weights of a GGUF file under the names, and in the order of rows, that Hugging Face gives them.
#ifndef QGRAIN_LM_GGUF_GGUF_WEIGHTS_HPP
#define QGRAIN_LM_GGUF_GGUF_WEIGHTS_HPP

#include <lm/gguf/gguf_file.hpp>
#include <lm/gguf/gguf_names.hpp>
#include <lm/safetensors.hpp>
#include <lm/weight_source.hpp>

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace qgrain::lm {

/// One weight. What is read of it are float32 values, whatever type the file has: blocks are decoded, multiplied by
/// the tensor `.scale` where there is one, permuted rows put back, 1 taken from norms that hold 1 more.
struct gguf_weight {
  tensor_info info;        ///< Hugging Face's name and shape, F32; positions are those of the values
  std::size_t tensor = 0;  ///< index in the file
  float factor = 1;        ///< of `.scale`
  bool holds_one_more = false;
  std::int64_t head_size = 0;  ///< where rows are permuted within heads, else 0
};

/// Const members may be called from several threads at once.
class gguf_weights final : public weight_source {
 public:
  /// @throws error as gguf_file does; errc::unsupported for another architecture, errc::bad_file for a `.scale` that is
  /// no single float32
  explicit gguf_weights(const std::filesystem::path& path);

  [[nodiscard]] const gguf_file& file() const noexcept { return file_; }
  [[nodiscard]] const std::vector<gguf_weight>& weights() const noexcept { return weights_; }
  /// Null where the tensor is missing.
  [[nodiscard]] const gguf_weight* find(std::string_view hugging_face) const noexcept;
  /// @throws error errc::unsupported, naming the type, where codes of the weight's type cannot be read
  void require_readable(const gguf_weight& weight) const { file_.require_readable(file_.tensors()[weight.tensor]); }
  /// Elements [first, first + out.size()) in Hugging Face's order.
  void read(const gguf_weight& weight, std::int64_t first, std::span<float> out) const;

  [[nodiscard]] const tensor_info* info_of(std::string_view hugging_face) const noexcept override;
  [[nodiscard]] std::vector<std::string> names() const override;
  [[nodiscard]] stored_form form_of(std::string_view hugging_face) const override;
  void require_readable(std::string_view hugging_face) const override { require_readable(*find(hugging_face)); }
  void read(std::string_view hugging_face, std::int64_t first, std::span<float> out) const override {
    read(*find(hugging_face), first, out);
  }
  void will_read(std::string_view hugging_face) const noexcept override {
    file_.will_read(file_.tensors()[find(hugging_face)->tensor]);
  }
  /// Tensors that have no place in the model.
  [[nodiscard]] std::vector<std::string> warnings() const override;

 private:
  void read_permuted(const gguf_weight& weight, std::int64_t first, std::span<float> out) const;

  gguf_file file_;
  std::vector<gguf_weight> weights_;
  std::vector<std::string> unread_;
  std::map<std::string, std::size_t, std::less<>> index_;
};

}  // namespace qgrain::lm

#endif
