// The quantized weights of a model folder, as compressed-tensors, ModelOpt and DeepSeek write them.
#ifndef QGRAIN_LM_QUANTIZED_QUANTIZED_WEIGHTS_HPP
#define QGRAIN_LM_QUANTIZED_QUANTIZED_WEIGHTS_HPP

#include <lm/quantized/coded_weight.hpp>
#include <lm/quantized/quantization_config.hpp>
#include <lm/weight_source.hpp>

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace qgrain::lm {

/// The weights that are stored as codes; others are not its own. Values are codes by scales, as the numbers stand in
/// the file, in float32; how inputs are quantized is not applied to them.
class quantized_weights final : public weight_source {
 public:
  /// `tensors`: all of the folder by name; files and infos outlive the object.
  quantized_weights(const quantization_config& config, const stored_parts& tensors);

  [[nodiscard]] const tensor_info* info_of(std::string_view weight) const noexcept override;
  /// Alphabetical, as "model.layers.0.mlp.up_proj.weight".
  [[nodiscard]] std::vector<std::string> names() const override;
  [[nodiscard]] stored_form form_of(std::string_view weight) const override;
  void require_readable(std::string_view weight) const override;
  void read(std::string_view weight, std::int64_t first, std::span<float> out) const override;
  void will_read(std::string_view weight) const noexcept override;
  /// Nothing: what stands in the file is read, or refused by name.
  [[nodiscard]] std::vector<std::string> warnings() const override { return {}; }

  /// The weight that a tensor of the folder is a part of: "x.weight_scale" of "x.weight"; empty for other tensors.
  [[nodiscard]] std::string_view weight_of(std::string_view tensor) const noexcept;

 private:
  struct entry {
    tensor_info info;
    stored_parts parts;
    weight_storage storage;
    std::string fault;  ///< why it cannot be read; many a weight is never needed
    errc fault_code = errc::unsupported;
  };
  std::map<std::string, entry, std::less<>> entries_;
  std::map<std::string, std::string, std::less<>> weight_of_;
};

}  // namespace qgrain::lm

#endif
