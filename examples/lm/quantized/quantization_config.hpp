// What config.json, or hf_quant_config.json, says about the quantized weights of a model folder.
#ifndef QGRAIN_LM_QUANTIZED_QUANTIZATION_CONFIG_HPP
#define QGRAIN_LM_QUANTIZED_QUANTIZATION_CONFIG_HPP

#include <common/json.hpp>

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace qgrain::lm {

/// The tools whose folders are read, by their `quant_method`: "compressed-tensors", "modelopt", "fp8" (DeepSeek).
enum class quantization_method : std::uint8_t { compressed_tensors, modelopt, fp8 };

/// One of compressed-tensors' `config_groups`: what its weights are.
struct quantization_group {
  std::string name;
  std::vector<std::string> targets;  ///< module names, "re:" and a regular expression, or class names
  int bits = 0;
  bool is_integer = true;
  std::array<std::int64_t, 2> tile{128, 128};  ///< `block_structure`
};

struct quantization_config {
  quantization_method method = quantization_method::compressed_tensors;
  std::string where;  ///< "FILE: quantization_config", the beginning of sentences about it
  std::vector<quantization_group> groups;
  /// Whether codes of 3, 5, 6 and 7 bits lie across words, as compressed-tensors writes them since 0.14.
  bool is_dense = true;
  std::array<std::int64_t, 2> tile{128, 128};  ///< DeepSeek's `weight_block_size`

  /// compressed-tensors' order: an exact name in any group, then a regular expression that matches at the start, then a
  /// class. Null where no group has the module.
  [[nodiscard]] const quantization_group* group_of(std::string_view module) const;
};

/// Throws errc::unsupported where `field`, a `quantization_config`, is of a tool whose folders are not read, or says
/// that more than weights and scales is needed to get values (transforms, sparsity, other formats).
void require_known_quantization(const common::json_field& field);

/// Of a model folder: `quantization_config` of config.json, at the top or within `text_config`, else what
/// hf_quant_config.json says; nothing where there is neither.
/// @throws error errc::bad_file or errc::unsupported, naming file and key
[[nodiscard]] std::optional<quantization_config> read_quantization_config(const std::filesystem::path& folder);

}  // namespace qgrain::lm

#endif
