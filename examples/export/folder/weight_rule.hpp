// How the codes and scales of a chosen weight recipe are made, and the format that they are stored in.
#ifndef QGRAIN_EXPORT_FOLDER_WEIGHT_RULE_HPP
#define QGRAIN_EXPORT_FOLDER_WEIGHT_RULE_HPP

#include <cstdint>
#include <export/folder/stored_format.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace qgrain::exports {

enum class code_source : std::uint8_t {
  catalogue,  ///< a recipe of qgrain-quantize gives codes and scales
  scored,     ///< a recipe of the sweep gives values, and codes and scales are found that stand for them
};

struct weight_rule {
  stored_format format;  ///< with input_kind::none
  code_source source = code_source::catalogue;
  std::string recipe;  ///< by its name there
  /// Whether the tool computes its scales, also those of inputs, in the type of the checkpoint.
  bool has_own_type = false;
  /// Whether the tensor's scale of NVFP4 divides (compressed-tensors).
  bool divides = false;
};

/// The rule of one of the sweep's recipes or of the catalogue; nothing where no folder target has its format.
[[nodiscard]] std::optional<weight_rule> find_weight_rule(std::string_view recipe);

}  // namespace qgrain::exports

#endif
